import { TemplateProblem } from '../problem.ts';
import { cannot, many, type TemplateFunction } from './arguments.ts';
import { collections } from './collections.ts';
import { logic } from './logic.ts';
import { surroundings } from './surroundings.ts';
import { text } from './text.ts';

/** Every function that works on its arguments, by its lower-cased name; `if` is none, since it leaves one of them alone. */
export const functions: Record<string, TemplateFunction> = { ...text, ...collections, ...logic, ...surroundings };

const choice = { least: 3, most: 3 };

/** Refuses a call of what is not supported, or with too few or too many arguments. */
export function checkCall(name: string, given: number): void {
  const lower = name.toLowerCase();
  const known = lower === 'if' ? choice : Object.hasOwn(functions, lower) ? functions[lower] : undefined;
  if (!known)
    throw new TemplateProblem(
      `The template function '${name}' is not valid: it is not supported here. Please see https://aka.ms/arm-functions for usage details.`,
    );
  const { least, most } = known;
  if (given >= least && given <= most) return;
  const wanted = most === many ? `at least ${least}` : least === most ? `${least}` : `${least} to ${most}`;
  throw cannot(name, `it takes ${wanted} parameter(s), and ${given} are given`);
}

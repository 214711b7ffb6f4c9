import { TemplateProblem } from '../problem.ts';
import type { Json, Scope } from '../scope.ts';

export interface TemplateFunction {
  /** How many arguments it takes. */
  least: number;
  most: number;
  run(args: Arguments, scope: Scope): Json;
}

export const takes = (least: number, most: number, run: TemplateFunction['run']): TemplateFunction => ({ least, most, run });
export const many = Number.POSITIVE_INFINITY;

const kindOf = (value: Json): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return 'a number';
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
};

export const cannot = (name: string, why: string): TemplateProblem =>
  new TemplateProblem(`Unable to evaluate template language function '${name}': ${why}. Please see https://aka.ms/arm-functions for usage details.`);

/** What a function was given. Whatever does not fit is told with the function’s name. */
export class Arguments {
  readonly all: readonly Json[];
  readonly #name: string;

  constructor(name: string, all: readonly Json[]) {
    this.#name = name;
    this.all = all;
  }

  refused(why: string): TemplateProblem {
    return cannot(this.#name, why);
  }

  get length(): number {
    return this.all.length;
  }

  text(at: number): string {
    return this.#as<string>(at, 'a string', (value) => typeof value === 'string');
  }

  integer(at: number): number {
    return this.#as<number>(at, 'a whole number', Number.isInteger);
  }

  boolean(at: number): boolean {
    return this.#as<boolean>(at, 'a boolean', (value) => typeof value === 'boolean');
  }

  list(at: number): Json[] {
    return this.#as<Json[]>(at, 'an array', Array.isArray);
  }

  object(at: number): Record<string, Json> {
    return this.#as<Record<string, Json>>(at, 'an object', isObject);
  }

  /** All of them, of one kind. */
  texts(from = 0): string[] {
    return this.all.slice(from).map((_, at) => this.text(at + from));
  }
  lists(): Json[][] {
    return this.all.map((_, at) => this.list(at));
  }
  objects(): Record<string, Json>[] {
    return this.all.map((_, at) => this.object(at));
  }

  #as<T>(at: number, wanted: string, fits: (value: Json) => boolean): T {
    const value = this.all[at];
    if (!fits(value)) throw this.refused(`parameter ${at + 1} must be ${wanted}, not ${kindOf(value)}`);
    return value as T;
  }
}

export const isObject = (value: Json): value is Record<string, Json> => typeof value === 'object' && value !== null && !Array.isArray(value);

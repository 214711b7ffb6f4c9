import { evaluate, loopCount } from './evaluate.ts';
import { at, TemplateProblem } from './problem.ts';
import type { Json, Scope } from './scope.ts';
import { expectedKind, isSecure, kindOf, type OutputDeclaration, root, type Template } from './template.ts';

export type Output = { type: string; value?: Json };

const written: Record<string, string> = { securestring: 'SecureString', secureobject: 'SecureObject' };
const typeName = (type: string): string => written[type.toLowerCase()] ?? type.charAt(0).toUpperCase() + type.slice(1).toLowerCase();

/** What a template gives back. A secure value is never told. */
export function readOutputs({ outputs = {} }: Template, scope: Scope, { early = false } = {}): Record<string, Output> {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([name, declaration]) =>
      at(`${root}.outputs.${name}`, `The template output '${name}'`, () => {
        const { reference: _, ...known } = scope;
        if (declaration.condition !== undefined && evaluate(declaration.condition, known) !== true) return [];
        const value = outputValue(name, declaration, scope);
        const { type } = declaration;
        // Before its time a value may still be the expression.
        if (!early && kindOf(value) !== expectedKind(type))
          throw new TemplateProblem(`Template output JToken type is not valid. Expected '${expectedKind(type)}'. Actual '${kindOf(value)}'`);
        return [[name, { type: typeName(type), ...(isSecure(type) ? {} : { value }) }]];
      }),
    ),
  );
}

function outputValue(name: string, { value, copy }: OutputDeclaration, scope: Scope): Json {
  if (!copy) {
    if (value === undefined) throw new TemplateProblem('it has no value');
    return evaluate(value, scope);
  }
  return Array.from({ length: loopCount(copy.count, scope) }, (_, index) =>
    evaluate(copy.input, { ...scope, loops: { indexes: { [name]: index }, own: name } }),
  );
}

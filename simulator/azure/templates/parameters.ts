import { checkExpressions, evaluate } from './evaluate.ts';
import { stable } from './hash.ts';
import { at, needObject, onlyKnown, TemplateProblem } from './problem.ts';
import { caseless, type Destination, type Json, lazily, type Scope } from './scope.ts';
import { expectedKind, isSecure, kindOf, type ParameterDeclaration, root, type Template } from './template.ts';

type Given = Record<string, { value?: Json }>;

/** The values of all parameters: what was given, held against what is declared, and the defaults, which may build on other parameters. */
export function readParameters(
  { parameters: declared = {} }: Template,
  given: Given,
  destination: Destination,
  once: NonNullable<Scope['once']>,
): Record<string, Json> {
  for (const [name, entry] of Object.entries(needObject(given, 'The parameters that are given', 'properties.parameters'))) {
    if (!caseless(declared, name))
      throw new TemplateProblem(
        `The template parameters '${name}' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time. The only supported parameters for this template are '${Object.keys(declared).join(', ')}'`,
        `properties.parameters.${name}`,
      );
    onlyKnown(
      needObject(entry, `The parameter '${name}'`, `properties.parameters.${name}`),
      ['value'],
      `The parameter '${name}'`,
      `properties.parameters.${name}`,
    );
  }
  const value = lazily('parameter', Object.keys(declared), (name) => {
    const declaration = declared[name]!;
    const entry = caseless(given, name)?.[1];
    const path = `${root}.parameters.${name}`;
    checkExpressions(declaration.defaultValue, path);
    if (entry?.value === undefined && declaration.defaultValue === undefined)
      throw new TemplateProblem(
        `The value for the template parameter '${name}' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details.`,
        path,
      );
    const found =
      entry?.value !== undefined
        ? entry.value
        : at(path, `The template parameter '${name}'`, () => evaluate(declaration.defaultValue, { ...destination, parameter: value, once }));
    const wrong = wrongWith(found, declaration);
    if (wrong) throw new TemplateProblem(`The provided value for the template parameter '${name}' is not valid. ${wrong}`, path);
    return found;
  });
  return Object.fromEntries(Object.keys(declared).map((name) => [name, value(name)]));
}

/** Why a value is not what its declaration wants. */
function wrongWith(value: Json, { type, allowedValues, minValue, maxValue, minLength, maxLength }: ParameterDeclaration): string | undefined {
  if (kindOf(value) !== expectedKind(type)) return `Expected a value of type '${expectedKind(type)}', but received a value of type '${kindOf(value)}'.`;
  if (allowedValues && !allowedValues.some((allowed) => stable(allowed) === stable(value)))
    return `The value '${isSecure(type) ? '(secure)' : String(value)}' is not part of the allowed value(s): '${allowedValues.map(String).join(',')}'.`;
  const length = typeof value === 'string' || Array.isArray(value) ? value.length : undefined;
  if (length !== undefined && length < (minLength ?? 0)) return `Its length ${length} is below the minimum length of ${minLength}.`;
  if (length !== undefined && length > (maxLength ?? length)) return `Its length ${length} is above the maximum length of ${maxLength}.`;
  if (typeof value === 'number' && value < (minValue ?? value)) return `The value ${value} is below the minimum value of ${minValue}.`;
  if (typeof value === 'number' && value > (maxValue ?? value)) return `The value ${value} is above the maximum value of ${maxValue}.`;
  return undefined;
}

/** What the expressions of resources and outputs see: parameters, and variables worked out when they are asked for. */
export function scopeOf({ variables = {} }: Template, values: Record<string, Json>, destination: Destination): Scope {
  const parameter = lazily('parameter', Object.keys(values), (name) => values[name]);
  const { copy = [], ...plain } = variables;
  const loops = Object.fromEntries((copy as { name: string }[]).map((loop) => [loop.name, loop]));
  const variable = lazily('variable', [...Object.keys(plain), ...Object.keys(loops)], (name) =>
    at(`${root}.variables.${name}`, `The template variable '${name}'`, () => {
      const inner: Scope = { ...destination, parameter, variable };
      return name in plain ? evaluate(plain[name], inner) : (evaluate({ copy: [loops[name]] }, inner) as Record<string, Json>)[name];
    }),
  );
  return { ...destination, parameter, variable };
}

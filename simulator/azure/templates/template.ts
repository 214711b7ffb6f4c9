import { onlyKnown, TemplateProblem } from './problem.ts';
import type { Json } from './scope.ts';

export interface ParameterDeclaration {
  type: string;
  defaultValue?: Json;
  allowedValues?: Json[];
  minValue?: number;
  maxValue?: number;
  minLength?: number;
  maxLength?: number;
}

export interface OutputDeclaration {
  type: string;
  value?: Json;
  condition?: Json;
  copy?: { count: Json; input: Json };
}

export interface Template {
  parameters?: Record<string, ParameterDeclaration>;
  variables?: Record<string, Json>;
  resources: Record<string, Json>[];
  outputs?: Record<string, OutputDeclaration>;
}

export const root = 'properties.template';
/** What is there for people to read. */
const forPeople = ['metadata', 'comments'];

const known = {
  template: ['$schema', 'contentVersion', 'parameters', 'variables', 'functions', 'resources', 'outputs', ...forPeople],
  parameter: ['type', 'defaultValue', 'allowedValues', 'minValue', 'maxValue', 'minLength', 'maxLength', ...forPeople],
  output: ['type', 'value', 'condition', 'copy', ...forPeople],
};
export const types = ['string', 'securestring', 'int', 'bool', 'object', 'secureobject', 'array'];
export const isSecure = (type: string): boolean => type.toLowerCase().startsWith('secure');

/** Reads the frame of a template. What nothing acts on is refused, not passed over. */
export function readTemplate(template: unknown): Template {
  if (typeof template !== 'object' || template === null || Array.isArray(template)) throw new TemplateProblem('The template is no object', root);
  const { $schema, contentVersion, resources, functions, parameters = {}, outputs = {} } = template as Record<string, unknown>;
  onlyKnown(template, known.template, 'The template', root);
  for (const [name, value] of Object.entries({ $schema, contentVersion }))
    if (typeof value !== 'string') throw new TemplateProblem(`Required property '${name}' not found in the template`, root);
  if (!/\/deploymentTemplate\.json#?$/i.test($schema as string))
    throw new TemplateProblem(`The template schema '${$schema}' is not supported here: only templates for a resource group are`, `${root}.$schema`);
  if (!Array.isArray(resources)) throw new TemplateProblem('The template needs resources, as an array', `${root}.resources`);
  if (Array.isArray(functions) ? functions.length > 0 : functions)
    throw new TemplateProblem('User-defined functions are not supported here', `${root}.functions`);
  checkDeclared('parameter', parameters as Record<string, object>);
  checkDeclared('output', outputs as Record<string, object>);
  return template as Template;
}

function checkDeclared(what: 'parameter' | 'output', declared: Record<string, object>): void {
  for (const [name, declaration] of Object.entries(declared)) {
    const path = `${root}.${what}s.${name}`;
    onlyKnown(declaration, known[what], `The template ${what} '${name}'`, path);
    const { type } = declaration as { type?: unknown };
    if (typeof type !== 'string' || !types.includes(type.toLowerCase()))
      throw new TemplateProblem(`The template ${what} '${name}' has the type '${type}', which is not one of: ${types.join(', ')}`, path);
  }
}

export const kindOf = (value: Json): string => {
  if (value === null || value === undefined) return 'Null';
  if (Array.isArray(value)) return 'Array';
  const kinds: Record<string, string> = { string: 'String', boolean: 'Boolean', object: 'Object' };
  return kinds[typeof value] ?? (Number.isInteger(value) ? 'Integer' : 'Float');
};

const expected: Record<string, string> = { int: 'Integer', bool: 'Boolean', object: 'Object', secureobject: 'Object', array: 'Array' };
/** The kind of value that a declared type wants. */
export const expectedKind = (type: string): string => expected[type.toLowerCase()] ?? 'String';

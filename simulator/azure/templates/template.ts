import { needList, needObject, onlyKnown, TemplateProblem } from './problem.ts';
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
  const { $schema, contentVersion, resources, functions, parameters = {}, variables = {}, outputs = {} } = needObject(template, 'The template', root);
  onlyKnown(template as object, known.template, 'The template', root);
  for (const [name, value] of Object.entries({ $schema, contentVersion }))
    if (typeof value !== 'string') throw new TemplateProblem(`Required property '${name}' not found in the template`, root);
  if (!/\/deploymentTemplate\.json#?$/i.test($schema as string))
    throw new TemplateProblem(`The template schema '${$schema}' is not supported here: only templates for a resource group are`, `${root}.$schema`);
  needList(resources, 'The resources of the template', `${root}.resources`);
  if (Array.isArray(functions) ? functions.length > 0 : functions)
    throw new TemplateProblem('User-defined functions are not supported here', `${root}.functions`);
  checkDeclared('parameter', needObject(parameters, 'The parameters of the template', `${root}.parameters`));
  checkDeclared('output', needObject(outputs, 'The outputs of the template', `${root}.outputs`));
  checkLoops(needObject(variables, 'The variables of the template', `${root}.variables`)['copy']);
  return template as Template;
}

function checkDeclared(what: 'parameter' | 'output', declared: Record<string, unknown>): void {
  for (const [name, declaration] of Object.entries(declared)) {
    const path = `${root}.${what}s.${name}`;
    const { type, copy, ...limits } = needObject(declaration, `The template ${what} '${name}'`, path);
    onlyKnown(declaration as object, known[what], `The template ${what} '${name}'`, path);
    if (what === 'output' && copy !== undefined) needObject(copy, `The copy of the output '${name}'`, `${path}.copy`);
    if (what === 'parameter') checkLimits(limits, `parameter '${name}'`, path);
    if (typeof type !== 'string' || !types.includes(type.toLowerCase()))
      throw new TemplateProblem(`The template ${what} '${name}' has the type '${type}', which is not one of: ${types.join(', ')}`, path);
  }
}

function checkLimits({ allowedValues, ...others }: Record<string, unknown>, what: string, path: string): void {
  if (allowedValues !== undefined) needList(allowedValues, `The allowedValues of the ${what}`, `${path}.allowedValues`);
  for (const name of ['minValue', 'maxValue', 'minLength', 'maxLength'])
    if (others[name] !== undefined && !Number.isInteger(others[name])) throw new TemplateProblem(`The ${name} of the ${what} must be a whole number`, path);
}

/** Loops that make variables have names, by which they are found. */
function checkLoops(loops: unknown): void {
  const path = `${root}.variables.copy`;
  for (const loop of loops === undefined ? [] : needList(loops, 'The copy of the variables', path))
    if (typeof needObject(loop, 'A copy of the variables', path)['name'] !== 'string') throw new TemplateProblem('A copy of the variables needs a name', path);
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

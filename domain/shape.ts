import { type Check, type Fields, isFields, type Schema } from './fits.ts';
import { nearest } from './near.ts';
import { type BrokenRule, Unreadable } from './rules/rule.ts';

/** A mistake in what was sent: where (JSON pointer) and what, in one sentence. */
export type Mistake = BrokenRule;

export interface Inspected {
  mistakes: Mistake[];
  /** What is well-shaped of the value; reading another part of it throws `Unreadable`. */
  draft: unknown;
}

/** Compares a value with a schema: every mistake at once, one sentence each. Whether a value fits is for `check` to say; this says why it does not. */
export function inspect(schema: object, value: unknown, check: Check): Inspected {
  const mistakes: Mistake[] = [];
  const draft = look(schema, value, '', { check, mistakes });
  return { mistakes, draft };
}

interface Inspection {
  check: Check;
  mistakes: Mistake[];
}

/** In place of a value that is misshapen. */
const misshapen = Symbol('misshapen');

function look(schema: Schema, value: unknown, path: string, inspection: Inspection): unknown {
  if (schema.anyOf) return lookAtUnion(schema.anyOf, value, path, inspection);
  if (schema.type === 'object' && isFields(value)) return lookAtFields(schema, value, path, inspection);
  if (schema.type === 'array' && Array.isArray(value)) return lookAtItems(schema, value, path, inspection);
  if (inspection.check(schema, value)) return value;
  inspection.mistakes.push({ path, message: mustBe(schema, value) });
  return misshapen;
}

/** Where the value is of the kind of just one alternative, the mistake is in that one. */
function lookAtUnion(alternatives: readonly Schema[], value: unknown, path: string, inspection: Inspection): unknown {
  const { check, mistakes } = inspection;
  if (alternatives.some((schema) => check(schema, value))) return value;
  const alike = alternatives.filter(({ type }) => type === kindOf(value));
  if (alike.length === 1 && isFields(value)) return look(alike[0]!, value, path, inspection);
  const expected = alternatives.map(expectation).join(' or ');
  mistakes.push({ path, message: sentence(expected, value, hint(alternatives.flatMap(wordsOf), value)) });
  return misshapen;
}

function lookAtFields(schema: Schema, value: Fields, path: string, inspection: Inspection): unknown {
  const { mistakes } = inspection;
  const { properties = {}, required = [], patternProperties = {} } = schema;
  const draft = {};
  const meant = new Set<string>();
  const [anyField] = Object.values(patternProperties);
  for (const [name, inner] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : anyField;
    const at = `${path}/${pointer(name)}`;
    if (known) put(draft, name, look(known, inner, at, inspection));
    else if (schema.additionalProperties === false) mistakes.push({ path: at, message: unknownField({ name, at, properties, value, meant }) });
  }
  for (const name of required) {
    if (Object.hasOwn(value, name)) continue;
    put(draft, name, misshapen);
    // What was written in its place was named already.
    if (!meant.has(name)) mistakes.push({ path: `${path}/${pointer(name)}`, message: `Missing required field ${path}/${pointer(name)}.` });
  }
  return draft;
}

interface UnknownField {
  name: string;
  at: string;
  properties: Record<string, Schema>;
  value: Fields;
  /** Fields that unknown ones were probably meant for. */
  meant: Set<string>;
}

function unknownField({ name, at, properties, value, meant }: UnknownField): string {
  const near = nearest(
    name,
    Object.keys(properties).filter((known) => !Object.hasOwn(value, known)),
  );
  if (near === undefined) return `Unknown field ${shortened(at)}; known here: ${Object.keys(properties).join(', ')}.`;
  meant.add(near);
  return `Unknown field ${at}. Did you mean ${near}?`;
}

function lookAtItems(schema: Schema, value: unknown[], path: string, inspection: Inspection): unknown {
  const { items = {}, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
  if (value.length < minItems || value.length > maxItems) {
    inspection.mistakes.push({ path, message: `Must be ${expectation(schema)}, has ${value.length}.` });
    return misshapen;
  }
  const draft: unknown[] = [];
  draft.length = value.length;
  for (const [index, item] of value.entries()) put(draft, String(index), look(items, item, `${path}/${index}`, inspection));
  return draft;
}

/** Puts in what is well-shaped; what is not cannot be read, nor is it among the fields. */
function put(draft: object, name: string, value: unknown): void {
  if (value !== misshapen) {
    Object.defineProperty(draft, name, { value, enumerable: true, writable: true, configurable: true });
    return;
  }
  Object.defineProperty(draft, name, {
    configurable: true,
    get() {
      throw new Unreadable(name);
    },
  });
}

function mustBe(schema: Schema, value: unknown): string {
  return sentence(expectation(schema), value, hint(wordsOf(schema), value));
}

const sentence = (expected: string, value: unknown, more: string): string => `Must be ${expected}, is ${shown(value)}.${more}`;

/** The words that a schema allows, where it names them. */
const wordsOf = (schema: Schema): string[] => [...(schema.enum ?? []), schema.const].filter((word) => typeof word === 'string');

function hint(words: readonly string[], value: unknown): string {
  const near = typeof value === 'string' ? nearest(value, words) : undefined;
  return near === undefined ? '' : ` Did you mean ${near}?`;
}

/** What a schema demands, in words that end “Must be …”. */
function expectation(schema: Schema): string {
  if (schema['x-must-be']) return schema['x-must-be'];
  if (schema.const !== undefined) return quoted(schema.const);
  if (schema.enum) return `one of ${schema.enum.map(quoted).join(', ')}`;
  switch (schema.type) {
    case 'string':
      return textExpectation(schema);
    case 'integer':
      return `a whole number${bounds(schema.minimum, schema.maximum)}`;
    case 'number':
      return `a number${bounds(schema.minimum, schema.maximum)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list${bounds(schema.minItems, schema.maxItems, ' items')}`;
    default:
      return objectExpectation(schema);
  }
}

const formats: Record<string, string> = {
  uuid: 'a UUID such as 01234567-89ab-cdef-0123-456789abcdef',
  ipv4: 'an IPv4 address such as 172.22.0.4',
  uri: 'a URL such as https://example.com/file',
};

function textExpectation({ format, pattern, minLength, maxLength }: Schema): string {
  const named = format === undefined ? undefined : formats[format];
  if (named) return named;
  return pattern ? `text that matches ${pattern}` : `text${bounds(minLength, maxLength, ' characters')}`;
}

function objectExpectation({ properties = {} }: Schema): string {
  const names = Object.keys(properties);
  return names.length === 1 ? `an object { "${names[0]}": … }` : 'an object';
}

/** “ of 1 to 20 items”, “ of at least 1”, “ between 1 and 65535”. */
function bounds(least?: number, most?: number, unit = ''): string {
  if (least !== undefined && most !== undefined) return unit ? ` of ${least} to ${most}${unit}` : ` between ${least} and ${most}`;
  if (least !== undefined) return ` of at least ${least}${unit}`;
  return most === undefined ? '' : ` of at most ${most}${unit}`;
}

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value);
const quoted = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

const longestShown = 60;
const shortened = (text: string): string => (text.length > longestShown ? `${text.slice(0, longestShown)}…` : text);

/** A value in a message: short, and never the inside of an object. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return isFields(value) ? 'an object' : shortened(quoted(value));
}

/** A name in a JSON pointer (RFC 6901). */
const pointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

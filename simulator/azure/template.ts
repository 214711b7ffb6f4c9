import { createHash } from 'node:crypto';
import { ArmError } from './http.ts';

type Json = unknown;
type Scope = {
  parameters: Record<string, Json>;
  variables: Record<string, Json>;
  subscriptionId: string;
  group: { id: string; name: string; location: string };
};

export interface Template {
  parameters?: Record<string, { type: string; defaultValue?: Json; allowedValues?: Json[] }>;
  variables?: Record<string, Json>;
  resources: Record<string, Json>[];
}

const invalid = (message: string) => new ArmError(400, 'InvalidTemplate', `Deployment template validation failed: '${message}'`);

/** Stable over the order of keys. */
export function templateHash(template: unknown): string {
  const digest = createHash('sha256').update(stable(template)).digest();
  return digest.readBigUInt64BE().toString();
}

function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${stable(inner)}`)
    .join(',')}}`;
}

/** Checks what was given against what the template declares, and fills in the defaults. */
export function readParameters(
  template: Template,
  given: Record<string, { value?: Json }>,
  scope: Omit<Scope, 'parameters' | 'variables'>,
): Record<string, Json> {
  const declared = template.parameters ?? {};
  const names = Object.keys(declared);
  for (const name of Object.keys(given))
    if (!names.some((known) => known.toLowerCase() === name.toLowerCase()))
      throw invalid(`The template parameters '${name}' in the parameters file are not valid; they are not present in the original template`);
  return Object.fromEntries(
    names.map((name) => {
      const { defaultValue, allowedValues } = declared[name]!;
      const entry = Object.entries(given).find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1];
      if (entry === undefined && defaultValue === undefined) throw invalid(`The value for the template parameter '${name}' is not provided`);
      const value = entry ? entry.value : evaluate(defaultValue, { ...scope, parameters: {}, variables: {} });
      if (allowedValues && !allowedValues.includes(value))
        throw invalid(`The provided value for the template parameter '${name}' is not valid: allowed are ${allowedValues.join(', ')}`);
      return [name, value];
    }),
  );
}

/** Works out every expression in a value. */
export function evaluate(value: Json, scope: Scope): Json {
  if (typeof value === 'string')
    return value.startsWith('[') && value.endsWith(']') ? (value.startsWith('[[') ? value.slice(1) : new Expression(value.slice(1, -1), scope).run()) : value;
  if (Array.isArray(value)) return value.map((item) => evaluate(item, scope));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, evaluate(inner, scope)]));
}

export function scopeOf(template: Template, parameters: Record<string, Json>, outer: Omit<Scope, 'parameters' | 'variables'>): Scope {
  const scope: Scope = { ...outer, parameters, variables: {} };
  for (const [name, value] of Object.entries(template.variables ?? {})) scope.variables[name] = evaluate(value, scope);
  return scope;
}

const member = (record: Record<string, Json>, name: string, kind: string): Json => {
  const key = Object.keys(record).find((known) => known.toLowerCase() === name.toLowerCase());
  if (key === undefined) throw invalid(`The template ${kind} '${name}' is not found`);
  return record[key];
};

const functions: Record<string, (args: Json[], scope: Scope) => Json> = {
  parameters: ([name], { parameters }) => member(parameters, String(name), 'parameter'),
  variables: ([name], { variables }) => member(variables, String(name), 'variable'),
  concat: (args) => (Array.isArray(args[0]) ? args.flat() : args.map(String).join('')),
  format: ([text, ...values]) => String(text).replace(/\{(\d+)\}/g, (_, at: string) => String(values[Number(at)])),
  tolower: ([text]) => String(text).toLowerCase(),
  toupper: ([text]) => String(text).toUpperCase(),
  replace: ([text, from, to]) => String(text).replaceAll(String(from), String(to)),
  uniquestring: (args) => createHash('sha256').update(args.join('|')).digest('hex').slice(0, 13),
  if: ([condition, yes, no]) => (condition === true || String(condition).toLowerCase() === 'true' ? yes : no),
  equals: ([a, b]) => (typeof a === 'string' && typeof b === 'string' ? a.toLowerCase() === b.toLowerCase() : stable(a) === stable(b)),
  not: ([value]) => !value,
  empty: ([value]) => value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0),
  length: ([value]) => (typeof value === 'string' || Array.isArray(value) ? value.length : Object.keys(value as object).length),
  createobject: (args) => Object.fromEntries(Array.from({ length: args.length / 2 }, (_, at) => [String(args[at * 2]), args[at * 2 + 1]])),
  createarray: (args) => args,
  union: (args) => (Array.isArray(args[0]) ? [...new Set(args.flat())] : Object.assign({}, ...args)),
  resourcegroup: (_, { group }) => group,
  subscription: (_, { subscriptionId }) => ({ id: `/subscriptions/${subscriptionId}`, subscriptionId }),
  resourceid: (args, { subscriptionId, group }) => {
    const texts = args.map(String);
    const at = texts.findIndex((text) => text.includes('/'));
    const [subscription, resourceGroup] = at === 2 ? [texts[0], texts[1]] : [subscriptionId, at === 1 ? texts[0] : group.name];
    const [namespace, ...types] = texts[at]!.split('/');
    const names = texts.slice(at + 1);
    if (types.length !== names.length)
      throw invalid(`Unable to evaluate the resourceId of ${texts[at]}: ${types.length} names are needed, ${names.length} are given`);
    return `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/${namespace}/${types.map((type, index) => `${type}/${names[index]}`).join('/')}`;
  },
};

/** One template expression: function calls, strings, numbers, members and indexes. */
class Expression {
  readonly #text: string;
  readonly #scope: Scope;
  #at = 0;

  constructor(text: string, scope: Scope) {
    this.#text = text;
    this.#scope = scope;
  }

  run(): Json {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) throw invalid(`Unexpected text in the expression '${this.#text}' at ${this.#at}`);
    return value;
  }

  #value(): Json {
    this.#space();
    let value = this.#operand();
    for (;;) {
      this.#space();
      if (this.#take(/\.([A-Za-z_]\w*)/y)) value = (value as Record<string, Json> | null)?.[this.#last[1]!];
      else if (this.#take(/\[/y)) {
        value = (value as Record<string | number, Json>)[this.#value() as string];
        this.#expect(/\]/y);
      } else return value;
    }
  }

  #last: RegExpExecArray = Object.assign([''], { index: 0, input: '' }) as unknown as RegExpExecArray;

  #operand(): Json {
    if (this.#take(/'((?:[^']|'')*)'/y)) return this.#last[1]!.replaceAll("''", "'");
    if (this.#take(/-?\d+/y)) return Number(this.#last[0]);
    if (this.#take(/(true|false)\b/iy)) return this.#last[1]!.toLowerCase() === 'true';
    if (!this.#take(/([A-Za-z_]\w*)\s*\(/y)) throw invalid(`Unable to parse the expression '${this.#text}' at ${this.#at}`);
    const name = this.#last[1]!;
    const run = functions[name.toLowerCase()];
    if (!run) throw invalid(`The template function '${name}' is not supported`);
    const args: Json[] = [];
    this.#space();
    while (!this.#take(/\)/y)) {
      if (args.length > 0) this.#expect(/,/y);
      args.push(this.#value());
      this.#space();
    }
    return run(args, this.#scope);
  }

  #space(): void {
    this.#take(/\s*/y);
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (!found) return false;
    this.#at += found[0].length;
    this.#last = found;
    return true;
  }

  #expect(pattern: RegExp): void {
    this.#space();
    if (!this.#take(pattern)) throw invalid(`Unable to parse the expression '${this.#text}' at ${this.#at}`);
  }
}

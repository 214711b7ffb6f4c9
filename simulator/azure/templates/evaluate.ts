import { type Node, readExpression } from './expression.ts';
import { Arguments } from './functions/arguments.ts';
import { functions } from './functions/functions.ts';
import { at, needObject, TemplateProblem } from './problem.ts';
import { caseless, type Json, NotYet, type Scope } from './scope.ts';

const maximumLoop = 800;

/** Works out every expression in a value, and every loop over properties. What cannot be known yet stays the expression that it is. */
export function evaluate(value: Json, scope: Scope): Json {
  if (typeof value === 'string') return text(value, scope);
  if (Array.isArray(value)) return value.map((item) => evaluate(item, scope));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) =>
      name.toLowerCase() === 'copy' && Array.isArray(inner)
        ? inner.map((loop) => repeated(needObject(loop, 'A copy of a property', ''), scope))
        : [[String(text(name, scope)), evaluate(inner, scope)] as const],
    ),
  );
}

/** What stands between the brackets; undefined where a text is meant as it is. */
function expressionIn(value: string): Node | undefined {
  return value.startsWith('[') && value.endsWith(']') && !value.startsWith('[[') ? readExpression(value.slice(1, -1)) : undefined;
}

/** Two brackets stand for one that is meant as a bracket. */
function text(value: string, scope: Scope): Json {
  const node = expressionIn(value);
  if (!node) return value.startsWith('[[') && value.endsWith(']') ? value.slice(1) : value;
  try {
    return run(node, scope);
  } catch (error) {
    if (error instanceof NotYet) return value;
    throw error;
  }
}

/** Reads every expression in a value, also those that nobody will work out: what stands in a template must at least be understood. */
export function checkExpressions(value: Json, path: string): void {
  if (typeof value === 'string') at(path, `The expression '${value}'`, () => expressionIn(value));
  else if (Array.isArray(value)) for (const [index, item] of value.entries()) checkExpressions(item, `${path}[${index}]`);
  else if (typeof value === 'object' && value !== null)
    for (const [name, inner] of Object.entries(value)) {
      checkExpressions(name, path);
      checkExpressions(inner, `${path}.${name}`);
    }
}

/** A property that is a list, made of one element repeated. */
function repeated(loop: Record<string, Json>, scope: Scope): [string, Json[]] {
  const { name, count, input, ...others } = loop;
  if (typeof name !== 'string' || input === undefined || Object.keys(others).length > 0)
    throw new TemplateProblem('A copy of a property has name, count and input, and nothing else');
  const times = loopCount(count, scope);
  const items = Array.from({ length: times }, (_, index) =>
    evaluate(input, { ...scope, loops: { ...scope.loops, indexes: { ...scope.loops?.indexes, [name]: index } } }),
  );
  return [name, items];
}

export function loopCount(count: Json, scope: Scope): number {
  const { reference: _, ...known } = scope;
  const times = evaluate(count, known);
  if (!Number.isInteger(times) || (times as number) < 0 || (times as number) > maximumLoop)
    throw new TemplateProblem(`The template copy count '${JSON.stringify(times)}' must be a whole number from 0 to ${maximumLoop}`);
  return times as number;
}

function run(node: Node, scope: Scope): Json {
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'member':
      return member(run(node.of, scope), run(node.name, scope));
    case 'call':
      return call(node.name, node.args, scope);
  }
}

function call(name: string, args: Node[], scope: Scope): Json {
  const lower = name.toLowerCase();
  if (lower === 'if') return choose(args as [Node, Node, Node], scope);
  const given = args.map((arg) => run(arg, scope));
  return functions[lower]!.run(new Arguments(name, given), scope);
}

/** The branch that is not taken is not worked out. */
function choose([condition, yes, no]: [Node, Node, Node], scope: Scope): Json {
  return run(new Arguments('if', [run(condition, scope)]).boolean(0) ? yes : no, scope);
}

function member(of: Json, name: Json): Json {
  if (Array.isArray(of)) {
    if (!Number.isInteger(name)) throw new TemplateProblem(`The language expression array index '${JSON.stringify(name)}' must be a whole number`);
    if ((name as number) < 0 || (name as number) >= of.length)
      throw new TemplateProblem(`The language expression property array index '${name}' is out of bounds`);
    return of[name as number];
  }
  if (typeof of !== 'object' || of === null) throw new TemplateProblem(`The language expression property '${name}' cannot be taken of ${JSON.stringify(of)}`);
  const found = caseless(of as Record<string, Json>, String(name));
  if (!found) throw new TemplateProblem(`The language expression property '${name}' doesn't exist, available properties are '${Object.keys(of).join(', ')}'`);
  return found[1];
}

import { stable } from '../hash.ts';
import { type Arguments, isObject, many, type TemplateFunction, takes } from './arguments.ts';

const same = (one: unknown, other: unknown): boolean => stable(one) === stable(other);
const distinct = (items: unknown[]): unknown[] => items.filter((item, at) => items.findIndex((other) => same(item, other)) === at);

/** A text or a list, which have a length and an order. */
function sequence(args: Arguments): string | unknown[] {
  const [value] = args.all;
  if (typeof value === 'string' || Array.isArray(value)) return value;
  throw args.refused('parameter 1 must be a string or an array');
}

const maximumRange = 10_000;

function numbers(args: Arguments): number[] {
  const values = Array.isArray(args.all[0]) ? args.list(0) : args.all;
  if (values.length === 0 || !values.every(Number.isInteger)) throw args.refused('it needs whole numbers');
  return values as number[];
}

function merged(one: unknown, other: unknown): unknown {
  if (!isObject(one) || !isObject(other)) return other;
  return { ...one, ...Object.fromEntries(Object.entries(other).map(([name, value]) => [name, name in one ? merged(one[name], value) : value])) };
}

/** Functions on lists and objects. */
export const collections: Record<string, TemplateFunction> = {
  array: takes(1, 1, ({ all: [value] }) => (Array.isArray(value) ? value : [value])),
  contains: takes(2, 2, (args) => {
    const [inside, wanted] = args.all;
    if (Array.isArray(inside)) return inside.some((item) => same(item, wanted));
    if (isObject(inside)) return Object.keys(inside).some((name) => name.toLowerCase() === args.text(1).toLowerCase());
    return args.text(0).includes(args.text(1));
  }),
  createarray: takes(0, many, ({ all }) => [...all]),
  createobject: takes(0, many, (args) => {
    if (args.length % 2 !== 0) throw args.refused('names and values come in pairs');
    return Object.fromEntries(Array.from({ length: args.length / 2 }, (_, at) => [args.text(at * 2), args.all[at * 2 + 1]]));
  }),
  empty: takes(1, 1, ({ all: [value] }) => value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0)),
  first: takes(1, 1, (args) => sequence(args)[0] ?? (typeof args.all[0] === 'string' ? '' : null)),
  last: takes(1, 1, (args) => sequence(args).at(-1) ?? (typeof args.all[0] === 'string' ? '' : null)),
  intersection: takes(2, many, (args) => {
    if (Array.isArray(args.all[0])) return distinct(args.list(0)).filter((item) => args.lists().every((list) => list.some((other) => same(item, other))));
    const [one, ...others] = args.objects();
    return Object.fromEntries(Object.entries(one!).filter(([name, value]) => others.every((other) => name in other && same(other[name], value))));
  }),
  items: takes(1, 1, (args) =>
    Object.entries(args.object(0))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key, value })),
  ),
  json: takes(1, 1, (args) => {
    try {
      return JSON.parse(args.text(0)) as unknown;
    } catch {
      throw args.refused('parameter 1 must be JSON');
    }
  }),
  length: takes(1, 1, (args) => (isObject(args.all[0]) ? Object.keys(args.all[0]) : sequence(args)).length),
  max: takes(1, many, (args) => Math.max(...numbers(args))),
  min: takes(1, many, (args) => Math.min(...numbers(args))),
  null: takes(0, 0, () => null),
  range: takes(2, 2, (args) => {
    if (args.integer(1) < 0 || args.integer(1) > maximumRange) throw args.refused(`parameter 2 must be from 0 to ${maximumRange}`);
    return Array.from({ length: args.integer(1) }, (_, at) => args.integer(0) + at);
  }),
  skip: takes(2, 2, (args) => sequence(args).slice(Math.max(0, args.integer(1)))),
  take: takes(2, 2, (args) => sequence(args).slice(0, Math.max(0, args.integer(1)))),
  union: takes(2, many, (args) =>
    Array.isArray(args.all[0]) ? distinct(args.lists().flat()) : args.objects().reduce((all, one) => merged(all, one) as typeof one),
  ),
};

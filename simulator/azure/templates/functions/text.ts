import { createHash } from 'node:crypto';
import { many, type TemplateFunction, takes } from './arguments.ts';

/** As it stands in a text; what is no text, as JSON. */
const written = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const titled = (value: unknown): string => (typeof value === 'boolean' ? (value ? 'True' : 'False') : written(value));
const caseless = (one: string, other: string, compare: (a: string, b: string) => boolean): boolean => compare(one.toLowerCase(), other.toLowerCase());

const longestPadding = 10_000;

/** Functions on texts. */
export const text: Record<string, TemplateFunction> = {
  base64: takes(1, 1, (args) => Buffer.from(args.text(0)).toString('base64')),
  base64tostring: takes(1, 1, (args) => Buffer.from(args.text(0), 'base64').toString()),
  concat: takes(1, many, (args) => (Array.isArray(args.all[0]) ? args.lists().flat() : args.all.map((value) => titled(value)).join(''))),
  endswith: takes(2, 2, (args) => caseless(args.text(0), args.text(1), (a, b) => a.endsWith(b))),
  startswith: takes(2, 2, (args) => caseless(args.text(0), args.text(1), (a, b) => a.startsWith(b))),
  indexof: takes(2, 2, (args) => args.text(0).toLowerCase().indexOf(args.text(1).toLowerCase())),
  format: takes(2, many, (args) =>
    args.text(0).replace(/\{(\d+)([^}]*)\}/g, (_, index: string, form: string) => {
      if (form !== '') throw args.refused(`the form '${form}' is not supported here`);
      if (Number(index) + 1 >= args.length) throw args.refused(`there is nothing for {${index}}`);
      return titled(args.all[Number(index) + 1]);
    }),
  ),
  join: takes(2, 2, (args) => args.list(0).map(titled).join(args.text(1))),
  padleft: takes(2, 3, (args) => {
    if (args.integer(1) > longestPadding) throw args.refused(`parameter 2 must be at most ${longestPadding}`);
    return titled(args.all[0]).padStart(args.integer(1), args.length > 2 ? args.text(2) : ' ');
  }),
  replace: takes(3, 3, (args) => args.text(0).replaceAll(args.text(1), args.text(2))),
  split: takes(2, 2, (args) => {
    const between = Array.isArray(args.all[1]) ? args.list(1).map(String) : [args.text(1)];
    return between.reduce((parts, one) => parts.flatMap((part) => part.split(one)), [args.text(0)]);
  }),
  string: takes(1, 1, (args) => titled(args.all[0])),
  substring: takes(2, 3, (args) => {
    const [from, length] = [args.integer(1), args.length > 2 ? args.integer(2) : args.text(0).length - args.integer(1)];
    if (from < 0 || length < 0 || from + length > args.text(0).length) throw args.refused('start and length must lie within the text');
    return args.text(0).slice(from, from + length);
  }),
  tolower: takes(1, 1, (args) => args.text(0).toLowerCase()),
  toupper: takes(1, 1, (args) => args.text(0).toUpperCase()),
  trim: takes(1, 1, (args) => args.text(0).trim()),
  /** Thirteen characters that depend on nothing but the arguments; not those that Azure would make. */
  uniquestring: takes(1, many, (args) => createHash('sha256').update(args.texts().join('|')).digest('hex').slice(0, 13)),
};

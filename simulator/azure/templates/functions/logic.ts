import { stable } from '../hash.ts';
import { type Arguments, many, type TemplateFunction, takes } from './arguments.ts';

const calculated = (work: (a: number, b: number) => number) => takes(2, 2, (args) => work(args.integer(0), args.integer(1)));

function divided(args: Arguments, work: (a: number, b: number) => number): number {
  if (args.integer(1) === 0) throw args.refused('nothing can be divided by zero');
  return work(args.integer(0), args.integer(1));
}

/** Numbers or texts; texts are compared with regard to case. */
const compared = (holds: (order: number) => boolean) =>
  takes(2, 2, (args) => {
    if (typeof args.all[0] === 'number') return holds(args.integer(0) - args.integer(1));
    const [one, other] = args.texts() as [string, string];
    return holds(one < other ? -1 : one > other ? 1 : 0);
  });

/** Functions on numbers and truths. `if` is not among them: it must not work out what is not chosen. */
export const logic: Record<string, TemplateFunction> = {
  add: calculated((a, b) => a + b),
  sub: calculated((a, b) => a - b),
  mul: calculated((a, b) => a * b),
  div: takes(2, 2, (args) => divided(args, (a, b) => Math.trunc(a / b))),
  mod: takes(2, 2, (args) => divided(args, (a, b) => a % b)),
  int: takes(1, 1, (args) => {
    const number = Number(args.all[0]);
    if (!Number.isFinite(number) || args.all[0] === '') throw args.refused('parameter 1 must be a number');
    return Math.trunc(number);
  }),
  and: takes(2, many, (args) => args.all.map((_, at) => args.boolean(at)).every(Boolean)),
  or: takes(2, many, (args) => args.all.map((_, at) => args.boolean(at)).some(Boolean)),
  not: takes(1, 1, (args) => !args.boolean(0)),
  true: takes(0, 0, () => true),
  false: takes(0, 0, () => false),
  bool: takes(1, 1, (args) => {
    const known: Record<string, boolean> = { true: true, false: false, 1: true, 0: false };
    const value = known[String(args.all[0]).toLowerCase()];
    if (value === undefined) throw args.refused('parameter 1 must be true or false');
    return value;
  }),
  coalesce: takes(1, many, ({ all }) => all.find((value) => value !== null) ?? null),
  equals: takes(2, 2, ({ all: [a, b] }) => stable(a) === stable(b)),
  greater: compared((order) => order > 0),
  greaterorequals: compared((order) => order >= 0),
  less: compared((order) => order < 0),
  lessorequals: compared((order) => order <= 0),
};

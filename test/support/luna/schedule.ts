import fc from 'fast-check';
import type { LunaStep } from './step-hosts.ts';

/** What may befall the connection, the process or the appliance's answer. */
export const mishaps = ['kill', 'kill before its result is told', 'cut', 'reset', 'delay'] as const;
/** What somebody else may do to the HSM meanwhile. */
export const interferences = [
  'another label',
  'another SO password',
  'mistyped SO password',
  'initialized by another',
  'initialized under our label',
  'zeroized',
  'FIPS already on',
  'a partition',
  'the partition name taken',
  'a client registered',
  'our client name registered',
  'clock 2 h off',
  'clock on EDT',
  'another appliance password',
] as const;
export type Mishap = (typeof mishaps)[number];
export type Interference = (typeof interferences)[number];
export type Kind = Mishap | Interference;
export const kinds: readonly Kind[] = [...mishaps, ...interferences];

/** A moment of a job, seen from the simulated world: the so-many-eth time in its step that this operation arrives, or is about to take effect. */
export interface Beat {
  moment: 'arrived' | 'struck';
  operation: string;
  occurrence: number;
  /** Of any step where it is not said. */
  step?: LunaStep;
}

/** One thing that goes wrong: at the so-many-eth beat, or as soon after it as it can; or at exactly one beat. */
export interface Event {
  beat: number | Beat;
  kind: Kind;
}

export interface Schedule {
  seed: number;
  events: Event[];
  /** What the operator does with one incident after the other. */
  moods: ('mend and retry' | 'only retry')[];
  via: 'client' | 'direct';
  fips: boolean;
  allowClockChange: boolean;
  /** Of the appliance, as it is delivered. */
  clock: { skewMinutes: number; zone: string };
  variants: Record<string, string>;
}

/** A clean job has about as many beats. */
const beats = 340;
/** What matters only until the partition is there, and how many beats that takes. */
const early: readonly Kind[] = ['FIPS already on', 'mistyped SO password', 'the partition name taken'];
const earlyBeats = 90;

/** A job to which nothing happens. */
export const calm: Schedule = {
  seed: 0,
  events: [],
  moods: [],
  via: 'direct',
  fips: true,
  allowClockChange: true,
  clock: { skewMinutes: 0, zone: 'EDT' },
  variants: {},
};

const drawn = fc.record({
  events: fc.array(fc.record({ beat: fc.integer({ min: 0, max: beats }), kind: fc.constantFrom(...kinds) }), { minLength: 0, maxLength: 3 }),
  firstBeat: fc.integer({ min: 0, max: beats }),
  moods: fc.array(fc.constantFrom('mend and retry', 'mend and retry', 'mend and retry', 'only retry'), { minLength: 20, maxLength: 20 }),
  via: fc.constantFrom('client', 'direct', 'direct', 'direct'),
  fips: fc.constantFrom(true, true, true, true, false),
  allowClockChange: fc.boolean(),
  zone: fc.constantFrom('UTC', 'UTC', 'CET'),
  changePolicy: fc.constantFrom('keeps', 'keeps', 'keeps', 'zeroizes'),
  soStaysSignedIn: fc.constantFrom('no', 'yes'),
  signIn: fc.constantFrom('password', 'keyboard-interactive'),
});

/** What a seed stands for: always the same. The kinds take turns, so that each is met often. */
export function scheduleOf(seed: number): Schedule {
  const [draw] = fc.sample(drawn, { seed, numRuns: 1 });
  const { events, firstBeat, changePolicy, soStaysSignedIn, signIn, zone, ...rest } = draw!;
  const kind = kinds[seed % kinds.length]!;
  return {
    ...(rest as Pick<Schedule, 'moods' | 'via' | 'fips' | 'allowClockChange'>),
    seed,
    events: [{ beat: early.includes(kind) ? firstBeat % earlyBeats : firstBeat, kind }, ...events],
    clock: { skewMinutes: 0, zone },
    variants: { 'luna.changePolicy': changePolicy, 'luna.soStaysSignedIn': soStaysSignedIn, 'luna.signIn': signIn },
  };
}

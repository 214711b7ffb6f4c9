import type { Static } from 'typebox';
import type { problem } from './schemas/problem.ts';

/** For the person who must act. Never holds a secret; at most 1 KB when serialised. */
export type Problem = Static<typeof problem>;
export type FailureKind = Problem['kind'];

/** Of what was tried and what to do; what was seen gets the rest. Three texts, with what surrounds them, stay within 1 KB. */
const maximumBytes = 300;

/** UTF-8 bytes of a text as it is written in JSON, without its quotes. */
const bytesOf = (text: string): number =>
  [...JSON.stringify(text)].reduce((sum, letter) => sum + (letter < '\u0080' ? 1 : letter < '\u0800' ? 2 : letter.length === 1 ? 3 : 4), -2);

function brief(text: string, limit = maximumBytes): string {
  if (bytesOf(text) <= limit) return text;
  let kept = '';
  for (const letter of text) {
    if (bytesOf(`${kept}${letter}…`) > limit) break;
    kept += letter;
  }
  return `${kept}…`;
}

/** The one error that systems and activities throw on purpose. Foreign errors become one of these where they enter. */
export class StepFailure extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: { cause?: unknown }) {
    const [tried, remedy] = [brief(problem.tried), brief(problem.remedy)];
    const kept = { ...problem, tried, seen: brief(problem.seen, 3 * maximumBytes - bytesOf(tried) - bytesOf(remedy)), remedy };
    super(sentence(kept), options);
    this.name = 'StepFailure';
    this.problem = kept;
  }
}

/** One line for logs, memo and lists. */
export const sentence = ({ kind, tried, seen, source, remedy }: Problem): string =>
  kind === 'NotReady' ? seen : `${tried}: ${source} said: ${seen}${/[.!?]$/.test(seen) ? '' : '.'} ${remedy}`;

export const notReady = (seen: string, retryAfterMs?: number): StepFailure =>
  new StepFailure({
    kind: 'NotReady',
    tried: 'waiting',
    seen,
    source: 'this service',
    remedy: 'Nothing: it goes on by itself.',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

type Told = Omit<Problem, 'kind'>;
export const transient = (told: Told, cause?: unknown): StepFailure => new StepFailure({ ...told, kind: 'Transient' }, { cause });
export const refused = (told: Told, cause?: unknown): StepFailure => new StepFailure({ ...told, kind: 'Refused' }, { cause });
export const unsafe = (told: Told, cause?: unknown): StepFailure => new StepFailure({ ...told, kind: 'Unsafe' }, { cause });

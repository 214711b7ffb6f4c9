import type { Static } from 'typebox';
import type { CodeOf } from './failure-codes.ts';
import type { problem } from './schemas/problem.ts';

/** For the person who must act. Never holds a secret; at most 1 KB when serialized. */
export type Problem = Static<typeof problem>;
export type FailureKind = Problem['kind'];

const maximumBytes = 1024;
/** Of what was tried and what to do; the summary and what is quoted get the rest. */
const maximumTextBytes = 300;
/** What is quoted never leaves less than this of the summary. */
const leastSummaryBytes = 200;

/** Its UTF-8 bytes; workflow code has no Buffer. */
const utf8Bytes = (text: string): number =>
  [...text].reduce((sum, letter) => sum + (letter < '\u0080' ? 1 : letter < '\u0800' ? 2 : letter.length === 1 ? 3 : 4), 0);
/** The same of a text as it is written in JSON, without its quotes. */
const bytesOf = (text: string): number => utf8Bytes(JSON.stringify(text)) - 2;

function brief(text: string, limit: number): string {
  if (bytesOf(text) <= limit) return text;
  let kept = '';
  for (const letter of text) {
    if (bytesOf(`${kept}${letter}…`) > limit) break;
    kept += letter;
  }
  return `${kept}…`;
}

/** The same problem within 1 KB. */
function bounded({ evidence, ...problem }: Problem): Problem {
  const [tried, remedy] = [brief(problem.tried, maximumTextBytes), brief(problem.remedy, maximumTextBytes)];
  const withTexts = (summary: string, text: string): Problem => ({
    ...problem,
    tried,
    summary,
    ...(evidence ? { evidence: { ...evidence, text } } : {}),
    remedy,
  });
  const room = maximumBytes - utf8Bytes(JSON.stringify(withTexts('', '')));
  const summary = brief(problem.summary, evidence ? Math.max(leastSummaryBytes, room - bytesOf(evidence.text)) : room);
  return withTexts(summary, evidence ? brief(evidence.text, room - bytesOf(summary)) : '');
}

/** The one error that systems and activities throw on purpose. Foreign errors become one of these where they enter. */
export class StepFailure extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: { cause?: unknown }) {
    const kept = bounded(problem);
    super(sentence(kept), options);
    this.name = 'StepFailure';
    this.problem = kept;
  }
}

const ended = (text: string): string => `${text}${/[.!?]$/.test(text) ? '' : '.'}`;

/** What happened and what was said, without what was tried and what to do. */
export const wordsOf = ({ summary, evidence }: Pick<Problem, 'summary' | 'evidence'>): string =>
  evidence ? `${ended(summary)} ${evidence.source} said: "${evidence.text}"` : summary;

/** One line for logs, memo and lists. */
export const sentence = (problem: Problem): string => {
  if (problem.kind === 'NotReady') return problem.summary;
  const words = wordsOf(problem);
  return `${problem.tried}: ${problem.evidence ? words : ended(words)} ${problem.remedy}`;
};

/** What a system said, as evidence; none where it said nothing. */
export const quoting = (source: string, text: string): Pick<Problem, 'evidence'> => (text === '' ? {} : { evidence: { source, text } });

/** What happened, for a summary or an evidence that quotes an error of this process. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const notReady = (summary: string, retryAfterMs?: number): StepFailure =>
  new StepFailure({
    kind: 'NotReady',
    code: 'WAITING',
    tried: 'waiting',
    summary,
    remedy: 'Nothing: it goes on by itself.',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

/**
 * The problem as it stands once nothing tries it again any more. What was left to the next attempt is now for a person, who is told to check the
 * connection to `place`; any other remedy holds as it is.
 */
export function forPerson({ retryAfterMs, ...problem }: Problem, place: string): Problem {
  const isLeftToNext = problem.kind === 'NotReady' || problem.kind === 'Transient';
  return isLeftToNext ? { ...problem, kind: 'Refused', remedy: `Check the connection between the worker and ${place}, then retry.` } : problem;
}

/** A problem of a kind, by whoever knows the kind: its code is one that this kind may have. */
export type ProblemOf<Kind extends FailureKind> = Omit<Problem, 'kind' | 'code'> & { code: CodeOf<Kind> };

export const transient = (told: ProblemOf<'Transient'>, cause?: unknown): StepFailure => new StepFailure({ ...told, kind: 'Transient' }, { cause });
export const refused = (told: ProblemOf<'Refused'>, cause?: unknown): StepFailure => new StepFailure({ ...told, kind: 'Refused' }, { cause });
export const unsafe = (told: ProblemOf<'Unsafe'>, cause?: unknown): StepFailure => new StepFailure({ ...told, kind: 'Unsafe' }, { cause });

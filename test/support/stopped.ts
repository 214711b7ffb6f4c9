import { ApplicationFailure } from '@temporalio/common';
import { type Problem, wordsOf } from '../../domain/failure.ts';

/** A problem, and in `words` all that a person reads of what happened: the summary and what is quoted. */
export type Stopped = Problem & { words: string };

export const stopped = (problem: Problem): Stopped => ({ ...problem, words: wordsOf(problem) });

/** The problem that a step's failure carries; anything else is thrown on. */
export function stoppedBy(failure: unknown): Stopped {
  if (!(failure instanceof ApplicationFailure)) throw failure;
  return stopped(failure.details![0] as Problem);
}

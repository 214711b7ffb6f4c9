import type { StepContext } from '../../domain/results.ts';
import type { Writer } from './events.ts';

/** An attempt, by the id of its activity: the same for all attempts until a person orders a retry. */
export interface Numbered {
  order: string;
  number: number;
}

/** Who writes, as every entry has it. */
export const writerOf = (
  { target, runId, order: retry = 1 }: Pick<StepContext, 'target' | 'runId' | 'order'>,
  { order: execution, number: attempt }: Numbered,
): Writer => ({ jobId: target, runId, execution, attempt, retry });

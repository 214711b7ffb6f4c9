import type { Job } from '../domain/results.ts';
import type { Subject } from '../stores/record/events.ts';
import type { TargetRecord } from '../stores/record/record.ts';
import type { Attempt } from './converge.ts';
import type { Systems } from './systems.ts';

/** The record of one subject of this job’s target, written as this attempt: read it before what must not be repeated, append before it is sent. */
export const recordOf = <S extends Subject>(
  { records }: Pick<Systems, 'records'>,
  { target, runId, order: retry = 1 }: Pick<Job, 'target' | 'runId' | 'order'>,
  { order: execution, number: attempt }: Pick<Attempt, 'order' | 'number'>,
  subject: S,
): TargetRecord<S> => records.of(target, subject, { jobId: target, runId, execution, attempt, retry });

import type { Job } from '../domain/results.ts';
import type { DataOf, EventOf, Subject } from '../stores/record/events.ts';
import type { TargetRecord } from '../stores/record/record.ts';
import { writerOf } from '../stores/record/writer.ts';
import { currentFence } from '../systems/fence.ts';
import type { Attempt } from './converge.ts';
import type { Systems } from './systems.ts';

/** What each attempt has opened. */
const opened = new WeakMap<object, Map<Subject, unknown>>();

/**
 * The record of one subject of this job’s target, written as this attempt: read it in the look, append before what must not be repeated is sent. It is the same
 * one for the whole attempt, so that an append fails as stale where anybody else has entered something since this attempt’s last read. Every entry is told to
 * the fence, which gives no permit without one for what must be on record.
 */
export function recordOf<S extends Subject>(
  systems: Pick<Systems, 'records'>,
  job: Pick<Job, 'target' | 'runId' | 'order'>,
  attempt: Ours,
  subject: S,
): TargetRecord<S> {
  const known = opened.get(attempt) ?? new Map<Subject, unknown>();
  opened.set(attempt, known);
  // An attempt belongs to one job, and its key is the subject.
  const record = (known.get(subject) as TargetRecord<S> | undefined) ?? systems.records.of(job.target, subject, writerOf(job, attempt));
  known.set(subject, record);
  return tellingFence(record);
}

/** The same, with a last read of its own: what it reads does not count as read by the rest of the attempt. */
export const separateRecordOf = <S extends Subject>(
  systems: Pick<Systems, 'records'>,
  job: Pick<Job, 'target' | 'runId' | 'order'>,
  attempt: Ours,
  subject: S,
): TargetRecord<S> => tellingFence(systems.records.of(job.target, subject, writerOf(job, attempt)));

const tellingFence = <S extends Subject>(record: TargetRecord<S>): TargetRecord<S> => ({
  read: () => record.read(),
  append: async (event, data) => {
    const entry = await record.append(event, data);
    currentFence().entered?.();
    return entry;
  },
});

type Ours = Pick<Attempt, 'order' | 'number'>;

/** Makes an entry unless the record has the same one already: then it is on record, too. */
export async function enterOnce<S extends Subject, E extends EventOf<S>>(record: TargetRecord<S>, event: E, data: DataOf<S, E>): Promise<void> {
  const same = JSON.stringify([event, data]);
  const isThere = (await record.read()).some((entry) => JSON.stringify([entry.event, entry.data]) === same);
  if (isThere) currentFence().entered?.();
  else await record.append(event, data);
}

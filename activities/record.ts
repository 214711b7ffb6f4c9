import type { StepContext } from '../domain/results.ts';
import { attemptRecord } from '../stores/record/attempt-record.ts';
import type { EntryName, EventOf, Subject } from '../stores/record/events.ts';
import type { TargetRecord } from '../stores/record/record.ts';
import { writerOf } from '../stores/record/writer.ts';
import { currentFence } from '../systems/fence.ts';
import type { Attempt } from './converge.ts';
import type { Systems } from './systems.ts';

/**
 * The record of one subject of this job’s target, written as this attempt: read it in the look, append before what must not be repeated is sent. It is the same
 * one for the whole attempt, sign-ins to the appliance included, so that an append fails as stale where anybody else has entered something since this attempt’s
 * last read. Every entry is told to the fence, which gives no permit without one for what must be on record.
 */
export function recordOf<S extends Subject>(
  systems: Pick<Systems, 'records'>,
  job: Pick<StepContext, 'target' | 'runId' | 'order'>,
  attempt: Ours,
  subject: S,
): OwnRecord<S> {
  const record = attemptRecord(attempt.signal, subject, () => systems.records.of(job.target, subject, writerOf(job, attempt)));
  return tellingFence(record.asAnyRecord, subject);
}

/** The same, with a last read of its own: what it reads does not count as read by the rest of the attempt. */
export const separateRecordOf = <S extends Subject>(
  systems: Pick<Systems, 'records'>,
  job: Pick<StepContext, 'target' | 'runId' | 'order'>,
  attempt: Ours,
  subject: S,
): OwnRecord<S> => tellingFence(systems.records.of(job.target, subject, writerOf(job, attempt)), subject);

/** The record of one subject, whose entries the fence hears of. */
export type OwnRecord<S extends Subject> = TargetRecord<S> & { readonly subject: S };

const tellingFence = <S extends Subject>(record: TargetRecord<S>, subject: S): OwnRecord<S> => ({
  subject,
  read: () => record.read(),
  append: async (event, data) => {
    const entry = await record.append(event, data);
    if (!isOutcome(data)) tellFence(subject, event);
    return entry;
  },
});

/** What came of a sign-in has the event of the sign-in itself, and allows no further one. */
const isOutcome = (data: object): boolean => 'outcome' in data && data.outcome !== 'tried';

// Of a subject and an event of its own this is a name; the compiler does not see that of type parameters.
const tellFence = <S extends Subject>(subject: S, event: EventOf<S>): void => currentFence().entered?.(`${subject}/${event}` as EntryName);

type Ours = Pick<Attempt, 'order' | 'number' | 'signal'>;

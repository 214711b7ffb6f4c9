import type { ProblemOf } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import type { Entry, Writer } from '../../stores/record/events.ts';
import { beganPartition, createdPartition, doubtOf, refusedUnder } from '../../stores/record/memory.ts';
import { writerOf } from '../../stores/record/writer.ts';
import type { Capacity, PartitionRow } from '../../systems/lunash/parse.ts';
import { readPartitions } from '../../systems/lunash/read-hsm.ts';
import { type Attempt, act, converge, done, halt, refuse } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';
import { soWasRefused } from './initialize-hsm.ts';

type Input = StepInput<'create-partition'>;

export interface Seen {
  partitions: PartitionRow[];
  /** What `hsm show` tells of it; not every version does. */
  capacity: Capacity;
  /**
   * What is remembered of the one that has our name: its serial is on record as one that was created here, or one of that name was begun. Where neither is: was a
   * person told so, under this very retry, or under one before it and then ordered this one?
   */
  remembered: 'kept' | 'begun' | 'confirmed' | 'told' | 'no';
  /** Was the kept SO password refused under this very retry? */
  soRefused: boolean;
}

/**
 * Is it the one that an earlier attempt or run made: of our size, or just begun, rounded by the HSM and empty? Without objects there is nothing to lose. One with
 * objects is it only where it was begun, or a person says so: the kept passwords cannot be right for anybody else's.
 */
function isTakenOver({ totalBytes, objects }: PartitionRow, sizeBytes: number, remembered: Seen['remembered']): boolean {
  const isRoundedUp = totalBytes > sizeBytes && totalBytes < 2 * sizeBytes;
  if (totalBytes !== sizeBytes) return remembered === 'begun' && isRoundedUp && objects === 0;
  return objects === 0 || remembered === 'begun' || remembered === 'confirmed';
}

/**
 * One whose serial is kept is ours, whatever its size became. Any other that is not taken over is somebody else’s doing: a person is told, and only a retry after
 * that may show the kept passwords to one of our name and size that holds objects.
 */
export const decideCreatePartition = ({ partitions, capacity, remembered, soRefused }: Seen, { request: { hsm } }: Pick<Input, 'request'>) => {
  const { name, sizeBytes } = hsm.partition;
  const told = { tried: `creating the partition ${name}` };
  const found = partitions.find((partition) => partition.name === name);
  if (found && remembered === 'kept') return done<StepResult<'create-partition'>>({ partition: { name, serial: found.serial, sizeBytes: found.totalBytes } });
  if (found && isTakenOver(found, sizeBytes, remembered)) return act('keep');
  if (found && remembered === 'no') return act('doubt');
  if (found) return halt({ ...told, ...notCreatedHere(found, sizeBytes) });
  const { partitionsAllowed, freeBytes } = capacity;
  if (partitionsAllowed !== undefined && partitions.length >= partitionsAllowed)
    return refuse({
      ...told,
      code: 'HSM_NO_ROOM',
      summary: `${partitions.length} partitions exist, ${partitionsAllowed} are licensed`,
      remedy: 'Delete one that nobody uses, or add a license, then retry.',
    });
  if (freeBytes !== undefined && freeBytes < sizeBytes)
    return refuse({
      ...told,
      code: 'HSM_NO_ROOM',
      summary: `${freeBytes} bytes are free, ${sizeBytes} are asked for`,
      remedy: 'Make room, then retry; or retry with an amendment of /hsm/partition/sizeBytes.',
    });
  return soRefused ? soWasRefused() : act('create');
};

function rememberedOf(entries: Entry<'hsm'>[], name: string, serial: string | undefined, writer: Writer): Seen['remembered'] {
  if (serial !== undefined && createdPartition(entries, serial)) return 'kept';
  if (beganPartition(entries, name)) return 'begun';
  const doubt = serial === undefined ? 'none' : doubtOf(entries, { of: 'partition', serial }, writer);
  return doubt === 'none' ? 'no' : doubt;
}

function notCreatedHere({ serial, totalBytes, objects }: PartitionRow, sizeBytes: number): Omit<ProblemOf<'Unsafe'>, 'tried'> {
  const size = totalBytes === sizeBytes ? `${totalBytes} bytes` : `${totalBytes} bytes, not ${sizeBytes},`;
  const asOurs = totalBytes === sizeBytes ? 'retry' : `retry with an amendment of /hsm/partition/sizeBytes to ${totalBytes}`;
  return {
    code: 'HSM_PARTITION_FOREIGN',
    summary: `one of this name has ${size} and holds ${objects} objects; its serial ${serial} is not kept as one that was created here`,
    remedy: `Find out whose it is. If it is this HSM’s root of trust, ${asOurs}; else retry with an amendment of /hsm/partition/name.${objects > 0 ? ' It holds keys: do not delete it.' : ''}`,
  };
}

/** `partition create -p … -s …`, verified by `partition list` and `partition show`. Its serial goes on record: a later run must know it, too. */
export const createPartition = (systems: Systems) => {
  const { luna } = systems;
  const nameOf = ({ request }: Input) => request.hsm.partition.name;
  const ours = (input: Input, { partitions }: Pick<Seen, 'partitions'>) => partitions.find(({ name }) => name === nameOf(input));
  const record = (input: Input, attempt: Attempt) => recordOf(systems, input, attempt, 'hsm');
  const enter = (input: Input, attempt: Attempt, { serial, name, totalBytes }: PartitionRow) =>
    record(input, attempt).append('partition-created', { serial, name, sizeBytes: totalBytes });
  return converge<Input, Seen, StepResult<'create-partition'>, 'create' | 'keep' | 'doubt'>({
    ...leaving(systems, 'lunash-sign-in', 'lunash-partition-create'),
    async observe(input, attempt) {
      const entries = await record(input, attempt).read();
      const { partitions, capacity } = await luna.shell(input, attempt, readPartitions);
      const found = ours(input, { partitions });
      const writer = writerOf(input, attempt);
      const remembered = rememberedOf(entries, nameOf(input), found?.serial, writer);
      return { partitions, capacity, remembered, soRefused: refusedUnder(entries, { role: 'so' }, writer) };
    },
    decide: decideCreatePartition,
    act: {
      create: (input, _, attempt) =>
        luna.shell(input, attempt, async (session) => {
          const { name, sizeBytes } = input.request.hsm.partition;
          await luna.signInAsSo(input, session, record(input, attempt));
          await record(input, attempt).append('partition-create-begun', { name });
          await session.change(`partition create -partition ${name} -size ${sizeBytes}`, { proceed: true }, 'partition create');
          await session.tryRead(`partition show -partition ${name}`);
          // The HSM may round the size as it likes: what has the name right after the success is what was created, since there was none of it before.
          const made = ours(input, await readPartitions(session));
          if (made) await enter(input, attempt, made);
        }),
      keep: async (input, seen, attempt) => void (await enter(input, attempt, ours(input, seen)!)),
      doubt: async (input, seen, attempt) =>
        void (await record(input, attempt).append('ownership-doubted', { of: 'partition', serial: ours(input, seen)!.serial })),
    },
    sight: ({ partitions, remembered }) => [partitions, remembered],
  });
};

import type { StepInput, StepResult } from '../../domain/results.ts';
import { beganPartition, createdPartition, refusedUnder } from '../../stores/record/memory.ts';
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
  /** What is remembered of the one that has our name: its serial is on record as one that was created here, or one of that name was begun to create one of that name. */
  remembered: 'kept' | 'begun' | 'no';
  /** Was the kept SO password refused under this very retry? */
  soRefused: boolean;
}

/**
 * One whose serial is kept is ours, whatever its size became. Of our name and size, or just begun and empty, it is the one that an earlier attempt or run made:
 * without objects there is nothing to lose, and with objects nothing is erased before the kept passwords have opened it. Any other is somebody else’s doing.
 */
export const decideCreatePartition = ({ partitions, capacity, remembered, soRefused }: Seen, { request: { hsm } }: Pick<Input, 'request'>) => {
  const { name, sizeBytes } = hsm.partition;
  const told = { tried: `creating the partition ${name}` };
  const found = partitions.find((partition) => partition.name === name);
  if (found && remembered === 'kept') return done<StepResult<'create-partition'>>({ partition: { name, serial: found.serial, sizeBytes: found.totalBytes } });
  const roundedUp = found && found.totalBytes > sizeBytes && found.totalBytes < 2 * sizeBytes;
  if (found && (found.totalBytes === sizeBytes || (remembered === 'begun' && roundedUp && found.objects === 0))) return act('keep');
  if (found)
    return halt({
      ...told,
      code: 'HSM_PARTITION_FOREIGN',
      summary: `one of this name has ${found.totalBytes} bytes, not ${sizeBytes}, and holds ${found.objects} objects; its serial ${found.serial} is not kept as one that was created here`,
      remedy: `Find out whose it is. If it is this HSM’s root of trust, retry with an amendment of /hsm/partition/sizeBytes to ${found.totalBytes}; else with one of /hsm/partition/name.${found.objects > 0 ? ' It holds keys: do not delete it.' : ''}`,
    });
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

/** `partition create -p … -s …`, verified by `partition list` and `partition show`. Its serial goes on record: a later run must know it, too. */
export const createPartition = (systems: Systems) => {
  const { luna } = systems;
  const nameOf = ({ request }: Input) => request.hsm.partition.name;
  const ours = (input: Input, { partitions }: Pick<Seen, 'partitions'>) => partitions.find(({ name }) => name === nameOf(input));
  const record = (input: Input, attempt: Attempt) => recordOf(systems, input, attempt, 'hsm');
  const enter = (input: Input, attempt: Attempt, { serial, name, totalBytes }: PartitionRow) =>
    record(input, attempt).append('partition-created', { serial, name, sizeBytes: totalBytes });
  return converge<Input, Seen, StepResult<'create-partition'>, 'create' | 'keep'>({
    ...leaving(systems, 'lunash-sign-in', 'lunash-partition-create'),
    async observe(input, attempt) {
      const entries = await record(input, attempt).read();
      const { partitions, capacity } = await luna.shell(input, attempt, readPartitions);
      const found = ours(input, { partitions });
      const remembered = found && createdPartition(entries, found.serial) ? 'kept' : beganPartition(entries, nameOf(input)) ? 'begun' : 'no';
      return { partitions, capacity, remembered, soRefused: refusedUnder(entries, { role: 'so' }, writerOf(input, attempt)) };
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
    },
    sight: ({ partitions, remembered }) => [partitions, remembered],
  });
};

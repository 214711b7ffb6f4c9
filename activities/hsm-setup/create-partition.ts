import type { StepInput, StepResult } from '../../domain/results.ts';
import type { Capacity, PartitionRow } from '../../systems/lunash/parse.ts';
import { readPartitions } from '../../systems/lunash/read-hsm.ts';
import { type Attempt, act, converge, done, halt, refuse } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'create-partition'>;

export interface Seen {
  partitions: PartitionRow[];
  /** What `hsm show` tells of it; not every version does. */
  capacity: Capacity;
  /** Did this attempt create it? Then it is ours even where the HSM rounded its size. */
  created: boolean;
}

/**
 * One of our name and size is the one that an earlier attempt or run made: without objects there is nothing to lose, and with objects nothing is erased
 * before the kept passwords have opened it. Any other size is somebody else’s doing.
 */
export const decideCreatePartition = ({ partitions, capacity, created }: Seen, { request: { hsm } }: Pick<Input, 'request'>) => {
  const { name, sizeBytes } = hsm.partition;
  const told = { tried: `creating the partition ${name}`, source: 'LunaSH' };
  const found = partitions.find((partition) => partition.name === name);
  if (found && found.totalBytes !== sizeBytes && !created)
    return halt({
      ...told,
      seen: `one of this name has ${found.totalBytes} bytes, not ${sizeBytes}, and holds ${found.objects} objects`,
      remedy: 'Find out whose it is. Delete it by hand (partition delete) if it is of no use, then retry; or choose another name in a new request.',
    });
  if (found) return done<StepResult<'create-partition'>>({ partition: { name, serial: found.serial, sizeBytes: found.totalBytes } });
  const { partitionsAllowed, freeBytes } = capacity;
  if (partitionsAllowed !== undefined && partitions.length >= partitionsAllowed)
    return refuse({
      ...told,
      seen: `${partitions.length} partitions exist, ${partitionsAllowed} are licensed`,
      remedy: 'Delete one that is of no use by hand, then retry.',
    });
  if (freeBytes !== undefined && freeBytes < sizeBytes)
    return refuse({
      ...told,
      seen: `${freeBytes} bytes are free, ${sizeBytes} are asked for`,
      remedy: 'Make room by hand, or ask for less in a new request; then retry.',
    });
  return act('create');
};

/** `partition create -p … -s …`, verified by `partition list` and `partition show`. */
export const createPartition = ({ luna, settings }: Systems) => {
  const createdBy = new WeakSet<Attempt>();
  return converge<Input, Seen, StepResult<'create-partition'>, 'create'>({
    settleMs: settings.settleMs,
    observe: (input, attempt) =>
      luna.shell(input, input, 'create-partition', attempt.signal, async (session) => {
        const { capacity, partitions } = await readPartitions(session);
        return { capacity, partitions, created: createdBy.has(attempt) };
      }),
    decide: decideCreatePartition,
    act: {
      create: (input, _, attempt) =>
        luna.shell(input, input, 'create-partition', attempt.signal, async (session) => {
          const { name, sizeBytes } = input.request.hsm.partition;
          await luna.signInAsSo(input, session);
          await session.change(`partition create -partition ${name} -size ${sizeBytes}`, { proceed: true }, 'partition create');
          createdBy.add(attempt);
          await session.raw(`partition show -partition ${name}`);
        }),
    },
    sight: ({ partitions }) => partitions,
  });
};

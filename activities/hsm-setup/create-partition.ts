import type { StepInput, StepResult } from '../../domain/results.ts';
import { OwnPartitions } from '../../systems/lunash/own-partitions.ts';
import type { Capacity, PartitionRow } from '../../systems/lunash/parse.ts';
import { readPartitions } from '../../systems/lunash/read-hsm.ts';
import { act, converge, done, halt, lasting, refuse } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'create-partition'>;

export interface Seen {
  partitions: PartitionRow[];
  /** What `hsm show` tells of it; not every version does. */
  capacity: Capacity;
  /** What is remembered of the one that has our name: its serial is kept as one that was created here, or this job began to create one of that name. */
  remembered: 'kept' | 'begun' | 'no';
}

/**
 * One whose serial is kept is ours, whatever its size became. Of our name and size, or just begun and empty, it is the one that an earlier attempt or run made:
 * without objects there is nothing to lose, and with objects nothing is erased before the kept passwords have opened it. Any other is somebody else’s doing.
 */
export const decideCreatePartition = ({ partitions, capacity, remembered }: Seen, { request: { hsm } }: Pick<Input, 'request'>) => {
  const { name, sizeBytes } = hsm.partition;
  const told = { tried: `creating the partition ${name}`, source: 'LunaSH' };
  const found = partitions.find((partition) => partition.name === name);
  if (found && remembered === 'kept') return done<StepResult<'create-partition'>>({ partition: { name, serial: found.serial, sizeBytes: found.totalBytes } });
  const roundedUp = found && found.totalBytes > sizeBytes && found.totalBytes < 2 * sizeBytes;
  if (found && (found.totalBytes === sizeBytes || (remembered === 'begun' && roundedUp && found.objects === 0))) return act('keep');
  if (found)
    return halt({
      ...told,
      seen: `one of this name has ${found.totalBytes} bytes, not ${sizeBytes}, and holds ${found.objects} objects; its serial ${found.serial} is not kept as one that was created here`,
      remedy: `Find out whose it is. If it is this HSM’s root of trust, ask for its ${found.totalBytes} bytes in a new request; else choose another name there.${found.objects > 0 ? ' It holds keys: do not delete it.' : ''}`,
    });
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

/** `partition create -p … -s …`, verified by `partition list` and `partition show`. Its serial is kept: a later run must know it, too. */
export const createPartition = ({ luna, secrets, transcripts, settings }: Systems) => {
  const nameOf = ({ request }: Input) => request.hsm.partition.name;
  const ours = (input: Input, { partitions }: Pick<Seen, 'partitions'>) => partitions.find(({ name }) => name === nameOf(input));
  return converge<Input, Seen, StepResult<'create-partition'>, 'create' | 'keep'>({
    lasting: lasting(settings, 'lunash-command'),
    async observe(input, { signal }) {
      const own = new OwnPartitions(secrets, transcripts, input);
      const seen = await luna.shell(input, input, 'create-partition', signal, readPartitions);
      const found = ours(input, seen);
      const remembered = found && (await own.has(found.serial)) ? 'kept' : (await own.began(nameOf(input))) ? 'begun' : 'no';
      return { ...seen, remembered };
    },
    decide: decideCreatePartition,
    act: {
      create: async (input, _, { signal }) => {
        await luna.shell(input, input, 'create-partition', signal, async (session) => {
          const { name, sizeBytes } = input.request.hsm.partition;
          await luna.signInAsSo(input, session);
          const own = new OwnPartitions(secrets, transcripts, input);
          await own.begins(name);
          await session.change(`partition create -partition ${name} -size ${sizeBytes}`, { proceed: true }, 'partition create');
          await session.raw(`partition show -partition ${name}`);
          // The HSM may round the size as it likes: what has the name right after the success is what was created, since there was none of it before.
          const made = ours(input, await readPartitions(session));
          if (made) await own.keep(made);
        });
      },
      keep: (input, seen) => new OwnPartitions(secrets, transcripts, input).keep(ours(input, seen)!),
    },
    sight: ({ partitions, remembered }) => [partitions, remembered],
  });
};

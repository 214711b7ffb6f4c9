import type { ProblemOf } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import type { Entry, Writer } from '../../stores/record/events.ts';
import { beganPartition, createdPartition, doubtOf, refusedUnder } from '../../stores/record/memory.ts';
import type { TargetRecord } from '../../stores/record/record.ts';
import { writerOf } from '../../stores/record/writer.ts';
import type { Capacity, PartitionRow } from '../../systems/lunash/parse.ts';
import { readPartitions } from '../../systems/lunash/read-hsm.ts';
import type { Outcome } from '../../systems/lunash/reading.ts';
import type { LunashSession } from '../../systems/lunash/session.ts';
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
   * What is remembered of the one that has our name: its serial is on record as one that was created here, or one of that name was begun. Where that does not make
   * it ours: was a person told so, under this very retry, or under one before it and then ordered this one?
   */
  remembered: 'kept' | 'begun' | 'confirmed' | 'told' | 'no';
  /** Was the kept SO password refused under this very retry? */
  soRefused: boolean;
}

/**
 * Is it the one that an earlier attempt or run made? One that was begun is, where it is empty and of our size or rounded up by the HSM. Name and size alone prove
 * nothing, of an empty one neither: somebody may have created it for a use of their own. There a person says so.
 */
function isTakenOver({ totalBytes, objects }: PartitionRow, sizeBytes: number, remembered: Seen['remembered']): boolean {
  if (remembered === 'begun') return objects === 0 && totalBytes >= sizeBytes && totalBytes < 2 * sizeBytes;
  return remembered === 'confirmed' && totalBytes === sizeBytes;
}

/**
 * One whose serial is kept is ours, whatever its size became. Any other that is not taken over is somebody else’s doing: a person is told, and only a retry after
 * that takes over one of our name and size, and shows it the kept passwords.
 */
export const decideCreatePartition = ({ partitions, capacity, remembered, soRefused }: Seen, { request: { hsm } }: Pick<Input, 'request'>) => {
  const { name, sizeBytes } = hsm.partition;
  const told = { tried: `creating the partition ${name}` };
  const found = partitionNamed(name, { partitions });
  if (found && remembered === 'kept') return done<StepResult<'create-partition'>>({ partition: { name, serial: found.serial, sizeBytes: found.totalBytes } });
  if (found && isTakenOver(found, sizeBytes, remembered)) return act('keep');
  if (found && remembered !== 'told' && remembered !== 'confirmed') return act('doubt');
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
      summary: `the HSM has ${freeBytes} bytes free, and the request asks for ${sizeBytes} bytes`,
      remedy: 'Free space on the HSM, then retry; or retry with an amendment of /hsm/partition/sizeBytes.',
    });
  return soRefused ? soWasRefused() : act('create');
};

function rememberedOf(entries: Entry<'hsm'>[], name: string, serial: string | undefined, writer: Writer): Seen['remembered'] {
  if (serial !== undefined && createdPartition(entries, serial)) return 'kept';
  const doubt = serial === undefined ? 'none' : doubtOf(entries, { of: 'partition', serial }, writer);
  if (doubt !== 'none') return doubt;
  return beganPartition(entries, name) ? 'begun' : 'no';
}

function notCreatedHere({ serial, totalBytes, objects }: PartitionRow, sizeBytes: number): Omit<ProblemOf<'Unsafe'>, 'tried'> {
  const size = totalBytes === sizeBytes ? `${totalBytes} bytes` : `${totalBytes} bytes (expected ${sizeBytes})`;
  const asOurs = totalBytes === sizeBytes ? 'retry' : `retry with an amendment of /hsm/partition/sizeBytes to ${totalBytes}`;
  return {
    code: 'HSM_PARTITION_FOREIGN',
    summary: `a partition with this name exists with ${size} and ${objects} objects, serial ${serial}; the target record does not show that this service created it`,
    remedy: `Find out who owns it. If it is meant for this HSM’s root of trust, ${asOurs}. Otherwise retry with an amendment of /hsm/partition/name.${objects > 0 ? ' It holds keys: do not delete it.' : ''}`,
  };
}

const partitionNamed = (name: string, { partitions }: Pick<Seen, 'partitions'>): PartitionRow | undefined =>
  partitions.find((partition) => partition.name === name);

/**
 * Gives what was created. Where one of the name is there all the same, or a refusal was heard, it is entered that none was: what has the name then is somebody
 * else’s. Not where another one was begun before (`isBegun`): that may have come late.
 */
async function create(
  session: LunashSession,
  record: TargetRecord<'hsm'>,
  { name, sizeBytes, isBegun }: { name: string; sizeBytes: number; isBegun: boolean },
): Promise<PartitionRow | undefined> {
  const notCreated = async () => void (isBegun || (await record.append('partition-not-created', { name })));
  await record.append('partition-create-begun', { name });
  // Once more after the entry, which may take seconds.
  if (partitionNamed(name, await readPartitions(session))) return void (await notCreated());
  const command = `partition create -partition ${name} -size ${sizeBytes}`;
  const outcome = await session.raw(command, { proceed: true });
  if (isRefused(outcome)) await notCreated();
  session.mustHaveSucceeded(command, outcome, 'partition create');
  await session.tryRead(`partition show -partition ${name}`);
  // The HSM may round the size as it likes: what has the name right after the success is what was created, since there was none of it before.
  return partitionNamed(name, await readPartitions(session));
}

/** LunaSH said so. An answer without a result, or one of success without its line, leaves open what was done. */
export const isRefused = ({ result, errors }: Outcome): boolean => errors.length > 0 || (result !== undefined && result !== 0);

/** `partition create -p … -s …`, verified by `partition list` and `partition show`. Its serial goes on record: a later run must know it, too. */
export const createPartition = (systems: Systems) => {
  const { luna } = systems;
  const nameOf = ({ request }: Input) => request.hsm.partition.name;
  const ours = (input: Input, seen: Pick<Seen, 'partitions'>) => partitionNamed(nameOf(input), seen);
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
      create: (input, { remembered }, attempt) =>
        luna.shell(input, attempt, async (session) => {
          await luna.signInAsSo(input, session, record(input, attempt));
          const made = await create(session, record(input, attempt), { ...input.request.hsm.partition, isBegun: remembered === 'begun' });
          if (made) await enter(input, attempt, made);
        }),
      keep: async (input, seen, attempt) => void (await enter(input, attempt, ours(input, seen)!)),
      doubt: async (input, seen, attempt) =>
        void (await record(input, attempt).append('ownership-doubted', { of: 'partition', serial: ours(input, seen)!.serial })),
    },
    fingerprint: ({ partitions, remembered }) => [partitions, remembered],
  });
};

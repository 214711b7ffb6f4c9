import { unsafe } from '../../domain/failure.ts';
import type { HsmState } from '../../domain/results.ts';
import { type Capacity, digestOf, type HsmShown, type PartitionRow, parseCapacity, parseHsmShow, parsePartitionList } from './parse.ts';
import type { LunashSession } from './session.ts';

export interface HsmRead {
  shown: HsmShown;
  capacity: Capacity;
  partitions: PartitionRow[];
}

/**
 * `hsm show` and `partition list` in a session that is open. What cannot be read is `Unsafe`, and so is a list that is not as long as the HSM counts its
 * partitions: whoever approves that the HSM is erased, or creates a partition, must not be told of fewer than there are. Looks twice, since somebody may
 * create or delete one in between.
 */
export async function readPartitions(session: LunashSession): Promise<HsmRead> {
  const first = await look(session);
  if (disagreement(first) === undefined) return first;
  const second = await look(session);
  const seen = disagreement(second);
  if (seen === undefined) return second;
  throw unsafe({
    code: 'HSM_UNREADABLE',
    tried: 'partition list',
    summary: seen,
    remedy: 'Nothing was done: what could not be read may hold keys. Check it with LunaSH and the transcript, then retry.',
  });
}

async function look(session: LunashSession): Promise<HsmRead> {
  const text = await session.read('hsm show');
  const shown = parseHsmShow(text);
  if (!shown)
    throw unsafe({
      code: 'HSM_UNREADABLE',
      tried: 'hsm show',
      summary: 'its output could not be understood',
      remedy: 'Check it with LunaSH and the transcript, and do not go on before the state is known.',
    });
  const partitions = shown.zeroized ? [] : parsePartitionList(await session.read('partition list'));
  return { shown, capacity: parseCapacity(text), partitions };
}

/** What speaks against having read every partition. Not every version tells a number, nor a line for each that is understood; that there are none is always told. */
function disagreement({ shown, partitions }: HsmRead): string | undefined {
  const missing = shown.partitions.filter(({ serial }) => !partitions.some((partition) => partition.serial === serial));
  if (missing.length > 0) return `it does not show ${missing.map(({ name }) => name).join(', ')}, which hsm show does`;
  const [counted, named, rows] = [shown.partitionsCreated, shown.partitions.length, partitions.length];
  if (counted === undefined ? named === rows && rows > 0 : counted === rows) return undefined;
  return `it shows ${rows} partitions, hsm show names ${named} and counts ${counted ?? 'an unknown number'}`;
}

/** Reads the HSM in a session that is open. What cannot be read is `Unsafe`: nothing may be done on a guess. */
export async function readHsm(session: LunashSession): Promise<HsmState> {
  const {
    shown: { partitionsCreated: _, ...shown },
    partitions: rows,
  } = await readPartitions(session);
  const partitions = rows.map(({ serial, name, objects, usedBytes }) => ({ serial, name, objects, usedBytes }));
  return { ...shown, partitions, digest: digestOf(shown, partitions) };
}

/**
 * Throws Unsafe unless the partition of this name is the one with this serial. Call it in the session that gives a
 * client access, right before: LunaSH takes the name alone, and somebody may have created another partition under it.
 */
export async function mustBePartition(session: LunashSession, { name, serial }: { name: string; serial: string }): Promise<void> {
  const found = (await readPartitions(session)).partitions.find((partition) => partition.name === name);
  if (found?.serial === serial) return;
  throw unsafe({
    code: 'HSM_PARTITION_FOREIGN',
    tried: `giving a client access to the partition ${name}`,
    summary: found
      ? `the partition ${name} has the serial ${found.serial}, not ${serial}: it is not the one that this job uses`
      : `the partition ${name} does not exist`,
    remedy: 'No access was given. Find out who deleted or re-created it. Then abort, and send the request again.',
  });
}

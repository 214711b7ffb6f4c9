import { newPartition, type PartitionState } from '../luna/state.ts';
import type { LunaClient } from './luna-client.ts';

export interface Slot {
  partition: PartitionState;
  description: string;
}

/**
 * What lunacm finds when it starts: the partitions of the HSM and, by the variant `lunacm.slots`, a backup token that has nothing to do with them.
 * `others-first`: the token stands before them. `moving`: who stands first changes from one SSH session to the next. `unsteady`: with every start of lunacm.
 */
export function slotsOf(client: LunaClient, connection: string): Slot[] {
  const appliance = client.connection()?.appliance;
  const ours = client.slots().flatMap(({ serial }) => {
    const partition = appliance?.partition(serial);
    return partition ? [{ partition, description: 'Net Token Slot' }] : [];
  });
  const kind = client.world.variants['lunacm.slots'] ?? 'ours-first';
  if (kind === 'ours-first') return ours;
  const token = { partition: tokenOf(client), description: 'USB Token Slot' };
  const tokenIsFirst = kind === 'others-first' || turnOf(client, kind === 'moving' ? connection : undefined) % 2 === 0;
  return tokenIsFirst ? [token, ...ours] : [...ours, token];
}

/** Somebody’s keys, and roles that anybody may mistake for ours. */
function tokenOf({ state }: LunaClient): PartitionState {
  state.token ??= {
    ...newPartition('backup', 1_000_000),
    label: 'backup',
    objects: ['their-key'],
    poPassword: 'their-po-password',
    coPassword: 'their-co-password',
  };
  return state.token;
}

const turns = new WeakMap<LunaClient, { last: number; of: Map<string, number> }>();

function turnOf(client: LunaClient, connection: string | undefined): number {
  const known = turns.get(client) ?? { last: -1, of: new Map() };
  turns.set(client, known);
  const turn = (connection === undefined ? undefined : known.of.get(connection)) ?? ++known.last;
  if (connection !== undefined) known.of.set(connection, turn);
  return turn;
}

import type { Azure } from './azure/azure.ts';
import type { RunningWorld } from './create-world.ts';
import type { ApplianceState } from './luna/state.ts';
import { type Renaming, renamed } from './rename.ts';
import { newRsaKey } from './ssh-key.ts';
import type { HostState } from './windows/state.ts';

export interface LoadRequest {
  /** As `GET /world/state` gave it. */
  state: Record<string, unknown>;
  /** Old → new: names, addresses, serials. */
  rename?: Renaming;
  /** Private keys (PEM) of certificates that are to be made again and whose keys the world does not hold. */
  keys?: readonly string[];
  /** The HSM and the Windows hosts get other host keys. */
  newHostKeys?: boolean;
  /** Goes on with the log that was stored; without it the log is empty. */
  keepRequestLog?: boolean;
}

/** Everything that the simulator remembers, as JSON: passwords and private keys of the simulated systems, too. */
export const storedState = (world: RunningWorld): Record<string, unknown> => structuredClone(world.state);

/** Puts a stored world in the place of this one. The simulator’s own addresses, certificates and credentials stay: its clients go on. */
export async function loadWorld(world: RunningWorld, azure: Azure, { state, rename = {}, keys, newHostKeys, keepRequestLog }: LoadRequest): Promise<void> {
  const { azure: stored, ...others } = state;
  const [next, resources] = [await renamed(others, rename, keys), await renamed((stored ?? {}) as Record<string, unknown>, rename)];
  if (!keepRequestLog) next['requestLog'] = [];
  if (newHostKeys) await giveHostKeys(next);
  await azure.replace(resources, () => world.replace(next));
}

async function giveHostKeys(state: Record<string, unknown>): Promise<void> {
  const all = <Kept>(memory: string) => Object.values((state[memory] ?? {}) as Record<string, Kept>);
  for (const appliance of all<ApplianceState>('appliances')) appliance.hostKeyPem = await newRsaKey(2048);
  for (const host of all<HostState>('windowsHosts')) host.hostKeys.rsa = await newRsaKey(2048);
}

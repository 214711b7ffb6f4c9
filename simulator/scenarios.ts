import type { Azure } from './azure/azure.ts';
import type { RunningWorld } from './create-world.ts';
import { type ReadyMachines, readyHsm } from './ready-hsm.ts';
import type { FaultRequest } from './weather.ts';

/** What is there at the start, by name. Each may be asked for again: what is there stays as it is. */
export const scenarios: Record<string, (world: RunningWorld, azure: Azure) => Promise<Partial<ReadyMachines>>> = {
  empty: async () => ({}),
  'ready-hsm': readyHsm,
};

/** Scripted weather by name, for `--fault`. */
export const faultScripts: Record<string, readonly FaultRequest[]> = {
  /** CipherTrust Manager says that it took the HSM, wipes itself and restarts, and is not sealed. */
  unsealed: [{ kind: 'lie', operation: 'ciphertrust:POST /v1/system/hsm/setup', times: 0, message: 'unsealed' }],
};

import type { FaultRequest } from './weather.ts';

/** Scripted weather by name, for `--fault`. */
export const faultScripts: Record<string, readonly FaultRequest[]> = {
  /** CipherTrust Manager says that it took the HSM, wipes itself and restarts, and is not sealed. */
  unsealed: [{ kind: 'lie', operation: 'ciphertrust:POST /v1/system/hsm/setup', times: 0, message: 'unsealed' }],
};

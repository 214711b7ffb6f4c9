import axios from 'axios';
import type { StepContext } from '../../domain/results.ts';
import type { CipherTrust, Place } from './ciphertrust.ts';
import { PinnedAgent } from './tls.ts';

const timeoutMs = 15_000;

/** What time a CipherTrust Manager says it is (ms since the epoch): the `Date` header of a look that needs no sign-in. Undefined where it does not answer or tell. */
export async function managerTime(cipherTrust: CipherTrust, job: StepContext, place: Place, signal: AbortSignal): Promise<number | undefined> {
  const leaf = await cipherTrust.leaf(job, place, signal);
  if (!leaf) return undefined;
  try {
    const { headers } = await axios.get(`https://${place.address}/api/v1/system/services/status`, {
      httpsAgent: new PinnedAgent(leaf.fingerprint, () => cipherTrust.socket(job, place, 443, signal), signal),
      proxy: false,
      maxRedirects: 0,
      validateStatus: () => true,
      timeout: timeoutMs,
      signal,
    });
    const told = Date.parse(String(headers['date'] ?? ''));
    return Number.isNaN(told) ? undefined : told;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

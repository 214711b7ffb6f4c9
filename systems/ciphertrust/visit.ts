import { StepFailure } from '../../domain/failure.ts';
import type { CipherTrust, Manager } from './ciphertrust.ts';
import { saying } from './errors.ts';

/** What stands at an address now: a manager whose services are up, with the certificate that it presents, or what is seen instead. */
export type Visit = { started: true; pin: string; manager: Manager } | { started: false; detail: string };

/**
 * Looks whatever certificate is presented: for the first contact, and for the one after a wipe that we caused. Everything that a start looks like is “not
 * started”: nothing listens, connections break, a proxy answers for a service that is not there, the certificate changes. No password is shown to it.
 */
export async function visit(cipherTrust: CipherTrust, address: string, signal: AbortSignal): Promise<Visit> {
  const leaf = await cipherTrust.leaf(address, signal);
  if (!leaf) return { started: false, detail: 'nothing answers' };
  try {
    const manager = await cipherTrust.connect({ address, pin: leaf.fingerprint }, signal);
    const answer = await manager.raw('GET', '/v1/system/services/status');
    const status = answer.status === 200 ? (answer.body as { status?: string } | null)?.status : undefined;
    return status === 'started' ? { started: true, pin: leaf.fingerprint, manager } : { started: false, detail: status ?? saying(answer) };
  } catch (error) {
    if (error instanceof StepFailure) return { started: false, detail: error.problem.seen };
    throw error;
  }
}

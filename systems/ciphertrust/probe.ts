import { Type } from 'typebox';
import { StepFailure, wordsOf } from '../../domain/failure.ts';
import type { PresentedCertificate, StepContext } from '../../domain/results.ts';
import { readFields } from '../foreign.ts';
import type { CipherTrust, Manager, Place } from './ciphertrust.ts';
import { isSuccess, saying } from './errors.ts';

const service = Type.Partial(Type.Object({ name: Type.String(), status: Type.String() }));
const servicesStatus = { status: Type.String(), services: Type.Array(service) };

/** What stands at an address now: a manager whose services are up, with the certificate that it presents, or what is seen instead. */
export type ProbeResult =
  | { started: true; pin: string; certificate: PresentedCertificate; manager: Manager }
  /** With the manager where it says itself that its services are not up. */
  | { started: false; detail: string; manager?: Manager };

/**
 * Looks whatever certificate is presented: for the first contact, and for the one after a wipe that we caused. Everything that a start looks like is “not
 * started”: nothing listens, connections break, a proxy answers for a service that is not there, the certificate changes. No password is shown to it.
 */
export async function probe(cipherTrust: CipherTrust, job: StepContext, place: Place, signal: AbortSignal): Promise<ProbeResult> {
  const leaf = await cipherTrust.leaf(job, place, signal);
  if (!leaf) return { started: false, detail: 'nothing answers' };
  try {
    const manager = await cipherTrust.connect(job, { ...place, pin: leaf.fingerprint }, signal, leaf);
    const answer = await manager.raw('GET', '/v1/system/services/status');
    const told = isSuccess(answer) ? readFields(servicesStatus, answer.body) : {};
    if (told.status === 'started') return { started: true, pin: leaf.fingerprint, certificate: leaf.shown, manager };
    if (!told.status) return { started: false, detail: saying(answer) };
    const late = (told.services ?? []).filter(({ status }) => status !== 'started' && status !== 'disabled').map(({ name, status }) => `${name} ${status}`);
    return { started: false, detail: late.length > 0 ? `${told.status} (${late.join(', ')})` : told.status, manager };
  } catch (error) {
    if (error instanceof StepFailure) return { started: false, detail: wordsOf(error.problem) };
    throw error;
  }
}

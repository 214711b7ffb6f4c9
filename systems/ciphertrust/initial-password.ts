import { StepFailure, wordsOf } from '../../domain/failure.ts';
import type { StepContext } from '../../domain/results.ts';
import { requireSecret, requireUserSecret } from '../../stores/secrets/kept.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import { localFault } from '../local-faults.ts';
import { SshConnection } from '../ssh/connection.ts';
import { readRsaKey } from '../ssh/private-key.ts';
import type { CipherTrust, Place } from './ciphertrust.ts';
import { setsTrue } from './custom-data.ts';

/** Where a manager that was told to generate its first password writes it (docs/reference/ciphertrust.md#generated-password). */
const file = '/var/keysecure/password/out';

/** Do we hold the private half of ksadmin’s key? */
export const holdsKey = ({ request: { cipherTrust } }: StepContext): boolean =>
  cipherTrust.sshPrivateKey !== undefined || (cipherTrust.sshPublicKey ?? cipherTrust.sshKeyInAzure) === undefined;

/** Does the custom data ask for a generated first password? */
export async function asksForGenerated(secrets: SecretStore, { request: { cipherTrust } }: StepContext): Promise<boolean> {
  const text = cipherTrust.customData && (await requireUserSecret(secrets, cipherTrust.customData.secret));
  return text !== undefined && setsTrue(text, 'generate-password');
}

/**
 * The password that the manager generated at its first start, read over SSH as ksadmin; or why there is none, which may pass where nobody answered. The key of the host is not known: whoever answers
 * gives a text that is only ever shown to the manager whose certificate is pinned.
 */
export async function readInitialPassword(
  { cipherTrust, secrets }: { cipherTrust: CipherTrust; secrets: SecretStore },
  job: StepContext,
  place: Place,
  signal: AbortSignal,
): Promise<{ password: string } | { why: string; mayPass: boolean }> {
  if (!holdsKey(job)) return { why: 'the private half of ksadmin’s key is not with this service', mayPass: false };
  try {
    const privateKey = await privateKeyOf(secrets, job);
    // Taken over at once: what the other side says first is lost where nobody listens yet.
    const socket = await cipherTrust.socket(job, place, 22, signal);
    const connection = await SshConnection.open({ name: `CipherTrust Manager at ${place.address}`, socket, username: 'ksadmin', privateKey }, signal);
    const { output, code } = await connection.exec(`cat ${file}`).finally(() => connection.end());
    const password = output.trim();
    return code === 0 && /^\S{4,128}$/.test(password) ? { password } : { why: `${file} holds none`, mayPass: false };
  } catch (error) {
    signal.throwIfAborted();
    if ((error instanceof StepFailure && error.problem.code.startsWith('SECRET_')) || localFault(error)) throw error;
    const why = error instanceof StepFailure ? wordsOf(error.problem) : error instanceof Error ? error.message : String(error);
    return { why, mayPass: error instanceof StepFailure && error.problem.kind === 'Transient' };
  }
}

async function privateKeyOf(secrets: SecretStore, { target, request: { cipherTrust } }: StepContext): Promise<string> {
  return cipherTrust.sshPrivateKey
    ? readRsaKey(await requireUserSecret(secrets, cipherTrust.sshPrivateKey.secret)).privatePem
    : requireSecret(secrets, target, 'ciphertrust-ssh-key');
}

import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Checked, NtlsAttempt, PartitionView } from '../world.ts';
import { applianceTime } from './commands/system.ts';
import type { ApplianceState, ClientState, PartitionState } from './state.ts';

const no = (why: string) => ({ ok: false, why }) as const;

export const viewOf = ({ serial, name, label, objects }: PartitionState): PartitionView => ({ serial, name, label, objects: [...objects] });

function matches(certificatePem: string, keyPem: string): boolean {
  try {
    return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

/** Who connects over NTLS, if the appliance lets it in. */
function identify(state: ApplianceState, attempt: NtlsAttempt): Checked<{ client: ClientState }> {
  const { ntls } = state;
  if (!ntls.running || !ntls.active) return no('connection refused: the NTLS service is not running or not bound');
  if (attempt.serverCertificatePem.trim() !== ntls.active.certificatePem.trim()) return no('the server certificate is not the one that is trusted');
  if (!matches(attempt.clientCertificatePem, attempt.clientPrivateKeyPem)) return no('the client’s key does not belong to its certificate');
  const client = state.clients.find(({ certificatePem }) => certificatePem.trim() === attempt.clientCertificatePem.trim());
  if (!client) return no('RC_SSL_FAILED_HANDSHAKE: the client is not registered');
  if ((client.unnoticed ?? 0) > 0) {
    client.unnoticed! -= 1;
    return no('RC_SSL_FAILED_HANDSHAKE: the client is not registered');
  }
  const certificate = new X509Certificate(client.certificatePem);
  const now = applianceTime(state);
  if (now < new Date(certificate.validFrom) || now > new Date(certificate.validTo)) return no('the client’s certificate is not valid at the appliance’s time');
  const expected = client.ip ?? client.mappedIp;
  if (ntls.ipCheck && expected !== attempt.clientAddress)
    return no(`the client is registered for ${expected ?? 'a host name that cannot be looked up'}, not for ${attempt.clientAddress}`);
  return { ok: true, client };
}

/** The partitions that a client may use. */
export function reachable(state: ApplianceState, attempt: NtlsAttempt): Checked<{ partitions: PartitionState[] }> {
  const identified = identify(state, attempt);
  if (!identified.ok) return identified;
  return { ok: true, partitions: state.hsm.partitions.filter(({ name }) => identified.client.partitions.includes(name)) };
}

/** A sign-in as crypto officer; a wrong password counts. */
export function signInAsCryptoOfficer(partition: PartitionState, password: string): Checked<{ partition: PartitionState }> {
  if (partition.coPassword === undefined) return no('CKR_USER_PIN_NOT_INITIALIZED: the crypto officer is not initialized');
  if (partition.coAttemptsLeft === 0) return no('CKR_PIN_LOCKED: the crypto officer is locked out');
  if (partition.coPassword !== password) {
    partition.coAttemptsLeft -= 1;
    return no('CKR_PIN_INCORRECT: the crypto officer’s password is wrong');
  }
  partition.coAttemptsLeft = 10;
  if (partition.coMustChange) return no('CKR_PIN_EXPIRED: the crypto officer’s first password must be changed');
  return { ok: true, partition };
}

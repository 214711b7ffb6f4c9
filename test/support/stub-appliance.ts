import type { Identity } from '../../simulator/certificates.ts';
import type { Appliance, NtlsAttempt, PartitionView } from '../../simulator/world.ts';

export const managerAddress = '172.22.0.5';
export const hsmAddress = '172.22.1.4';
export const officerPassword = 'officer-password';
export const partition: PartitionView = { serial: '1234567890123', name: 'luna_part', label: 'luna_part', objects: [] };

export interface Certificates {
  server: Identity;
  client: Identity;
}

/** An HSM with one partition for one client, as far as a CipherTrust Manager sees it. */
export function stubAppliance({ server, client }: Certificates, objects: string[]): Appliance {
  const refusal = (attempt: NtlsAttempt): string | undefined => {
    if (attempt.serverCertificatePem !== server.certificatePem) return 'the server certificate is not the one that is trusted';
    if (attempt.clientCertificatePem !== client.certificatePem) return 'the client is not registered';
    return attempt.clientAddress === managerAddress ? undefined : 'the client is registered for another address';
  };
  return {
    address: hsmAddress,
    ports: {},
    attach() {},
    stop: async () => {},
    state: { ntls: { running: true }, clock: { skewMinutes: 0 } },
    ntls(attempt: NtlsAttempt) {
      const why = refusal(attempt);
      return why ? { ok: false, why } : { ok: true, partitions: [partition] };
    },
    cryptoOfficerSignIn: (_: NtlsAttempt, _serial: string, given: string) =>
      given === officerPassword ? { ok: true, partition } : { ok: false, why: 'CKR_PIN_INCORRECT' },
    partition: (serial: string) => (serial === partition.serial ? { ...partition, objects } : undefined),
    addObjects: (_: string, labels: string[]) => void objects.push(...labels.filter((label) => !objects.includes(label))),
  } as unknown as Appliance;
}

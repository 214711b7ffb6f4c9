import type { ProvisioningRequest } from '../../domain/request.ts';
import { userSecret } from '../secrets/kept.ts';
import type { SecretStore } from '../secrets/store.ts';
import type { Manager } from './ciphertrust.ts';

/** What a wipe takes away and what a root of trust needs: time servers and a licence. */

export interface NtpSeen {
  listed: string[];
  synchronised: boolean;
}

type Wanted = ProvisioningRequest['cipherTrust'];

export async function readNtp(manager: Manager): Promise<NtpSeen> {
  const servers = await manager.list<{ host: string }>('/v1/system/ntp/servers');
  const status = await manager.ask<Record<string, string>>('GET', '/v1/system/ntp/status');
  return { listed: servers.map(({ host }) => host), synchronised: /^\*/m.test(status['ntpq -p'] ?? '') };
}

export const missingNtp = ({ listed }: NtpSeen, { ntp }: Wanted): Wanted['ntp'] => ntp.filter(({ host }) => !listed.includes(host));

export async function addNtp(manager: Manager, secrets: SecretStore, servers: Wanted['ntp']): Promise<void> {
  for (const { host, key, keyType } of servers)
    await manager.ask('POST', '/v1/system/ntp/servers', {
      host,
      ...(key ? { key: await userSecret(secrets, key.secret), key_type: keyType ?? 'SHA-256' } : {}),
    });
}

export interface LicenceSeen {
  trial: { id: string; status: string } | undefined;
  licences: number;
}

export async function readLicence(manager: Manager): Promise<LicenceSeen> {
  const [trial] = await manager.list<{ id: string; status: string }>('/v1/licensing/trials/');
  const licences = await manager.list('/v1/licensing/licenses/');
  return { trial: trial && { id: trial.id, status: trial.status }, licences: licences.length };
}

export const licensed = ({ trial, licences }: LicenceSeen, { licence }: Wanted): boolean =>
  licence === 'none' || (licence === 'trial' ? trial?.status === 'activated' || licences > 0 : licences > 0);

export async function activateLicence(manager: Manager, secrets: SecretStore, { trial }: LicenceSeen, { licence }: Wanted): Promise<void> {
  if (typeof licence === 'object') await manager.ask('POST', '/v1/licensing/licenses/', { license: await userSecret(secrets, licence.secret) });
  else if (trial) await manager.ask('POST', `/v1/licensing/trials/${encodeURIComponent(trial.id)}/activate`);
}

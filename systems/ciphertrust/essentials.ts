import { refused } from '../../domain/failure.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { OtherTimeServer } from '../../domain/results.ts';
import { userSecret } from '../../stores/secrets/kept.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import type { Manager } from './ciphertrust.ts';
import { answerFailure, isSuccess, saysExists, source } from './errors.ts';

/** What a wipe takes away and what a root of trust needs: time servers and a licence. */

export interface NtpSeen {
  listed: string[];
  /** Those that are asked with a key; absent where none is. */
  keyed?: string[];
  synchronised: boolean;
}

type Wanted = ProvisioningRequest['cipherTrust'];

/** Many lists end after 10 entries where nothing is said. */
const whole = { skip: 0, limit: 1000 };

export async function readNtp(manager: Manager): Promise<NtpSeen> {
  const servers = await manager.list<{ host: string; key?: string; key_type?: string }>('/v1/system/ntp/servers', whole);
  const status = await manager.ask<Record<string, string>>('GET', '/v1/system/ntp/status');
  const keyed = servers.filter(({ key, key_type }) => key !== undefined || key_type !== undefined).map(({ host }) => host);
  return {
    listed: servers.map(({ host }) => host),
    ...(keyed.length > 0 ? { keyed } : {}),
    synchronised: /^\*/m.test(status['ntpq -p'] ?? ''),
  };
}

export const missingNtp = ({ listed }: NtpSeen, { ntp }: Pick<Wanted, 'ntp'>): Wanted['ntp'] => ntp.filter(({ host }) => !listed.includes(host));

/** Those that it follows besides the wanted ones. */
export const otherNtp = ({ listed, keyed = [] }: NtpSeen, { ntp }: Pick<Wanted, 'ntp'>): OtherTimeServer[] =>
  listed.filter((host) => !ntp.some((wanted) => wanted.host === host)).map((host) => ({ host, ...(keyed.includes(host) ? { keyed: true as const } : {}) }));

/** Adds servers, each with its key where it has one. One that another attempt added meanwhile is no failure: the next look tells. */
export async function addNtp(manager: Manager, secrets: SecretStore, servers: Wanted['ntp']): Promise<void> {
  for (const { host, key, keyType } of servers) {
    const body = { host, ...(key ? { key: await userSecret(secrets, key.secret), key_type: keyType ?? 'SHA-256' } : {}) };
    const answer = await manager.raw('POST', '/v1/system/ntp/servers', body);
    if (!isSuccess(answer) && !saysExists(answer)) throw answerFailure(`adding the time server ${host}`, answer, body);
  }
}

export interface LicenceSeen {
  trial: { id: string; status: string } | undefined;
  licences: number;
}

export async function readLicence(manager: Manager): Promise<LicenceSeen> {
  const [trial] = await manager.list<{ id: string; status: string }>('/v1/licensing/trials/', whole);
  const licences = await manager.list('/v1/licensing/licenses/', whole);
  return { trial: trial && { id: trial.id, status: trial.status }, licences: licences.length };
}

export const licensed = ({ trial, licences }: LicenceSeen, { licence }: Wanted): boolean =>
  licence === 'none' || (licence === 'trial' ? trial?.status === 'activated' || licences > 0 : licences > 0);

/** Only these can be activated (so do Thales' Terraform provider and an independent script). */
const activatable = ['available', 'deactivated'];

/** Adds the licence that is in the secret store, or activates the trial. Without a trial that can be activated a person must bring a licence. */
export async function activateLicence(manager: Manager, secrets: SecretStore, { trial }: LicenceSeen, { licence }: Wanted): Promise<void> {
  if (typeof licence === 'object') {
    await manager.ask('POST', '/v1/licensing/licenses/', { license: await userSecret(secrets, licence.secret) });
  } else if (trial && activatable.includes(trial.status)) {
    await manager.ask('POST', `/v1/licensing/trials/${encodeURIComponent(trial.id)}/activate`);
  } else {
    throw refused({
      tried: 'activating the trial licence',
      seen: trial ? `the trial is ${trial.status}` : 'no trial is offered',
      source,
      remedy: 'An HSM as root of trust needs a licence: install one by hand and retry, or abort and name one in a new request.',
    });
  }
}

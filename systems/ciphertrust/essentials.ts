import { Type } from 'typebox';
import { refused } from '../../domain/failure.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { OtherTimeServer } from '../../domain/results.ts';
import { requireUserSecret } from '../../stores/secrets/kept.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import { readFields } from '../foreign.ts';
import type { Manager } from './ciphertrust.ts';
import { answerFailure, isSuccess, saysExists } from './errors.ts';

/** What a wipe takes away and what a root of trust needs: time servers and a license. */

export interface NtpSeen {
  listed: string[];
  /** Those that are asked with a key; absent where none is. */
  keyed?: string[];
  synchronized: boolean;
}

type Wanted = ProvisioningRequest['cipherTrust'];

/** Many lists end after 10 entries where nothing is said. */
const whole = { skip: 0, limit: 1000 };

export async function readNtp(manager: Manager): Promise<NtpSeen> {
  const servers = await manager.list('/v1/system/ntp/servers', { host: Type.String(), key: Type.String(), key_type: Type.String() }, whole);
  const status = readFields({ 'ntpq -p': Type.String() }, await manager.ask('GET', '/v1/system/ntp/status'));
  const keyed = servers.filter(({ key, key_type }) => key !== undefined || key_type !== undefined).flatMap(({ host }) => host ?? []);
  return {
    listed: servers.flatMap(({ host }) => host ?? []),
    ...(keyed.length > 0 ? { keyed } : {}),
    synchronized: /^\*/m.test(status['ntpq -p'] ?? ''),
  };
}

export const missingNtp = ({ listed }: NtpSeen, { ntp }: Pick<Wanted, 'ntp'>): Wanted['ntp'] => ntp.filter(({ host }) => !listed.includes(host));

/** Those that it follows besides the wanted ones. */
export const otherNtp = ({ listed, keyed = [] }: NtpSeen, { ntp }: Pick<Wanted, 'ntp'>): OtherTimeServer[] =>
  listed.filter((host) => !ntp.some((wanted) => wanted.host === host)).map((host) => ({ host, ...(keyed.includes(host) ? { keyed: true as const } : {}) }));

/** Which secrets go to the manager with these, as the target record names them. */
export const secretsOfNtp = (servers: Wanted['ntp']): string[] => [...new Set(servers.flatMap(({ key }) => (key ? [`secret ${key.secret}`] : [])))];
export const secretsOfLicense = ({ license }: Pick<Wanted, 'license'>): string[] => (typeof license === 'object' ? [`secret ${license.secret}`] : []);

/** Adds servers, each with its key where it has one. One that another attempt added meanwhile is no failure: the next look tells. */
export async function addNtp(manager: Manager, secrets: SecretStore, servers: Wanted['ntp']): Promise<void> {
  for (const { host, key, keyType } of servers) {
    const body = { host, ...(key ? { key: await requireUserSecret(secrets, key.secret), key_type: keyType ?? 'SHA-256' } : {}) };
    const answer = await manager.raw('POST', '/v1/system/ntp/servers', body);
    if (!isSuccess(answer) && !saysExists(answer)) throw answerFailure(`adding the time server ${host}`, answer, body);
  }
}

export interface LicenseSeen {
  trial: { id: string; status: string } | undefined;
  licenses: number;
}

export async function readLicense(manager: Manager): Promise<LicenseSeen> {
  const [{ id, status } = {}] = await manager.list('/v1/licensing/trials/', { id: Type.String(), status: Type.String() }, whole);
  const licenses = await manager.list('/v1/licensing/licenses/', {}, whole);
  return { trial: id === undefined || status === undefined ? undefined : { id, status }, licenses: licenses.length };
}

export const licensed = ({ trial, licenses }: LicenseSeen, { license }: Wanted): boolean =>
  license === 'none' || (license === 'trial' ? trial?.status === 'activated' || licenses > 0 : licenses > 0);

/** Only these can be activated (docs/reference/ciphertrust.md#trials). */
const activatable = ['available', 'deactivated'];

/** Adds the license that is in the secret store, or activates the trial. Without a trial that can be activated a person must bring a license. */
export async function activateLicense(manager: Manager, secrets: SecretStore, { trial }: LicenseSeen, { license }: Wanted): Promise<void> {
  if (typeof license === 'object') {
    await manager.ask('POST', '/v1/licensing/licenses/', { license: await requireUserSecret(secrets, license.secret) });
  } else if (trial && activatable.includes(trial.status)) {
    await manager.ask('POST', `/v1/licensing/trials/${encodeURIComponent(trial.id)}/activate`);
  } else {
    throw refused({
      code: 'CIPHERTRUST_LICENSE_MISSING',
      tried: 'activating the trial license',
      summary: trial ? `the trial is ${trial.status}` : 'no trial is offered',
      remedy:
        'An HSM as root of trust needs a license: install one, then retry; or retry with an amendment of /cipherTrust/license. Once the step license is done, abort and send the request again instead.',
    });
  }
}

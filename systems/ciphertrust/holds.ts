import { createHash } from 'node:crypto';
import type { ManagerHolds } from '../../domain/results.ts';
import { entriesOf, type Manager, totalOf } from './manager.ts';

export interface HsmServer {
  id?: string;
  type?: string;
  config?: { host?: string; serial?: string | number };
}

export const nameOf = ({ type, config }: HsmServer): string => [config?.host ?? type ?? 'unknown', config?.serial].filter(Boolean).join(' ');

/** System > HSMs. */
export const readServers = (manager: Manager): Promise<HsmServer[]> => manager.list<HsmServer>('/v1/system/hsm/servers');

export const isServerOf = ({ config }: HsmServer, partitionSerial: string): boolean => String(config?.serial ?? '') === partitionSerial;

/** So many names are shown; the digest is over all. */
const shownNames = 20;

/** What every new manager has: its administrator, and the root domain. */
const ownUsers = ['admin'];
const ownDomains = ['root'];

/** What a wipe would take away; what a version does not tell, or not to everybody, is named. */
export async function readHolds(manager: Manager, address: string, servers: HsmServer[]): Promise<ManagerHolds> {
  const whole = { skip: 0, limit: 1000 };
  const info = (await manager.whereKnown<{ name?: string; version?: string } | null>('GET', '/v1/system/info')) ?? {};
  const users = await manager.whereKnown<object>('GET', '/v1/usermgmt/users/', undefined, whole);
  const domains = await manager.whereKnown<object>('GET', '/v1/domains', undefined, whole);
  // The path is that of Thales' Ansible collection; the operation index at hand ends before it.
  const keys = await manager.whereKnown<object>('GET', '/v1/vault/keys2/', undefined, whole);
  const names = {
    users: namesOf(users).filter((name) => !ownUsers.includes(name)),
    domains: namesOf(domains).filter((name) => !ownDomains.includes(name)),
    hsms: servers.map(nameOf),
  };
  const keyIds = entriesOf<{ id?: string; uri?: string; name?: string }>(keys).map(({ id, uri, name }) => id ?? uri ?? name ?? '');
  const everything = { ...names, keys: keys === undefined ? null : totalOf(keys), keyIds: keyIds.sort() };
  return {
    name: info.name ?? 'unnamed',
    address,
    version: info.version ?? 'unknown',
    users: shortened(names.users),
    ...(keys === undefined ? {} : { keys: totalOf(keys) }),
    domains: shortened(names.domains),
    hsms: shortened(names.hsms),
    untold: Object.entries({ users, keys, domains }).flatMap(([what, told]) => (told === undefined ? [what] : [])),
    digest: createHash('sha256').update(JSON.stringify(everything)).digest('hex'),
  };
}

const shortened = (names: string[]): string[] =>
  names.length <= shownNames ? names : [...names.slice(0, shownNames), `and ${names.length - shownNames} more`];

const namesOf = (body: unknown): string[] => entriesOf<{ username?: string; name?: string }>(body).map(({ username, name }) => username ?? name ?? 'unnamed');

/** May it be wiped without asking? One that does not tell everything only where this job itself found it new. */
export const isLikeNew = ({ users, keys = 0, domains, hsms, untold }: ManagerHolds, fresh: boolean): boolean =>
  users.length + keys + domains.length + hsms.length === 0 && (fresh || untold.length === 0);

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
  const cluster = await manager.whereKnown<object>('GET', '/v1/cluster');
  const names = {
    users: namesOf(users).filter((name) => !ownUsers.includes(name)),
    domains: namesOf(domains).filter((name) => !ownDomains.includes(name)),
    hsms: servers.map(nameOf),
  };
  const keyIds = entriesOf<{ id?: string; uri?: string; name?: string }>(keys).map(({ id, uri, name }) => id ?? uri ?? name ?? '');
  const clustered = isNode(cluster) ? { clustered: true as const } : {};
  const everything = { ...names, ...clustered, keys: keys === undefined ? null : totalOf(keys), keyIds: keyIds.sort() };
  return {
    name: info.name ?? 'unnamed',
    address,
    version: info.version ?? 'unknown',
    users: shortened(names.users),
    ...(keys === undefined ? {} : { keys: totalOf(keys) }),
    domains: shortened(names.domains),
    hsms: shortened(names.hsms),
    ...clustered,
    untold: Object.entries({ users, keys, domains }).flatMap(([what, told]) => (told === undefined ? [what] : [])),
    digest: createHash('sha256').update(JSON.stringify(everything)).digest('hex'),
  };
}

/** A manager that stands alone has a cluster without a node, of the state “none”. */
const isNode = (cluster: unknown): boolean => {
  const { nodeID = '', status } = (cluster ?? {}) as { nodeID?: string; status?: { code?: string } };
  return nodeID !== '' || (status?.code ?? 'none') !== 'none';
};

const shortened = (names: string[]): string[] =>
  names.length <= shownNames ? names : [...names.slice(0, shownNames), `and ${names.length - shownNames} more`];

const namesOf = (body: unknown): string[] => entriesOf<{ username?: string; name?: string }>(body).map(({ username, name }) => username ?? name ?? 'unnamed');

/** May it be wiped without asking? One that does not tell everything only where this job itself found it new. */
export const isLikeNew = ({ users, keys = 0, domains, hsms, clustered, untold }: ManagerHolds, fresh: boolean): boolean =>
  !clustered && users.length + keys + domains.length + hsms.length === 0 && (fresh || untold.length === 0);

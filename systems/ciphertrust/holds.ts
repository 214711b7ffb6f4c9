import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import type { ManagerContents } from '../../domain/results.ts';
import { isFields, type Read, readFields } from '../foreign.ts';
import type { Listing, Manager } from './manager.ts';

const hsmServer = {
  id: Type.String(),
  type: Type.String(),
  // One field of another kind must not make an HSM that is listed look as if it were not.
  config: Type.Partial(Type.Object({ host: Type.Unknown(), serial: Type.Unknown() })),
};

export type HsmServer = Read<typeof hsmServer>;

export const hostOf = ({ config }: HsmServer): string | undefined => (typeof config?.host === 'string' ? config.host : undefined);

export const nameOf = (server: HsmServer): string => [hostOf(server) ?? server.type ?? 'unknown', server.config?.serial].filter(Boolean).join(' ');

/** System > HSMs. */
export const readServers = (manager: Manager): Promise<HsmServer[]> => manager.list('/v1/system/hsm/servers', hsmServer);

export const isServerOf = ({ config }: HsmServer, partitionSerial: string): boolean => String(config?.serial ?? '') === partitionSerial;

/** So many names are shown; the digest is over all that were read. */
const shownNames = 20;

/**
 * So many pages of a list are read, of 1,000 entries each where the manager gives as many: this is done again at every look, and a manager may have hundreds of
 * thousands of keys. What is beyond is known by its number alone; a person who approves is told so.
 */
const mostPages = 20;

/** What every new manager has: its administrator, and the root domain. */
const ownUsers = ['admin'];
const ownDomains = ['root'];

/** What a wipe would take away; what a version does not tell, or not to everybody, is named. */
export async function readHolds(manager: Manager, address: string, servers: HsmServer[]): Promise<ManagerContents> {
  const info = readFields({ name: Type.String(), version: Type.String() }, await manager.whereKnown('GET', '/v1/system/info'));
  const users = await manager.listing('/v1/usermgmt/users/', named, mostPages);
  const domains = await manager.listing('/v1/domains', named, mostPages);
  // The path is that of Thales' Ansible collection (docs/reference/ciphertrust.md#users-keys-domains).
  const keys = await manager.listing('/v1/vault/keys2/', named, mostPages);
  const cluster = await manager.whereKnown('GET', '/v1/cluster');
  const names = { users: namesOf(users, ownUsers), domains: namesOf(domains, ownDomains), hsms: servers.map(nameOf) };
  const keyIds = (keys?.entries ?? []).map(({ id, uri, name }) => id ?? uri ?? name ?? '');
  const clustered = isNode(cluster) ? { clustered: true as const } : {};
  const totals = [users, domains, keys].map((listing) => listing?.total ?? null);
  const everything = { ...names, ...clustered, totals, keyIds: keyIds.sort() };
  return {
    name: info.name ?? 'unnamed',
    address,
    version: info.version ?? 'unknown',
    users: shortened(names.users, users),
    ...(keys === undefined ? {} : { keys: keys.total }),
    ...(keys !== undefined && keys.entries.length < keys.total ? { keysRead: keys.entries.length } : {}),
    domains: shortened(names.domains, domains),
    hsms: shortened(names.hsms),
    ...clustered,
    untold: Object.entries({ users, keys, domains }).flatMap(([what, told]) => (told === undefined ? [what] : [])),
    digest: createHash('sha256').update(JSON.stringify(everything)).digest('hex'),
  };
}

const named = { id: Type.String(), uri: Type.String(), username: Type.String(), name: Type.String() };
type Named = Read<typeof named>;

/** A manager that stands alone has a cluster without a node, of the state “none” (docs/reference/ciphertrust.md#cluster). */
const isNode = (cluster: unknown): boolean => {
  const { nodeID = '', status = {} } = isFields(cluster) ? cluster : {};
  const { code = 'none' } = isFields(status) ? status : {};
  return nodeID !== '' || code !== 'none';
};

/** Names for a person; those that were not listed, though it says that they are there, are told by their number. */
function shortened(names: string[], { entries, total }: Listing<Named> = { entries: [], total: 0 }): string[] {
  const [more, unlisted] = [names.length - shownNames, total - entries.length];
  return [...names.slice(0, shownNames), ...(more > 0 ? [`and ${more} more`] : []), ...(unlisted > 0 ? [`${unlisted} that were not listed`] : [])];
}

const namesOf = (listing: Listing<Named> | undefined, own: string[]): string[] =>
  (listing?.entries ?? []).map(({ username, name }) => username ?? name ?? 'unnamed').filter((name) => !own.includes(name));

/**
 * May it be wiped without asking? Only one that was made here, by the job's word and the target record's, and that tells everything which is read here. A manager
 * that was there before may hold what is not read here, such as groups, connections, certificate authorities or CTE
 * clients. A list that it does not give is no empty list.
 */
export const isLikeNew = ({ users, keys, domains, hsms, clustered, untold }: ManagerContents, isMadeHere: boolean): boolean =>
  isMadeHere && untold.length === 0 && !clustered && keys === 0 && users.length + domains.length + hsms.length === 0;

import { randomUUID } from 'node:crypto';
import { vaultAuthority } from './clouds.ts';
import { ArmError, type ArmReply } from './http.ts';
import type { AzureState } from './state.ts';
import { carried } from './tokens.ts';

/** What a vault keeps under a name. Times are whole seconds, as the real service tells them. */
export interface VaultSecret {
  versions: { id: string; value: string; created: number; contentType?: string; tags?: Record<string, string> }[];
  deletedAt?: number;
}

export interface VaultRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  bearer: string | undefined;
  body: string;
  base: string;
  /** The vault’s clock, in whole seconds since the epoch. */
  now: () => number;
  /** The only API version that it knows, where it does not know all. */
  version: string | undefined;
}

/** What is asked of the vault, and how it answers. */
export interface VaultVisit {
  operation: string;
  target: string;
  answer(): ArmReply;
}

const pageSize = 25;
const retentionSeconds = 90 * 24 * 3600;
const validName = /^[0-9a-zA-Z-]{1,127}$/;

/** The data plane of a key vault at the simulator's own address: secrets with versions, always with soft delete. Undefined for any other path. */
export function vault(state: AzureState, request: VaultRequest): VaultVisit | undefined {
  const [, area, name = '', rest] = /^\/(secrets|deletedsecrets)(?:\/([^/]+)(?:\/([^/]*))?)?\/?$/.exec(request.path) ?? [];
  if (!area) return undefined;
  const what = area === 'deletedsecrets' ? (rest === 'recover' ? 'recover' : 'deleted secret') : rest === 'versions' ? 'versions' : 'secret';
  const visit = { operation: `vault:${request.method} ${what}`, target: name };
  return {
    ...visit,
    answer: () => {
      const reply = answer(state, request, what, name, rest || undefined);
      return { ...reply, headers: { ...reply.headers, date: new Date(request.now() * 1000).toUTCString() } };
    },
  };
}

function answer(state: AzureState, request: VaultRequest, what: string, name: string, version: string | undefined): ArmReply {
  try {
    if (!mayEnter(state, request)) return challenge(state, request);
    if (!request.query.get('api-version')) throw new ArmError(400, 'BadParameter', 'api-version must be specified');
    const asked = request.query.get('api-version');
    if (request.version !== undefined && asked !== request.version)
      throw new ArmError(
        400,
        'BadParameter',
        `The specified version (${asked}) is not recognized. Consider using the latest supported version (${request.version}).`,
      );
    const secrets = (state.vault ??= {});
    switch (`${request.method} ${what}`) {
      case 'PUT secret':
        return { status: 200, body: put(secrets, name, request) };
      case 'GET secret':
        return { status: 200, body: shown(request.base, name, found(secrets, name, version), true) };
      case 'GET versions':
        return { status: 200, body: versions(secrets, name, request) };
      case 'DELETE secret':
        return { status: 200, body: remove(secrets, name, request) };
      case 'GET deleted secret':
        return { status: 200, body: deleted(request.base, name, gone(secrets, name)) };
      case 'DELETE deleted secret':
        gone(secrets, name);
        delete secrets[name.toLowerCase()];
        return { status: 204 };
      case 'POST recover':
        delete gone(secrets, name).deletedAt;
        return { status: 200, body: shown(request.base, name, found(secrets, name), false) };
      default:
        throw new ArmError(405, 'MethodNotAllowed', 'Method not allowed');
    }
  } catch (error) {
    if (error instanceof ArmError) return { status: error.status, body: error.body() };
    throw error;
  }
}

const mayEnter = (state: AzureState, { bearer, base }: VaultRequest): boolean => {
  const token = carried(state, bearer);
  return token !== undefined && token.endsAt > Date.now() && token.audience === vaultAuthority(base).resource;
};

const challenge = (state: AzureState, { base, bearer }: VaultRequest): ArmReply => ({
  status: 401,
  headers: { 'www-authenticate': challengeOf(state, base) },
  body: {
    error: {
      code: 'Unauthorized',
      message: bearer ? 'AKV10022: Invalid audience, or the token is not known.' : 'AKV10000: Request is missing a Bearer or PoP token.',
    },
  },
});

function challengeOf({ credentials }: AzureState, base: string): string {
  const { resource, authority } = vaultAuthority(base);
  return `Bearer authorization="${authority}/${credentials.tenantId}", resource="${resource}"`;
}

type Secrets = Record<string, VaultSecret>;
type Version = VaultSecret['versions'][number];

function put(secrets: Secrets, name: string, { body, base, now }: VaultRequest): unknown {
  if (!validName.test(name)) throw new ArmError(400, 'BadParameter', `The request URI contains an invalid name: ${name}`);
  const { value, contentType, tags } = JSON.parse(body || '{}') as { value?: unknown; contentType?: string; tags?: Record<string, string> };
  if (typeof value !== 'string') throw new ArmError(400, 'BadParameter', 'Property  has invalid value');
  if (Buffer.byteLength(value) > 25 * 1024) throw new ArmError(400, 'BadParameter', 'The value is larger than 25600 bytes.');
  const kept = (secrets[name.toLowerCase()] ??= { versions: [] });
  if (kept.deletedAt !== undefined) throw new Conflict(name);
  const version = { id: randomUUID().replaceAll('-', ''), value, created: now(), ...(contentType ? { contentType } : {}), ...(tags ? { tags } : {}) };
  kept.versions.push(version);
  return shown(base, name, version, true);
}

class Conflict extends ArmError {
  constructor(name: string) {
    super(
      409,
      'Conflict',
      `Secret ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.`,
    );
  }

  override body(): Record<string, unknown> {
    return { error: { code: this.code, message: this.message, innererror: { code: 'ObjectIsDeletedButRecoverable' } } };
  }
}

const notFound = (name: string): ArmError =>
  new ArmError(
    404,
    'SecretNotFound',
    `A secret with (name/id) ${name} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command.`,
  );

function living(secrets: Secrets, name: string): VaultSecret {
  const kept = secrets[name.toLowerCase()];
  if (!kept || kept.deletedAt !== undefined) throw notFound(name);
  return kept;
}

function gone(secrets: Secrets, name: string): VaultSecret {
  const kept = secrets[name.toLowerCase()];
  if (kept?.deletedAt === undefined) throw new ArmError(404, 'SecretNotFound', `Deleted Secret not found: ${name}`);
  return kept;
}

/** The newest version where none is named: it is what everybody gets who does not ask. */
function found(secrets: Secrets, name: string, id?: string): Version {
  const { versions: all } = living(secrets, name);
  const version = id === undefined ? all.at(-1) : all.find((one) => one.id === id);
  if (!version) throw notFound(`${name}/${id}`);
  return version;
}

/** In no order that anybody promised: here by name of version. */
function versions(secrets: Secrets, name: string, { query, base }: VaultRequest): unknown {
  const kept = secrets[name.toLowerCase()];
  const all = kept && kept.deletedAt === undefined ? kept.versions.toSorted((one, other) => (one.id < other.id ? -1 : 1)) : [];
  const size = Math.min(Number(query.get('maxresults') ?? pageSize) || pageSize, pageSize);
  const from = Number(query.get('$skiptoken') ?? 0);
  const more = new URLSearchParams({ 'api-version': query.get('api-version')!, maxresults: `${size}`, $skiptoken: `${from + size}` });
  return {
    value: all.slice(from, from + size).map((version) => shown(base, name, version, false)),
    nextLink: from + size < all.length ? `${base}/secrets/${name}/versions?${more}` : null,
  };
}

function shown(base: string, name: string, { id, value, created, contentType, tags }: Version, withValue: boolean): Record<string, unknown> {
  return {
    ...(withValue ? { value } : {}),
    id: `${base}/secrets/${name}/${id}`,
    attributes: { enabled: true, created, updated: created, recoveryLevel: 'Recoverable+Purgeable', recoverableDays: 90 },
    ...(contentType ? { contentType } : {}),
    ...(tags ? { tags } : {}),
  };
}

function remove(secrets: Secrets, name: string, { base, now }: VaultRequest): unknown {
  const kept = living(secrets, name);
  kept.deletedAt = now();
  return deleted(base, name, kept);
}

const deleted = (base: string, name: string, { versions: all, deletedAt = 0 }: VaultSecret): unknown => ({
  recoveryId: `${base}/deletedsecrets/${name}`,
  deletedDate: deletedAt,
  scheduledPurgeDate: deletedAt + retentionSeconds,
  ...shown(base, name, all.at(-1)!, false),
});

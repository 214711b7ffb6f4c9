import { createHash, createPublicKey, randomUUID, sign } from 'node:crypto';
import type { World } from '../world.ts';
import { armAudiences } from './clouds.ts';
import { ArmError } from './http.ts';
import type { AzureState } from './state.ts';

const usualSeconds = 3600;
/** More are never in use at once. */
const most = 50;

export interface Token {
  value: string;
  /** The resource that it is for. */
  audience: string;
  /** Ms since the epoch. */
  endsAt: number;
}

const publicKeyOf = (state: AzureState) => createPublicKey(state.identity.privateKeyPem).export({ format: 'jwk' });
const keyId = (state: AzureState): string => createHash('sha256').update(publicKeyOf(state).n!).digest('base64url').slice(0, 27);

/** The keys that tokens can be checked with. */
export const publishedKeys = (state: AzureState) => ({ keys: [{ ...publicKeyOf(state), use: 'sig', alg: 'RS256', kid: keyId(state) }] });

/** The application’s own object in the directory: not its client id, and always the same. */
const objectIdOf = (clientId: string): string =>
  createHash('sha256')
    .update(clientId)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The directory’s own name in tokens of the first version, wherever they were asked for. */
export const issuerOf = (tenantId: string): string => `https://sts.windows.net/${tenantId}/`;

/** Signed, with the claims that clients look into; of the first version, as ARM and vaults want them. */
function signed(state: AzureState, audience: string, seconds: number): string {
  const { tenantId, clientId } = state.credentials;
  const [oid, now] = [objectIdOf(clientId), Math.floor(Date.now() / 1000)];
  const times = { iat: now, nbf: now, exp: now + seconds };
  const who = { appid: clientId, appidacr: '1', idtyp: 'app', oid, sub: oid, tid: tenantId };
  const directory = issuerOf(tenantId);
  const claims = { aud: audience, iss: directory, idp: directory, ...times, ...who, uti: randomUUID(), ver: '1.0' };
  const text = `${encoded({ typ: 'JWT', alg: 'RS256', kid: keyId(state) })}.${encoded(claims)}`;
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), state.identity.privateKeyPem).toString('base64url')}`;
}

/** A token for a resource, and how many seconds it is good for. */
export function issue(world: World, state: AzureState, resource: string): Token & { seconds: number } {
  const seconds = Number(world.variants['azure.tokenSeconds'] ?? usualSeconds);
  const token = { value: signed(state, resource, seconds), audience: resource.replace(/\/+$/, ''), endsAt: Date.now() + seconds * 1000 };
  state.tokens = [...state.tokens.slice(1 - most), token];
  return { ...token, seconds };
}

/** The token that a request carries, whether or not it still counts; undefined where nobody here gave it. */
export function carried(state: AzureState, header: string | undefined): Token | undefined {
  return state.tokens.find(({ value }) => header === `Bearer ${value}`);
}

/** Lets nobody in at ARM without a token that is known, in time, and meant for this address. */
export function checkBearer(state: AzureState, header: string | undefined, base: string): void {
  if (!header?.startsWith('Bearer ')) throw new ArmError(401, 'AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing.");
  const token = carried(state, header);
  if (!token) throw new ArmError(401, 'InvalidAuthenticationToken', 'The access token is invalid.');
  if (token.endsAt <= Date.now())
    throw new ArmError(
      401,
      'ExpiredAuthenticationToken',
      `The access token expiry UTC time '${new Date(token.endsAt).toUTCString()}' is earlier than current UTC time '${new Date().toUTCString()}'.`,
    );
  const allowed = armAudiences(base);
  if (!allowed.includes(token.audience))
    throw new ArmError(
      401,
      'InvalidAuthenticationTokenAudience',
      `The access token has been obtained for wrong audience or resource '${token.audience}'. It should exactly match with one of the allowed audiences ${allowed.map((one) => `'${one}/','${one}'`).join(',')}.`,
    );
}

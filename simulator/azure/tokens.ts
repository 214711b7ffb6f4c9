import { randomBytes } from 'node:crypto';
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

/** A token for a resource, and how many seconds it is good for. */
export function issue(world: World, state: AzureState, resource: string): Token & { seconds: number } {
  const seconds = Number(world.quirks['azure.tokenSeconds'] ?? usualSeconds);
  const token = { value: `sim.${randomBytes(24).toString('base64url')}`, audience: resource.replace(/\/+$/, ''), endsAt: Date.now() + seconds * 1000 };
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

import { randomBytes, randomUUID } from 'node:crypto';
import { badRequest, badValue, forbidden, unauthorized } from './errors.ts';
import { type Call, noContent, ok, type Reply, type Route, text } from './route.ts';
import type { ManagerState } from './state.ts';

type Data = ManagerState['data'];

const tokenSeconds = 300;
/** An ended token is remembered so long, to say since when it has ended. */
const rememberedMs = 3_600_000;
const policy: [test: (text: string) => boolean, rule: string][] = [
  [(text) => text.length >= 8, 'at least 8 characters'],
  [(text) => text.length <= 30, 'at most 30 characters'],
  [(text) => /[A-Z]/.test(text), 'at least 1 upper case letter'],
  [(text) => /[a-z]/.test(text), 'at least 1 lower case letter'],
  [(text) => /[0-9]/.test(text), 'at least 1 digit'],
  [(text) => /[^A-Za-z0-9]/.test(text), 'at least 1 other character'],
];

function checkChange({ state: { data }, body }: Call): string {
  const [username, password, next] = [text(body, 'username'), text(body, 'password'), text(body, 'new_password')];
  if (username !== 'admin' || password !== data.password) throw unauthorized();
  const broken = policy.filter(([holds]) => !holds(next)).map(([, rule]) => rule);
  if (broken.length > 0) throw badValue(`Password does not meet the policy: ${broken.join(', ')}`);
  if (next === password) throw badValue('The new password must be different from the old one');
  return next;
}

function changePassword(call: Call): Reply {
  Object.assign(call.state.data, { password: checkChange(call), passwordIsDefault: false });
  call.world.changed();
  return noContent;
}

function signIn({ world, state: { data }, body }: Call): Reply {
  const grant = body['grant_type'] ?? 'password';
  if (grant === 'refresh_token') {
    const refresh = text(body, 'refresh_token');
    if (!data.refreshTokens.includes(refresh)) throw unauthorized('Invalid token');
    return token(data, refresh);
  }
  if (grant !== 'password') throw badRequest(`grant_type ${grant} is not supported here`);
  if (text(body, 'username') !== 'admin' || text(body, 'password') !== data.password) throw unauthorized();
  const mode = world.quirks['ciphertrust.defaultPasswordLogin'] ?? '401';
  if (data.passwordIsDefault && mode === '401') throw unauthorized('Password change required');
  if (data.passwordIsDefault && mode === '403') throw forbidden('Password change required');
  const refresh = randomBytes(24).toString('hex');
  data.refreshTokens.push(refresh);
  const reply = token(data, refresh);
  world.changed();
  return reply;
}

function token(data: Data, refresh: string): Reply {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'kylo', acc: 'kylo', sub: 'local|admin', preferred_username: 'admin', iat: now, exp: now + tokenSeconds, jwtid: randomUUID() };
  const jwt = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode(claims)}.${randomBytes(32).toString('base64url')}`;
  for (const [old, end] of Object.entries(data.tokens)) if (end + rememberedMs < Date.now()) delete data.tokens[old];
  data.tokens[jwt] = claims.exp * 1000;
  return ok({ jwt, duration: tokenSeconds, token_type: 'Bearer', client_id: randomUUID(), refresh_token_id: randomUUID(), refresh_token: refresh });
}

/** Lets only signed-in requests pass; with the default password a sign-in is good for nothing but changing it. */
export function checkBearer({ data }: ManagerState, header = ''): void {
  const end = data.tokens[header.replace(/^Bearer /, '')];
  if (end === undefined) throw unauthorized('Invalid token');
  if (end < Date.now()) throw unauthorized(`Unauthorised: Bearer token malformed: Token is expired by ${Math.ceil((Date.now() - end) / 1000)}s`);
  if (data.passwordIsDefault) throw forbidden('Password change required');
}

export const signInRoutes: Route[] = [
  {
    operation: 'PATCH /v1/auth/changepw',
    open: true,
    answer: changePassword,
    lie: (call) => {
      checkChange(call);
      return noContent;
    },
  },
  { operation: 'POST /v1/auth/tokens', open: true, answer: signIn },
];

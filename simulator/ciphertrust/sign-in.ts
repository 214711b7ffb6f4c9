import { randomBytes, randomUUID } from 'node:crypto';
import type { World } from '../world.ts';
import { ApiError, badRequest, badValue, forbidden, unauthorized } from './errors.ts';
import { type Call, list, noContent, ok, type Reply, type Route, text } from './route.ts';
import { type ManagerState, managerTime, type User } from './state.ts';

type Data = ManagerState['data'];

const usualTokenSeconds = 300;
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

/** What a locked account is told; how is unknown (docs/reference/ciphertrust.md#lockout). */
function lockedOut(world: World, { lockedUntil }: User): ApiError {
  const minutes = Math.ceil((lockedUntil - Date.now()) / world.clock.realMs(1));
  switch (world.variants['ciphertrust.lockedAnswer'] ?? 'plain') {
    case 'told':
      return unauthorized(`User account is locked for ${minutes} minutes.`);
    case 'forbidden':
      return forbidden('User account is locked.');
    default:
      return unauthorized();
  }
}

/** The user with this password. Each wrong one counts, also through changing it, and may lock the account; while it is locked nobody is let in. */
function userWith({ world, state: { data } }: Call, username: string, password: string): User {
  const user = data.users.find((candidate) => candidate.username === username);
  if (!user) throw unauthorized();
  if (user.lockedUntil > Date.now()) throw lockedOut(world, user);
  if (user.password === password) {
    user.failures = 0;
    return user;
  }
  user.failures += 1;
  const { failed_logins_lockout_thresholds: thresholds } = data.policy;
  const minutes = thresholds[Math.min(user.failures, thresholds.length) - 1] ?? 0;
  user.lockedUntil = Date.now() + world.clock.realMs(minutes);
  world.changed();
  throw unauthorized();
}

/** A wrong password where it is to be changed: a 401, or another status whose words tell. */
function withWords({ world }: Call, find: () => User): User {
  try {
    return find();
  } catch (error) {
    if (world.variants['ciphertrust.wrongPassword'] !== '400' || !(error instanceof ApiError)) throw error;
    throw badRequest(/locked/.test(error.message) ? error.message : 'authentication failed: invalid credentials');
  }
}

/** What is said of a new password that breaks the policy. */
const against = ({ world }: Call, message: string): ApiError =>
  world.variants['ciphertrust.policyStatus'] === '422' ? new ApiError(422, 9, 'NCERRInvalidParamValue: Invalid parameter', message) : badValue(message);

/** Holds a new password against the policy. */
export function checkPolicy(call: Call, next: string): void {
  const broken = policy.filter(([holds]) => !holds(next)).map(([, rule]) => rule);
  if (broken.length > 0) throw against(call, `Password does not meet the policy: ${broken.join(', ')}`);
}

function checkChange(call: Call): { user: User; next: string } {
  const { body } = call;
  const [username, password, next] = [text(body, 'username'), text(body, 'password'), text(body, 'new_password')];
  const user = withWords(call, () => userWith(call, username, password));
  checkPolicy(call, next);
  if (next === password) throw against(call, 'The new password must be different from the old one');
  return { user, next };
}

const changed = ({ world }: Call): Reply => (world.variants['ciphertrust.changepwStatus'] === '200' ? ok({}) : noContent);

function changePassword(call: Call): Reply {
  const { user, next } = checkChange(call);
  Object.assign(user, { password: next, mustChange: false });
  call.world.changed();
  return changed(call);
}

function signIn(call: Call): Reply {
  const { world, state, body } = call;
  const grant = body['grant_type'] ?? 'password';
  if (grant === 'refresh_token') {
    const refresh = text(body, 'refresh_token');
    if (!state.data.refreshTokens.includes(refresh) || world.variants['ciphertrust.refresh'] === 'refused') throw unauthorized('Invalid token');
    return token(call, 'admin', refresh);
  }
  if (grant !== 'password') throw badRequest(`grant_type ${grant} is not supported here`);
  // While it takes its data down, its web service may still answer.
  if (state.restart?.wipesTo && world.variants['ciphertrust.signInBeforeReset'] === 'refused') throw unauthorized();
  const { username } = body['name'] === undefined ? { username: text(body, 'username') } : { username: text(body, 'name') };
  const user = userWith(call, username, text(body, 'password'));
  const mode = world.variants['ciphertrust.defaultPasswordLogin'] ?? '401';
  if (user.mustChange && mode === '401') throw unauthorized('Password change required');
  if (user.mustChange && mode === '403') throw forbidden('Password change required');
  const refresh = randomBytes(24).toString('hex');
  state.data.refreshTokens.push(refresh);
  const reply = token(call, username, refresh);
  world.changed();
  return reply;
}

function token({ world, state: { data } }: Call, username: string, refresh: string): Reply {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const seconds = Number(world.variants['ciphertrust.tokenSeconds'] ?? usualTokenSeconds);
  const now = Math.floor(managerTime(world) / 1000);
  const sub = data.users.find((user) => user.username === username)?.user_id;
  const claims = { iss: 'kylo', acc: 'kylo', sub, preferred_username: username, iat: now, exp: now + seconds, jwtid: randomUUID() };
  const jwt = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode(claims)}.${randomBytes(32).toString('base64url')}`;
  for (const [old, end] of Object.entries(data.tokens)) if (end + rememberedMs < Date.now()) delete data.tokens[old];
  data.tokens[jwt] = Date.now() + seconds * 1000;
  return ok({ jwt, duration: usualTokenSeconds, token_type: 'Bearer', client_id: randomUUID(), refresh_token_id: randomUUID(), refresh_token: refresh });
}

/** Lets only signed-in requests pass and tells whose they are; with an initial password a sign-in is good for nothing but changing it. */
export function checkBearer({ data }: ManagerState, header = ''): string {
  const bearer = header.replace(/^Bearer /, '');
  const end = data.tokens[bearer];
  if (end === undefined) throw unauthorized('Invalid token');
  if (end < Date.now()) throw unauthorized(`Unauthorised: Bearer token malformed: Token is expired by ${Math.ceil((Date.now() - end) / 1000)}s`);
  const { preferred_username: username } = JSON.parse(Buffer.from(bearer.split('.')[1]!, 'base64url').toString()) as { preferred_username: string };
  if (userNamed(data, username)?.mustChange) throw forbidden('Password change required');
  return username;
}

const userNamed = ({ users }: Data, name: string): User | undefined => users.find(({ username }) => username === name);

function revoke({ world, state: { data }, body, authorization = '' }: Call): Reply {
  const bearer = authorization.replace(/^Bearer /, '');
  delete data.tokens[bearer];
  data.refreshTokens = data.refreshTokens.filter((refresh) => refresh !== body['refresh_token']);
  world.changed();
  return noContent;
}

export const signInRoutes: Route[] = [
  {
    operation: 'PATCH /v1/auth/changepw',
    open: true,
    answer: changePassword,
    lie: (call) => {
      checkChange(call);
      return changed(call);
    },
  },
  { operation: 'POST /v1/auth/tokens', open: true, answer: signIn },
  {
    operation: 'GET /v1/auth/tokens',
    answer: (call) =>
      list(
        call,
        call.state.data.refreshTokens.map((_, at) => ({ id: `${at}`, labels: [] })),
      ),
  },
  { operation: 'POST /v1/auth/revoke', answer: revoke, lie: () => noContent },
  { operation: 'POST /v1/auth/logout', answer: revoke, lie: () => noContent },
  { operation: 'GET /v1/auth/banners/pre-auth', open: true, answer: () => ok({ banner: '' }) },
];

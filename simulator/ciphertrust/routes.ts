import { randomBytes, randomUUID } from 'node:crypto';
import type { World } from '../world.ts';
import { badRequest, badValue, conflict, forbidden, notFound, unauthorized } from './errors.ts';
import { setUpHsm } from './hsm-setup.ts';
import { type ManagerState, version } from './state.ts';

export interface Call {
  world: World;
  state: ManagerState;
  /** Values of `{…}` in the path. */
  id: string;
  body: Record<string, unknown>;
  /** Is the sign-in only good for changing the password? */
  limited: boolean;
}

export interface Reply {
  status: number;
  body?: unknown;
  /** To be done when the answer is out. */
  afterwards?: () => void;
}

export interface Route {
  /** `VERB /v1/path`, with `{id}` for a varying part. */
  operation: string;
  open?: boolean;
  destructive?: boolean;
  /** How to answer so that nothing changes, for a lie; absent for what only reads. */
  answer(call: Call): Promise<Reply> | Reply;
  lie?(call: Call, how: string | undefined): Promise<Reply> | Reply;
}

const tokenSeconds = 300;
const policy: [test: (text: string) => boolean, rule: string][] = [
  [(text) => text.length >= 8, 'at least 8 characters'],
  [(text) => text.length <= 30, 'at most 30 characters'],
  [(text) => /[A-Z]/.test(text), 'at least 1 upper case letter'],
  [(text) => /[a-z]/.test(text), 'at least 1 lower case letter'],
  [(text) => /[0-9]/.test(text), 'at least 1 digit'],
  [(text) => /[^A-Za-z0-9]/.test(text), 'at least 1 other character'],
];

const ok = (body: unknown, status = 200): Reply => ({ status, body });
const list = (resources: unknown[]) => ok({ skip: 0, limit: 10, total: resources.length, resources });
const text = (body: Record<string, unknown>, field: string): string => {
  const value = body[field];
  if (typeof value !== 'string' || value === '') throw badRequest(`Validation errors:\n${field}: ${field} is a required field`);
  return value;
};
const licensed = ({ data }: ManagerState): boolean => data.trial === 'activated' || data.licences.length > 0;

function changePassword({ state: { data }, world, body }: Call): Reply {
  const [username, password, next] = [text(body, 'username'), text(body, 'password'), text(body, 'new_password')];
  checkChange(data, username, password, next);
  Object.assign(data, { password: next, passwordIsDefault: false });
  world.changed();
  return { status: 204 };
}

function checkChange(data: ManagerState['data'], username: string, password: string, next: string): void {
  if (username !== 'admin' || password !== data.password) throw unauthorized();
  const broken = policy.filter(([holds]) => !holds(next)).map(([, rule]) => rule);
  if (broken.length > 0) throw badValue(`Password does not meet the policy: ${broken.join(', ')}`);
  if (next === password) throw badValue('The new password must be different from the old one');
}

function signIn({ world, state: { data }, body }: Call): Reply {
  if (body['grant_type'] === 'refresh_token') {
    if (!data.refreshTokens.includes(text(body, 'refresh_token'))) throw unauthorized('Invalid token');
    return token(data, text(body, 'refresh_token'));
  }
  if (text(body, 'username') !== 'admin' || text(body, 'password') !== data.password) throw unauthorized();
  const mode = world.quirks['ciphertrust.defaultPasswordLogin'] ?? '401';
  if (data.passwordIsDefault && mode === '401') throw unauthorized('Password change required');
  if (data.passwordIsDefault && mode === '403') throw forbidden('Password change required');
  return token(data, randomBytes(24).toString('hex'));
}

function token(data: ManagerState['data'], refresh: string): Reply {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const jwt = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode({ iss: 'kylo', acc: 'kylo', sub: 'local|admin', preferred_username: 'admin', iat: now, exp: now + tokenSeconds, jwtid: randomUUID() })}.${randomBytes(32).toString('base64url')}`;
  data.tokens[jwt] = (now + tokenSeconds) * 1000;
  if (!data.refreshTokens.includes(refresh)) data.refreshTokens.push(refresh);
  return ok({ jwt, duration: tokenSeconds, token_type: 'Bearer', client_id: randomUUID(), refresh_token_id: randomUUID(), refresh_token: refresh });
}

const trial = ({ data }: ManagerState) => ({
  id: data.trialId,
  name: 'CipherTrust Manager Full Trial',
  status: data.trial,
  description: 'Full trial, 90 days',
  activated_at: data.trial === 'activated' ? new Date().toISOString() : '',
  deactivated_at: '',
});

function setTrial(status: 'activated' | 'deactivated') {
  return ({ state, world, id }: Call): Reply => {
    if (id !== state.data.trialId) throw notFound();
    state.data.trial = status;
    world.changed();
    return ok(trial(state));
  };
}

function addNtp({ state: { data }, world, body }: Call): Reply {
  const host = text(body, 'host');
  if (data.ntp.some((server) => server.host === host)) throw conflict(`NTP server ${host} already exists`);
  const { key, key_type = 'SHA-256' } = body as { key?: string; key_type?: string };
  data.ntp.push({ host, ...(key ? { key, key_type } : {}), addedAt: Date.now() });
  world.changed();
  return ok(shownNtp(body), 201);
}

const shownNtp = ({ host, key, key_type }: Record<string, unknown>) => ({ host, ...(key ? { key_type: key_type ?? 'SHA-256' } : {}) });

function ntpStatus({ state: { data }, world }: Call): Reply {
  const rows = data.ntp.map(({ host, addedAt }, index) => {
    const synchronised = Date.now() >= addedAt + world.clock.realMs(world.durations.ntpSynchronisation);
    return `${synchronised ? (index === 0 ? '*' : '+') : ' '}${host.slice(0, 15).padEnd(16)} .GOOG.           1 u   33   64  ${synchronised ? '377' : '  0'}    9.000    0.100   0.200`;
  });
  return ok({
    'ntpq -p': `     remote           refid      st t when poll reach   delay   offset  jitter\n==============================================================================\n${rows.join('\n')}\n`,
  });
}

const servers = ({ state: { data } }: Call): Reply => ok({ total: data.hsmServers.length, resources: data.hsmServers });

const remove = <Thing extends object>(list: Thing[], found: (thing: Thing) => boolean, world: World): Reply => {
  const at = list.findIndex(found);
  if (at < 0) throw notFound();
  list.splice(at, 1);
  world.changed();
  return { status: 204 };
};

/** The part of the REST API that is simulated. Paths are compared without regard to a slash at the end. */
export const routes: Route[] = [
  { operation: 'GET /v1/system/services/status', open: true, answer: ({ state }) => ok(services(state)) },
  { operation: 'PATCH /v1/auth/changepw', open: true, answer: changePassword, lie: () => ({ status: 204 }) },
  { operation: 'POST /v1/auth/tokens', open: true, answer: signIn },
  {
    operation: 'GET /v1/system/info',
    answer: ({ state }) =>
      ok({
        name: state.name,
        version,
        version_suffix: 'null',
        model: 'CipherTrust Manager k170v',
        vendor: 'Thales Group',
        crypto_version: '1.7.0',
        uptime: '0 days, 1 hours, 2 minutes',
        system_time: new Date().toISOString(),
      }),
  },
  { operation: 'GET /v1/system/ntp/servers', answer: ({ state }) => list(state.data.ntp.map((server) => shownNtp({ ...server }))) },
  { operation: 'POST /v1/system/ntp/servers', answer: addNtp, lie: ({ body }) => ok(shownNtp(body), 201) },
  {
    operation: 'DELETE /v1/system/ntp/servers/{id}',
    answer: ({ state, world, id }) => remove(state.data.ntp, ({ host }) => host === id, world),
    lie: () => ({ status: 204 }),
  },
  { operation: 'GET /v1/system/ntp/status', answer: ntpStatus },
  { operation: 'GET /v1/licensing/trials', answer: ({ state }) => list([trial(state)]) },
  { operation: 'POST /v1/licensing/trials/{id}/activate', answer: setTrial('activated'), lie: ({ state }) => ok({ ...trial(state), status: 'activated' }) },
  {
    operation: 'POST /v1/licensing/trials/{id}/deactivate',
    answer: setTrial('deactivated'),
    lie: ({ state }) => ok({ ...trial(state), status: 'deactivated' }),
  },
  {
    operation: 'GET /v1/licensing/licenses',
    answer: ({ state }) => list(state.data.licences.map(({ id, bind_type }) => ({ id, bind_type, state: 'active', type: 'cm' }))),
  },
  {
    operation: 'POST /v1/licensing/licenses',
    answer: ({ state, world, body }) => {
      state.data.licences.push({ id: randomUUID(), license: text(body, 'license'), bind_type: (body['bind_type'] as string) ?? 'instance' });
      world.changed();
      return ok({ state: 'active' }, 201);
    },
    lie: () => ok({ state: 'active' }, 201),
  },
  { operation: 'GET /v1/licensing/features', answer: ({ state }) => list(licensed(state) ? [{ name: 'HSM Root of Trust', status: 'active' }] : []) },
  { operation: 'GET /v1/system/hsm/servers', answer: servers },
  { operation: 'GET /v1/system/hsm/servers/{id}', answer: ({ state, id }) => ok(state.data.hsmServers.find((server) => server.id === id) ?? missing()) },
  {
    operation: 'POST /v1/system/hsm/setup',
    destructive: true,
    answer: (call) => {
      if (!licensed(call.state)) throw forbidden('License not installed yet for feature HSM Root of Trust: it is not included in Community Edition');
      return setUpHsm(call);
    },
    lie: (call, how) => setUpHsm(call, how === 'unsealed' ? 'wipes-unsealed' : 'does-nothing'),
  },
  { operation: 'GET /v1/system/mkeks', answer: ({ state }) => ok({ total: 1, info: [{ id: 'mkek-1', sealer_name: state.data.sealer, default: true }] }) },
  { operation: 'GET /v1/system/rot-keys', answer: ({ state }) => list(state.data.rotKeys) },
  { operation: 'POST /v1/system/ssh/keys', open: true, answer: () => ok({ id: randomUUID() }, 201) },
  { operation: 'GET /v1/system/alarms', answer: () => list([]) },
  { operation: 'GET /v1/cluster', answer: () => ok({ nodeID: '', status: { code: 'none', description: 'not clustered' } }) },
];

const missing = (): never => {
  throw notFound();
};

export function services(state: ManagerState) {
  const status = Date.now() >= state.startedAt ? 'started' : 'starting';
  return {
    status,
    services: [
      { name: 'web', status: 'started' },
      { name: 'nae-kmip', status },
    ],
  };
}

import { randomUUID } from 'node:crypto';
import { ApiError, badRequest, badValue, notFound, serverError } from './errors.ts';
import { delayOf } from './hsm-setup.ts';
import { alarmsOf } from './hsm-watch.ts';
import { type Call, list, noContent, ok, type Reply, type Route, text } from './route.ts';
import { checkBearer } from './sign-in.ts';
import { announceRestart, boot, isStarted, isUsableKey, type ManagerState, managerTime, unsealed, version } from './state.ts';

export function services(state: ManagerState, named: 'known' | 'more' = 'known') {
  const status = isStarted(state) ? 'started' : state.hsmOffline?.stopped ? 'error' : 'starting';
  return {
    status,
    services: [
      { name: 'web', status: 'started' },
      { name: 'nae-kmip', status },
      ...(named === 'more'
        ? [
            { name: 'scheduler', status },
            { name: 'snmp', status: 'disabled' },
          ]
        : []),
    ],
  };
}

const info = ({ world, state: { name } }: Call): Reply =>
  ok({
    name,
    version,
    version_suffix: 'null',
    model: 'CipherTrust Manager k170v',
    vendor: 'Thales Group',
    crypto_version: '1.7.0',
    uptime: '0 days, 1 hours, 2 minutes',
    system_time: new Date(managerTime(world)).toISOString(),
  });

/** Before the services are up anybody may replace the default key of `ksadmin`: that is what they wait for. Afterwards it takes a sign-in. */
async function addSshKey(call: Call, counts: boolean): Promise<Reply> {
  const { state, world, body, authorization } = call;
  if (isStarted(state) && world.variants['ciphertrust.sshKeysOpen'] !== 'always') checkBearer(state, authorization);
  if (!isUsableKey(world, text(body, 'key'))) throw badValue('key: an OpenSSH public key of the kind ssh-rsa is needed');
  if (counts && !state.keyReplaced) {
    const { startedAt } = await boot(world, world.durations.cipherTrustBoot);
    state.boot.startedAt = startedAt;
    state.keyReplaced = true;
    world.changed();
  }
  return ok({ id: randomUUID() }, 201);
}

/** The web service alone is back after about ten seconds. */
const webRestartMinutes = 1 / 6;

const restartServices =
  (wipes: boolean) =>
  (call: Call): Reply => {
    const { world, state } = call;
    const { services: named } = call.body as { services?: string[] };
    const minutes = named?.every((name) => name === 'web') ? webRestartMinutes : undefined;
    announceRestart({ world, state, delaySeconds: delayOf(call) }, { ...(wipes ? { wipesTo: unsealed } : {}), ...(minutes ? { minutes } : {}) });
    const status = Number(world.variants['ciphertrust.restartStatus'] ?? 200);
    return status === 204 ? noContent : ok({}, status);
  };

/** Longer than anybody waits for the answer of a proxy. */
const filteredMinutes = 2;

/** Only the port of NTLS on an HSM is ever open to it. */
async function checkPort({ world, body }: Call): Promise<Reply> {
  const [host, port] = [text(body, 'host'), Number(body['port'])];
  const open = port === 1792 && world.appliances.get(host)?.state.ntls.running === true;
  switch (world.variants['ciphertrust.checkport'] ?? 'open') {
    case 'absent':
      throw notFound();
    case 'refused':
      throw badRequest('Validation errors:\naddress: address is a required field');
    case '422':
      throw new ApiError(422, 9, 'NCERRInvalidParamValue: Invalid parameter', 'Validation errors:\naddress: address is a required field');
    case '500':
      throw serverError('nc: exit status 1');
    case 'slow':
      await world.clock.sleepMinutes(filteredMinutes);
      throw new ApiError(504, 14, 'NCERRInternalServerError: unexpected error', `dial tcp ${host}:${port}: i/o timeout`);
    case 'result':
      return ok({ result: open ? 'open' : 'closed' });
    case 'wrong':
      return ok({ host, port, open: false });
    default:
      return ok({ host, port, open });
  }
}

function rename(call: Call, counts: boolean): Reply {
  const name = text(call.body, 'name');
  if (counts) call.state.name = name;
  call.world.changed();
  return info({ ...call, state: { ...call.state, name } });
}

export const systemRoutes: Route[] = [
  {
    operation: 'GET /v1/system/services/status',
    open: true,
    duringBoot: true,
    answer: ({ state, world }) => ok(services(state, world.variants['ciphertrust.serviceNames'] === 'more' ? 'more' : 'known')),
  },
  { operation: 'POST /v1/system/services/restart', answer: restartServices(false), lie: () => ok({}) },
  { operation: 'POST /v1/system/services/reset', answer: restartServices(true), lie: () => ok({}) },
  { operation: 'GET /v1/system/info', answer: info },
  {
    operation: 'POST /v1/system/ssh/keys',
    open: true,
    duringBoot: true,
    answer: (call) => addSshKey(call, true),
    lie: (call) => addSshKey(call, false),
  },
  { operation: 'POST /v1/system/network/checkport', answer: checkPort },
  { operation: 'PATCH /v1/system/info', answer: (call) => rename(call, true), lie: (call) => rename(call, false) },
  { operation: 'GET /v1/system/alarms', answer: (call) => list(call, alarmsOf(call.state)) },
  { operation: 'GET /v1/cluster', answer: () => ok({ nodeID: '', status: { code: 'none', description: 'not clustered' } }) },
];

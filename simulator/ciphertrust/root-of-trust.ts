import { randomUUID } from 'node:crypto';
import { badRequest, conflict, notFound, serverError } from './errors.ts';
import { delayOf, setUpHsm } from './hsm-setup.ts';
import { type Call, find, list, noContent, ok, type Reply, type Route, remove, text } from './route.ts';
import { announceRestart, type HsmServer, unsealed } from './state.ts';

const byId =
  ({ id }: Call) =>
  (thing: { id: string }): boolean =>
    thing.id === id;

/** Only total and resources, as ksctl prints them. */
const servers = ({ world, state: { data } }: Call): Reply => {
  const shown = world.variants['ciphertrust.serverIds'] === 'no' ? data.hsmServers.map(({ id: _, ...server }) => server) : data.hsmServers;
  return ok({ total: shown.length, resources: shown });
};

/** Where what describes a further HSM stands in the request: known is only what the first one’s request looks like. */
function describedIn({ world, body }: Call): Record<string, unknown> {
  const nested = (body['initialConfig'] ?? {}) as Record<string, unknown>;
  return { nested, flat: body }[world.variants['ciphertrust.memberBody'] ?? ''] ?? { ...body, ...nested };
}

/** A further HSM of the same root of trust: its partition gets the root keys of the first one’s, and nothing is wiped. It is listed first. */
function addServer(call: Call, counts: boolean): Reply {
  const { world, state } = call;
  const described = describedIn(call);
  const [host, serial, certificate] = ['host', 'serial', 'server-cert'].map((field) => text(described, field)) as [string, string, string];
  const first = state.data.hsmServers.at(-1);
  if (!first) throw badRequest('there is no HSM yet: it is set up with hsm/setup');
  if (state.data.hsmServers.some(({ config }) => config.serial === serial)) throw conflict(`the HSM partition ${serial} is there already`);
  const appliance = world.appliances.get(host);
  if (!appliance?.state.ntls.running) throw serverError(`no connection to ${host}:1792`);
  const partition = appliance.partition(serial);
  if (!partition) throw serverError(`no partition with serial ${serial} is visible to this client`);
  if (partition.objects.length > 0) throw serverError(`the partition ${serial} is not empty`);
  const server: HsmServer = { id: randomUUID(), type: 'luna', config: { ...first.config, host, serial, 'server-cert': certificate } };
  if (counts) {
    appliance.addObjects(serial, world.appliances.get(first.config.host)?.partition(first.config.serial)?.objects ?? []);
    state.data.hsmServers.unshift(server);
    world.changed();
  }
  return ok(server, 201);
}

/** The last one that goes takes all data with it. */
function removeServer(call: Call): Reply {
  const { world, state, body } = call;
  find(state.data.hsmServers, byId(call));
  if (body['reset'] !== true) throw badRequest('reset must be true: without its HSM the CipherTrust Manager is reset');
  if (state.data.hsmServers.length > 1) return remove(call, state.data.hsmServers, byId(call));
  announceRestart({ world, state, delaySeconds: delayOf(call) }, { wipesTo: unsealed });
  return noContent;
}

function mkeks({ world, state: { data } }: Call): Reply {
  if (world.variants['ciphertrust.mkeks'] === 'absent') throw notFound();
  return ok({ total: 1, info: [mkek(data)] });
}

const mkek = ({ mkek: { id, createdAt }, sealer }: Call['state']['data']) => ({
  id,
  name: 'mkek',
  is_default: true,
  created_at: createdAt,
  sealer_name: sealer,
});

function oneMkek(call: Call): Reply {
  if (call.world.variants['ciphertrust.mkeks'] === 'absent') throw notFound();
  return ok(find([mkek(call.state.data)], byId(call)));
}

const newKey = () => ({ id: randomUUID(), createdAt: new Date().toISOString() });

/** A rotation takes effect at once, or a while after its answer. */
function rotate({ world }: Call, change: () => void): void {
  const changes = () => {
    change();
    world.changed();
  };
  if (world.variants['ciphertrust.rotation'] === 'later') void world.clock.sleepMinutes(rotationMinutes).then(changes);
  else changes();
}

const rotationMinutes = 1;

function rotateMkek(call: Call): Reply {
  const { data } = call.state;
  rotate(call, () => {
    data.mkek = newKey();
  });
  return mkeks(call);
}

function rotateRotKeys(call: Call): Reply {
  const { data } = call.state;
  if (data.hsmServers.length === 0) throw badRequest('there is no HSM');
  const key = newKey();
  rotate(call, () => data.rotKeys.unshift(key));
  return ok(key, 201);
}

/** The newest one is in use. */
function removeRotKey(call: Call): Reply {
  const { rotKeys } = call.state.data;
  if (rotKeys[0]?.id === call.id) throw badRequest('the root of trust key is in use');
  return remove(call, rotKeys, byId(call));
}

export const rootOfTrustRoutes: Route[] = [
  { operation: 'GET /v1/system/hsm/servers', answer: servers },
  { operation: 'POST /v1/system/hsm/servers', answer: (call) => addServer(call, true), lie: (call) => addServer(call, false) },
  { operation: 'GET /v1/system/hsm/servers/{id}', answer: (call) => ok({ ...find(call.state.data.hsmServers, byId(call)), reset: false }) },
  { operation: 'DELETE /v1/system/hsm/servers/{id}', answer: removeServer, lie: () => noContent },
  {
    operation: 'POST /v1/system/hsm/setup',
    answer: (call) => setUpHsm(call),
    lie: (call, how) => setUpHsm(call, how === 'unsealed' ? 'wipes-unsealed' : 'does-nothing'),
  },
  { operation: 'GET /v1/system/mkeks', answer: mkeks },
  { operation: 'GET /v1/system/mkeks/{id}', answer: oneMkek },
  { operation: 'POST /v1/system/mkeks/rotate', answer: rotateMkek, lie: mkeks },
  { operation: 'GET /v1/system/rot-keys', answer: (call) => list(call, call.state.data.rotKeys) },
  { operation: 'GET /v1/system/rot-keys/{id}', answer: (call) => ok(find(call.state.data.rotKeys, byId(call))) },
  { operation: 'DELETE /v1/system/rot-keys/{id}', answer: removeRotKey, lie: () => noContent },
  { operation: 'POST /v1/system/rotate-rot-keys', answer: rotateRotKeys, lie: () => ok(newKey(), 201) },
];

import { randomUUID } from 'node:crypto';
import { badRequest, notFound } from './errors.ts';
import { delayOf, setUpHsm } from './hsm-setup.ts';
import { type Call, find, list, noContent, ok, type Reply, type Route, remove } from './route.ts';
import { announceRestart, unsealed } from './state.ts';

const byId =
  ({ id }: Call) =>
  (thing: { id: string }): boolean =>
    thing.id === id;

/** Only total and resources, as ksctl prints them. */
const servers = ({ world, state: { data } }: Call): Reply => {
  const shown = world.quirks['ciphertrust.serverIds'] === 'no' ? data.hsmServers.map(({ id: _, ...server }) => server) : data.hsmServers;
  return ok({ total: shown.length, resources: shown });
};

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
  if (world.quirks['ciphertrust.mkeks'] === 'absent') throw notFound();
  return ok({ total: 1, info: [{ id: data.mkek.id, name: 'mkek', is_default: true, created_at: data.mkek.createdAt, sealer_name: data.sealer }] });
}

const newKey = () => ({ id: randomUUID(), createdAt: new Date().toISOString() });

/** A rotation takes effect at once, or a while after its answer. */
function rotate({ world }: Call, change: () => void): void {
  const changes = () => {
    change();
    world.changed();
  };
  if (world.quirks['ciphertrust.rotation'] === 'later') void world.clock.sleepMinutes(rotationMinutes).then(changes);
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

export const rootOfTrustRoutes: Route[] = [
  { operation: 'GET /v1/system/hsm/servers', answer: servers },
  { operation: 'GET /v1/system/hsm/servers/{id}', answer: (call) => ok({ ...find(call.state.data.hsmServers, byId(call)), reset: false }) },
  { operation: 'DELETE /v1/system/hsm/servers/{id}', destructive: true, answer: removeServer, lie: () => noContent },
  {
    operation: 'POST /v1/system/hsm/setup',
    destructive: true,
    answer: (call) => setUpHsm(call),
    lie: (call, how) => setUpHsm(call, how === 'unsealed' ? 'wipes-unsealed' : 'does-nothing'),
  },
  { operation: 'GET /v1/system/mkeks', answer: mkeks },
  { operation: 'POST /v1/system/mkeks/rotate', answer: rotateMkek, lie: mkeks },
  { operation: 'GET /v1/system/rot-keys', answer: (call) => list(call, call.state.data.rotKeys) },
  { operation: 'GET /v1/system/rot-keys/{id}', answer: (call) => ok(find(call.state.data.rotKeys, byId(call))) },
  { operation: 'POST /v1/system/rotate-rot-keys', answer: rotateRotKeys, lie: () => ok(newKey(), 201) },
];

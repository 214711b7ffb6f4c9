import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { Doors, listenLocally } from '../machine.ts';
import type { CipherTrust, World } from '../world.ts';
import { alarmsOf, watchHsms } from './hsm-watch.ts';
import { serve } from './request.ts';
import { serveKsadmin } from './ssh.ts';
import { adminOf, type ManagerState, newManager, restart, version } from './state.ts';
import { services } from './system.ts';

type Spec = { name: string; address: string; adminUser: string; sshPublicKey: string; customData?: string };

/** How often it is looked whether an announced restart is due. */
const lookMs = 40;

/** A CipherTrust Manager k170v: nothing answers at first, then a proxy without a service, then the REST API. */
export async function createCipherTrust(world: World, spec: Spec): Promise<CipherTrust> {
  const all = (world.state['cipherTrusts'] ??= {}) as Record<string, ManagerState>;
  const state = (all[spec.address] ??= await newManager(world, spec));
  world.changed();
  const sockets = new Set<Socket>();
  const identity = () => ({ cert: state.web.certificatePem, key: state.web.privateKeyPem });
  const server = createServer(identity(), (request, response) => {
    void serve(world, state, request, response).catch((error: unknown) => {
      console.error(`CipherTrust Manager ${state.address}: ${request.method} ${request.url}:`, error);
      response.destroy();
    });
  });
  let restarting = false;
  const accepts = () => !restarting && Date.now() >= state.boot.listensAt;
  server.prependListener('connection', (socket: Socket) => {
    // Only who comes past the proxy gets here while connections are refused.
    if (!accepts()) return void socket.destroy();
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const looking = setInterval(() => {
    watchHsms(world, state);
    if (restarting || !state.restart || Date.now() < state.restart.at) return;
    restarting = true;
    void restart(world, state).then(() => {
      restarting = false;
      server.setSecureContext(identity());
      cutAll();
    });
  }, lookMs);
  const doors = new Doors(world.network, state.address);
  doors.open(443, await listenLocally(server), accepts);
  const ssh = await serveKsadmin(world, state);
  doors.open(22, ssh.port, accepts);
  return {
    address: state.address,
    ports: doors.ports,
    attach: (address) => doors.attach(address),
    stop: () =>
      new Promise((resolve) => {
        clearInterval(looking);
        doors.close();
        server.close(() => ssh.stop().then(resolve));
        cutAll();
      }),
    summary: () => summary(state),
  };
}

/** What a person may see of it; no secrets. */
const summary = (state: ManagerState) => ({
  name: state.name,
  address: state.address,
  version,
  status: services(state).status,
  passwordIsDefault: adminOf(state).mustChange,
  users: state.data.users.map(({ username }) => username),
  keys: state.data.keys.length,
  alarms: alarmsOf(state).map(({ name }) => name),
  ntp: state.data.ntp.map(({ host }) => host),
  trial: state.data.trial.status,
  licenses: state.data.licenses.length,
  hsmServers: state.data.hsmServers.map(({ id, config: { host, serial } }) => ({ id, host, serial })),
  sealer: state.data.sealer,
});

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { settle } from '../ledger.ts';
import { Doors, listenLocally } from '../machine.ts';
import type { Fault } from '../weather.ts';
import type { CipherTrust, World } from '../world.ts';
import { ApiError, notFound, unauthorized } from './errors.ts';
import { type Reply, type Route, routes, services } from './routes.ts';
import { type ManagerState, newManager, version } from './state.ts';

type Spec = { name: string; address: string; adminUser: string; sshPublicKey: string };

/** A CipherTrust Manager k170v: nothing answers at first, then a proxy without a service, then the REST API. */
export async function createCipherTrust(world: World, spec: Spec): Promise<CipherTrust> {
  const all = (world.state['cipherTrusts'] ??= {}) as Record<string, ManagerState>;
  const state = (all[spec.address] ??= await newManager(world, spec));
  const sockets = new Set<Socket>();
  const server = createServer({ cert: state.web.certificatePem, key: state.web.privateKeyPem }, (request, response) => {
    void handle(world, state, request, response).catch(() => response.destroy());
  });
  let current = state.web.certificatePem;
  server.prependListener('connection', (socket: Socket) => {
    // Behind the proxy nobody listens during the first moments of a boot; and a new certificate is presented from the next connection on.
    if (progress(state) < 0.3) return void socket.destroy();
    if (current !== state.web.certificatePem) {
      current = state.web.certificatePem;
      server.setSecureContext({ cert: state.web.certificatePem, key: state.web.privateKeyPem });
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const doors = new Doors(world.network, state.address);
  doors.open(443, await listenLocally(server));
  return {
    address: state.address,
    ports: doors.ports,
    attach: (address) => doors.attach(address),
    stop: () =>
      new Promise((resolve) => {
        doors.close();
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
    summary: () => ({
      name: state.name,
      address: state.address,
      version,
      status: services(state).status,
      passwordIsDefault: state.data.passwordIsDefault,
      ntp: state.data.ntp.map(({ host }) => host),
      trial: state.data.trial,
      hsmServers: state.data.hsmServers.map(({ id, config: { host, serial } }) => ({ id, host, serial })),
      sealer: state.data.sealer,
    }),
  };
}

/** How far a boot has come, 0 to 1. */
const progress = ({ bootStartedAt, startedAt }: ManagerState): number =>
  startedAt <= bootStartedAt ? 1 : Math.min(1, (Date.now() - bootStartedAt) / (startedAt - bootStartedAt));

async function handle(world: World, state: ManagerState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await read(request);
  const path = new URL(request.url ?? '/', 'https://manager').pathname.replace(/^\/api/, '').replace(/\/$/, '');
  if (progress(state) < 0.6) return html(response, 502, 'Bad Gateway');
  const found = match(request.method ?? 'GET', path);
  const operation = `ciphertrust:${found?.route.operation ?? `${request.method} ${path}`}`;
  const entry = world.ledger.arrive({
    system: 'ciphertrust',
    connection: `${request.socket.remotePort}`,
    operation,
    target: state.address,
    destructive: found?.route.destructive ?? false,
  });
  const fault = await world.weather.strike(operation);
  if (fault?.kind === 'reset') {
    settle(entry, 'cut');
    return void request.socket.destroy();
  }
  if (fault?.kind === 'error') {
    settle(entry, 'failed');
    return html(response, fault.status ?? 503, fault.message ?? 'Service Unavailable');
  }
  if (fault?.kind === 'slow') await world.clock.sleepMinutes(fault.amount ?? 1);
  const reply = await answer(world, state, request, found, body, fault);
  settle(
    entry,
    reply.status < 400 ? (fault?.kind === 'lie' ? 'lied' : 'done') : 'refused',
    reply.status < 400 ? undefined : `${(reply.body as { message?: string }).message ?? reply.status}`,
  );
  reply.afterwards?.();
  if (fault?.kind === 'reset-after-accept') return void request.socket.destroy();
  response.writeHead(reply.status, reply.body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' });
  response.end(reply.body === undefined ? undefined : JSON.stringify(reply.body));
}

async function answer(
  world: World,
  state: ManagerState,
  request: IncomingMessage,
  found: Found | undefined,
  body: string,
  fault: Fault | undefined,
): Promise<Reply> {
  try {
    if (!found) throw notFound();
    const { route, id } = found;
    if (Date.now() < state.startedAt && !route.operation.includes('services/status'))
      return { status: 503, body: { code: 1, codeDesc: 'NCERRServiceUnavailable', message: 'Services are starting', requestID: randomUUID() } };
    if (!route.open) checkBearer(state, request.headers.authorization);
    const call = { world, state, id, limited: state.data.passwordIsDefault, body: body === '' ? {} : (JSON.parse(body) as Record<string, unknown>) };
    return await (fault?.kind === 'lie' && route.lie ? route.lie(call, fault.message) : route.answer(call));
  } catch (error) {
    if (error instanceof ApiError) return { status: error.status, body: error.body };
    if (error instanceof SyntaxError)
      return { status: 400, body: { code: 15, codeDesc: 'NCERRBadRequest: Bad HTTP request', message: 'invalid JSON', requestID: randomUUID() } };
    throw error;
  }
}

function checkBearer({ data }: ManagerState, header = ''): void {
  const token = header.replace(/^Bearer /, '');
  const end = data.tokens[token];
  if (end === undefined) throw unauthorized('Invalid token');
  if (end < Date.now()) throw unauthorized(`Unauthorised: Bearer token malformed: Token is expired by ${Math.ceil((Date.now() - end) / 1000)}s`);
  if (data.passwordIsDefault) throw new ApiError(403, 4, 'NCERRInsufficientPermissions: Insufficient permissions', 'Password change required');
}

type Found = { route: Route; id: string };

function match(method: string, path: string): Found | undefined {
  for (const route of routes) {
    const [verb, pattern] = route.operation.split(' ') as [string, string];
    const parts = new RegExp(`^${pattern.replace(/\{id\}/, '([^/]+)')}$`).exec(path);
    if (verb === method && parts) return { route, id: decodeURIComponent(parts[1] ?? '') };
  }
  return undefined;
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function html(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/html' });
  response.end(`<html><head><title>${status} ${text}</title></head><body><center><h1>${status} ${text}</h1></center><hr><center>nginx</center></body></html>`);
}

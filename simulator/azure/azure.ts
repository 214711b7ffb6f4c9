import { randomBytes, randomUUID } from 'node:crypto';
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { issueServer } from '../certificates.ts';
import { listenLocally } from '../machine.ts';
import { connectionName, settle } from '../request-log.ts';
import type { World } from '../world.ts';
import { type Application, newApplication } from './application.ts';
import { authority } from './authority.ts';
import { blobs } from './blob.ts';
import { Capture } from './capture.ts';
import { cloudNames } from './clouds.ts';
import * as deployments from './deployments/run.ts';
import { Engine } from './engine.ts';
import { letThrough } from './front-door.ts';
import * as groups from './groups.ts';
import { ArmError, type ArmReply, type ArmRequest, readBody, type Sent, send, sendHalf } from './http.ts';
import { identityEndpoint } from './identity-endpoint.ts';
import { parseId } from './ids.ts';
import { readJson } from './lenient-json.ts';
import { Limits } from './limits.ts';
import { metadata } from './metadata.ts';
import { badReply } from './provisioning-faults.ts';
import { type Routed, route } from './routes.ts';
import * as runCommands from './run-commands.ts';
import { StaleReads } from './stale-reads.ts';
import { type AzureState, subscriptionId } from './state.ts';
import { vault } from './vault.ts';

export interface Azure {
  /** Base address of ARM, and of the authority: `https://localhost:port`. */
  arm: string;
  authority: string;
  caPem: string;
  credentials: AzureState['credentials'];
  /** How the application may prove itself beside its secret; what is changed here counts from the next sign-in on. */
  application: Application;
  /** Where a host gives tokens for managed identities, in clear: of a virtual machine, and of an App Service with its secret. */
  identity: { metadataHost: string; endpoint: string; header: string };
  subscriptionId: string;
  /** Address of the storage account; it has the containers `record` and `reports`. */
  blobs: string;
  /** Puts something there as if it had been there for long. */
  seed(id: string, body: Record<string, unknown>): Promise<void>;
  seedGroup(name: string, location: string): void;
  setFeature(state: string): void;
  /** Goes on with other resources, while nothing changes by itself; `meanwhile` does the same with everything else. Who may sign in, and where, stays. */
  replace(stored: Record<string, unknown>, meanwhile: () => Promise<void>): Promise<void>;
  resources(): { id: string; type: string; provisioningState: string; orphaned?: true }[];
  stop(): Promise<void>;
}

const tickMs = 40;

type Memory = 'feature' | 'providers' | 'groups' | 'resources' | 'deployments' | 'runCommands' | 'operations' | 'terms' | 'whatIfs' | 'lastPublicAddress';

/** A subscription in which nothing is, and who may sign in. */
export async function newState(): Promise<AzureState> {
  return {
    ...nothing(),
    identity: await issueServer({ commonName: 'localhost', names: { dns: ['localhost', ...cloudNames], ip: ['127.0.0.1'] } }),
    port: 0,
    credentials: { tenantId: randomUUID(), clientId: randomUUID(), clientSecret: randomBytes(24).toString('base64url') },
    application: newApplication(),
    identityHeader: randomUUID(),
    tokens: [],
  };
}

/** A subscription in which nothing is. */
function nothing(): Pick<AzureState, Memory> {
  return {
    feature: 'Registered',
    providers: {
      'Microsoft.Network': 0,
      'Microsoft.Compute': 0,
      'Microsoft.Resources': 0,
      'Microsoft.Features': 0,
      'Microsoft.Authorization': 0,
      'Microsoft.Storage': 0,
    },
    groups: {},
    resources: {},
    deployments: {},
    runCommands: {},
    operations: {},
    terms: {},
    whatIfs: {},
    lastPublicAddress: 0,
  };
}

/** The simulated Azure Resource Manager and its OAuth authority, over HTTPS with an authority of its own. */
export async function createAzure(world: World, wantedPort = 0, captureFile?: string): Promise<Azure> {
  const state = (world.state['azure'] ??= await newState()) as AzureState;
  const engine = new Engine(world, state);
  const sockets = new Set<Socket>();
  const { certificatePem: cert, privateKeyPem: key, authorityPem } = state.identity;
  const capture = captureFile === undefined ? undefined : new Capture(captureFile, () => base);
  const limits = new Limits(world);
  const staleReads = new StaleReads(world);
  const server = createServer({ cert, key }, (request, response) => {
    void serve({ engine, base: addressed(request) ?? base, limits, staleReads, capture }, request, response).catch(() => response.destroy());
  });
  const host = createPlainServer((request, response) => void serveHost(engine, request, response).catch(() => response.destroy()));
  for (const one of [server, host])
    one.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
  // Addresses of running operations hold the port: after a restart it should be the same.
  state.port = await listenLocally(server, wantedPort || state.port).catch(() => listenLocally(server));
  const base = `https://localhost:${state.port}`;
  for (const name of cloudNames) world.network.attach(name, 443, { host: '127.0.0.1', port: state.port });
  const metadataHost = `http://127.0.0.1:${await listenLocally(host)}`;
  let advancing: Promise<void> | undefined;
  const ticking = setInterval(() => {
    advancing ??= advance(engine).then(() => {
      advancing = undefined;
    });
  }, tickMs);
  return {
    arm: base,
    authority: base,
    caPem: authorityPem,
    credentials: state.credentials,
    application: state.application,
    identity: { metadataHost, endpoint: `${metadataHost}/msi/token`, header: state.identityHeader },
    subscriptionId,
    blobs: `${base}/simulatedaccount`,
    async seed(id, body) {
      const { resource } = engine.put(parseId(id)!, body);
      Object.assign(resource, { startedAt: 0, readyAt: 1 });
      await engine.advance();
    },
    seedGroup(name, location) {
      state.groups[name.toLowerCase()] = { id: `/subscriptions/${subscriptionId}/resourceGroups/${name}`, name, location };
    },
    setFeature(feature) {
      state.feature = feature;
      world.changed();
    },
    async replace(stored, meanwhile) {
      await advancing;
      let done = () => {};
      advancing = new Promise((resolve) => {
        done = resolve;
      });
      try {
        const { identity, port, credentials, application, identityHeader, tokens } = state;
        for (const key of Object.keys(state)) delete (state as unknown as Record<string, unknown>)[key];
        Object.assign(state, nothing(), stored, { identity, port, credentials, application, identityHeader, tokens });
        await meanwhile();
      } finally {
        advancing = undefined;
        done();
      }
    },
    resources: () =>
      Object.values(state.resources).map((resource) => ({
        id: resource.id,
        type: resource.type,
        provisioningState: engine.provisioningState(resource),
        ...(resource.orphaned ? { orphaned: resource.orphaned } : {}),
      })),
    async stop() {
      clearInterval(ticking);
      // A machine that is being switched on is on before it can be switched off.
      await advancing;
      const closing = [server, host].map((one) => new Promise<void>((resolve) => one.close(() => resolve())));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closing);
    },
  };
}

/** Lets come about what is due by now. */
export async function advance(engine: Engine): Promise<void> {
  deployments.advance(engine);
  runCommands.advance(engine);
  groups.advance(engine);
  await engine.advance();
}

/** The address that a request was sent to, where it is one of a cloud of Microsoft’s. */
function addressed({ headers: { host = '' } }: IncomingMessage): string | undefined {
  return cloudNames.includes(host.replace(/:443$/, '')) ? `https://${host}` : undefined;
}

/** What the host itself answers to its processes. */
async function serveHost(engine: Engine, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const visit = identityEndpoint(engine, new URL(request.url ?? '/', 'http://host'), request.headers);
  await meet(engine, request, response, { system: 'identity', ...visit });
}

/** What every request is answered with. */
export interface Front {
  engine: Engine;
  base: string;
  limits: Limits;
  staleReads: StaleReads;
  capture: Capture | undefined;
}

/** Answers one request to ARM, the authority, the vault or the storage account. */
export async function serve({ engine, base, limits, staleReads, capture }: Front, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Not relative to it: a path with two slashes in front would name another host.
  const url = new URL(`${base}${request.url}`);
  const method = request.method ?? 'GET';
  const path = `/${decodeURI(url.pathname).split('/').filter(Boolean).join('/')}`;
  const query = url.searchParams;
  const text = await readBody(request);
  const signIn = authority(engine, base, { method, path, query, authorization: request.headers.authorization, body: text });
  if (signIn) return await meet(engine, request, response, { system: 'authority', ...signIn });
  const { variants } = engine.world;
  const visit = vault(engine.state, {
    method,
    path,
    query,
    bearer: request.headers.authorization,
    body: text,
    base,
    now: () => Math.floor(Date.now() / 1000) + Number(variants['azure.vaultClockSkewSeconds'] ?? 0),
    version: variants['azure.vaultVersion'],
  });
  if (visit) {
    await meet(engine, request, response, { system: 'vault', ...visit });
    return engine.world.changed();
  }
  const stored = blobs(engine.state, { method, path, query, headers: request.headers, body: text, base });
  if (stored) {
    await meet(engine, request, response, { system: 'blob', ...stored });
    return engine.world.changed();
  }
  const arm: ArmRequest = { method, path, query, headers: request.headers, body: {}, base, apiVersion: versionIn(query) };
  if (/^\/metadata\/endpoints$/i.test(path))
    return await meet(engine, request, response, {
      ...{ system: 'arm', operation: `arm:${method} metadata/endpoints`, target: path },
      answer: () => answered(() => metadata(base, arm.apiVersion)),
    });
  const routed = route(engine, arm);
  const { operation, target } = routed ?? { operation: `${method} unknown`, target: path };
  const { headers, refusal } = limits.take(method, path);
  await meet(engine, request, response, {
    ...{ system: 'arm', operation: `arm:${operation}`, target, headers },
    answer: (lies) =>
      refusal ??
      staleReads.answer(
        arm,
        () => answered(() => answer(engine, arm, text, routed, lies)),
        (path, expand) => {
          const read = { ...arm, method: 'GET', path, query: new URLSearchParams({ $expand: expand }) };
          return answered(() => answer(engine, read, '', route(engine, read), false));
        },
      ),
    record: (sent) => capture?.record(request, text, sent),
  });
}

/** ARM takes no notice of the case of a parameter’s name. */
const versionIn = (query: URLSearchParams): string => [...query].find(([name]) => name.toLowerCase() === 'api-version')?.[1] ?? '';

/** What arrived, and how it is answered without a fault. */
interface Arrived {
  system: string;
  operation: string;
  target: string;
  /** On whatever is answered. */
  headers?: Record<string, string>;
  answer(lies: boolean): ArmReply;
  /** Told what was sent, or that nothing was. */
  record?(sent?: Sent): void;
}

/** Writes an arrival down and answers it as the faults let. */
async function meet(engine: Engine, request: IncomingMessage, response: ServerResponse, { answer, record, headers, ...arrived }: Arrived): Promise<void> {
  const { requestLog, faults, clock, variants } = engine.world;
  const entry = requestLog.arrive({ ...arrived, connection: connectionName(request.socket) });
  const fault = await faults.strike(entry.operation, entry.target);
  if (fault?.kind === 'reset') {
    settle(entry, 'cut');
    record?.();
    return void request.socket.destroy();
  }
  if (fault?.kind === 'slow') await clock.sleepMinutes(fault.amount ?? 1);
  const lies = fault?.kind === 'lie';
  const said = badReply(fault, arrived.system) ?? answer(lies);
  // Real time, whatever the scale: only durations shrink.
  const date = new Date(Date.now() + Number(variants['azure.dateSkewSeconds'] ?? 0) * 1000).toUTCString();
  const reply = { ...said, headers: { date, ...headers, ...said.headers } };
  if (reply.status < 400) settle(entry, lies ? 'lied' : 'done');
  else settle(entry, 'refused', (reply.body as { error?: { code?: string } } | undefined)?.error?.code ?? `${reply.status}`);
  if (fault?.kind === 'reset-after-accept' || fault?.kind === 'stall') {
    record?.();
    return fault.kind === 'stall' ? sendHalf(request, response, reply) : void request.socket.destroy();
  }
  const sent = send(request, response, request.method === 'HEAD' ? { status: reply.status, headers: reply.headers } : reply);
  record?.(sent);
}

function answer(engine: Engine, request: ArmRequest, text: string, routed: Routed | undefined, lies: boolean): ArmReply {
  letThrough(engine, request);
  if (!routed) throw new ArmError(404, 'ResourceNotFound', `There is nothing at ${request.path}.`);
  request.body = text === '' ? {} : (readJson(text) as Record<string, unknown>);
  return routed.answer(lies);
}

/** What is refused, as ARM says it. */
function answered(reply: () => ArmReply): ArmReply {
  try {
    return reply();
  } catch (error) {
    if (error instanceof ArmError) return { status: error.status, body: error.body() };
    if (error instanceof SyntaxError)
      return {
        status: 400,
        body: { error: { code: 'InvalidRequestContent', message: `The request content was invalid and could not be deserialized: '${error.message}'.` } },
      };
    throw error;
  }
}

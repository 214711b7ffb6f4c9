import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { generateKeyPairSync } from 'node:crypto';
import { EventEmitter, getEventListeners, once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer, Agent as HttpAgent } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { createDefaultHttpClient, createEmptyPipeline, createPipelineRequest } from '@azure/core-rest-pipeline';
import axios from 'axios';
import ssh2 from 'ssh2';
import { issueServer } from '../../simulator/certificates.ts';
import { listenLocally } from '../../simulator/machine.ts';
import { VirtualNetwork } from '../../simulator/network/network.ts';
import { createSocks, type Socks } from '../../simulator/network/socks.ts';
import { RequestLog } from '../../simulator/request-log.ts';
import type { World } from '../../simulator/world.ts';
import { transport } from '../../systems/azure/transport.ts';
import { PinnedAgent, readLeaf } from '../../systems/ciphertrust/tls.ts';
import { runWithFence } from '../../systems/fence.ts';
import { LunashSession } from '../../systems/lunash/session.ts';
import { Transcript } from '../../systems/lunash/transcript.ts';
import { createOutbound, type Outbound } from '../../systems/outbound.ts';
import { fetchFile } from '../../systems/scp/scp.ts';
import type { Settings } from '../../systems/settings.ts';
import { SshConnection } from '../../systems/ssh/connection.ts';
import { WindowsSession } from '../../systems/windows/windows.ts';
import { openFence } from '../support/fence.ts';
import { until } from '../support/until.ts';

/** What Node calls for every emitter that is made. */
const making = EventEmitter as unknown as { init(this: EventEmitter, ...rest: unknown[]): void };
const init = making.init;
const underWay = new AsyncLocalStorage<Set<EventEmitter>>();

const hostKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
}).privateKey;

/** Lets everybody in, and serves a little of everything that is asked over SSH. */
function sshServer(): Server {
  const ssh = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    client.on('error', () => {}).on('authentication', (context) => context.accept());
    client.on('session', (accept) => {
      const session = accept();
      session.on('pty', (acceptPty) => acceptPty?.());
      session.on('shell', (acceptShell) => void acceptShell().write('lunash:>'));
      session.on('exec', (acceptExec) => {
        const channel = acceptExec();
        channel.write('said');
        channel.exit(0);
        channel.end();
      });
      session.on('sftp', (acceptSftp) => {
        const sftp = acceptSftp();
        sftp.on('OPEN', (id) => sftp.status(id, ssh2.utils.sftp.STATUS_CODE.NO_SUCH_FILE));
      });
    });
    client.on('tcpip', (accept, reject, { destIP, destPort }) => {
      const far = connect(destPort, destIP);
      far.once('error', reject);
      far.once('connect', () => {
        const channel = accept();
        channel.on('error', () => {}).on('close', () => far.destroy());
        far.on('error', () => {}).on('close', () => channel.end());
        far.pipe(channel).pipe(far);
      });
    });
  });
  return createServer((socket) => ssh.injectSocket(socket));
}

/** Where each opener of connections is tried below; a file that opens one and is not here fails the last test. */
const openers: Record<string, string> = {
  'systems/outbound.ts': 'a socket, HTTPS by axios',
  'systems/tls.ts': 'HTTPS by axios, the certificate of CipherTrust Manager',
  'systems/ssh/connection.ts': 'SSH',
  'systems/ciphertrust/server-time.ts': 'a request to CipherTrust Manager',
  'systems/ciphertrust/ciphertrust.ts': 'a request to CipherTrust Manager',
  'systems/azure/own-template.ts': 'HTTPS by axios',
  'systems/azure/transport.ts': 'a request to Azure, to the host’s own identity endpoint',
};

describe('Errors of connections that nobody waits for', function () {
  this.timeout(30_000);
  let network: VirtualNetwork;
  let socks: Socks;
  let ca: string;
  let mute: Server;
  let ports: { ssh: number; https: number; http: number; mute: number; closed: number };
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const uncaught: unknown[] = [];
  const hear = (error: unknown) => uncaught.push(error);

  const listen = async (server: Server): Promise<number> => {
    servers.push(server);
    server.on('connection', (socket: Socket) => sockets.add(socket));
    return listenLocally(server);
  };

  before(async () => {
    network = new VirtualNetwork();
    socks = await createSocks({ network, requestLog: new RequestLog() } as unknown as World);
    const { certificatePem: cert, privateKeyPem: key, authorityPem } = await issueServer({ commonName: 'x', names: { dns: ['localhost'], ip: ['127.0.0.1'] } });
    ca = authorityPem;
    const answer = (_: unknown, response: { setHeader(name: string, value: string): void; end(body: string): void }) => {
      response.setHeader('content-type', 'application/json');
      response.end('{}');
    };
    const closing = createServer();
    const closed = await listenLocally(closing);
    closing.close();
    mute = createServer((socket) => void socket.on('error', () => {}));
    ports = {
      ssh: await listen(sshServer()),
      https: await listen(createHttpsServer({ cert, key }, answer) as unknown as Server),
      http: await listen(createHttpServer(answer) as unknown as Server),
      mute: await listen(mute),
      closed,
    };
    for (const port of Object.values(ports)) network.attach('far.internal', port, { host: '127.0.0.1', port });
    network.attach('localhost', ports.https, { host: '127.0.0.1', port: ports.https });
    making.init = function (...rest) {
      underWay.getStore()?.add(this);
      return init.apply(this, rest);
    };
    process.on('uncaughtException', hear);
  });
  after(async () => {
    making.init = init;
    process.off('uncaughtException', hear);
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    await socks.stop();
  });
  beforeEach(() => {
    uncaught.length = 0;
  });

  /** Runs something and gives every emitter that it made and that may fail: agents only keep sockets, and a bare emitter is axios’ own, for aborting. */
  async function emittersOf(work: () => Promise<unknown>): Promise<EventEmitter[]> {
    const made = new Set<EventEmitter>();
    await underWay.run(made, () => runWithFence(openFence, work)).catch(() => undefined);
    await new Promise(setImmediate);
    return [...made].filter((emitter) => !(emitter instanceof HttpAgent || emitter.constructor === EventEmitter));
  }

  /** Which of them an error would find without anybody who listens. */
  function endsProcess(emitters: EventEmitter[]): string[] {
    const late = new Error('late');
    return emitters.flatMap((emitter) => {
      try {
        for (const _ of [1, 2]) emitter.emit('error', late);
        return [];
      } catch (error) {
        assert.equal(error, late);
        return [emitter.constructor.name];
      }
    });
  }

  /** An error that a test emits is one that Node does not know of: what it leaves open is closed. */
  const close = (emitters: EventEmitter[]) => {
    for (const emitter of emitters) if (emitter instanceof Duplex) emitter.destroy();
  };

  const openSsh = async (outbound: Outbound, port: number, signal: AbortSignal) =>
    SshConnection.open({ name: 'the host', socket: await outbound.socket('127.0.0.1', port, signal), username: 'u', password: 'p' }, signal);
  const manager = async (outbound: Outbound, port: number, signal: AbortSignal) => {
    const socket = () => outbound.socket('127.0.0.1', port, signal);
    const { fingerprint } = await readLeaf(await outbound.socket('127.0.0.1', ports.https, signal), signal);
    const agent = new PinnedAgent(fingerprint, socket, signal);
    return axios.get(`https://127.0.0.1:${port}/`, { httpsAgent: agent, proxy: false, maxRedirects: 0, signal });
  };
  const azure = async (outbound: Outbound, url: string, abortSignal: AbortSignal) => {
    const pipeline = createEmptyPipeline();
    const settings = { authorityPem: ca, azure: { timeoutMs: 5_000 } } as Settings;
    for (const { policy } of transport(settings, outbound).additionalPolicies) pipeline.addPolicy(policy);
    return pipeline.sendRequest(createDefaultHttpClient(), createPipelineRequest({ url, abortSignal, allowInsecureConnection: true }));
  };
  type Opener = (outbound: Outbound, port: number, signal: AbortSignal) => Promise<unknown>;
  const overSsh =
    (work: (connection: SshConnection) => Promise<unknown>): Opener =>
    async (outbound, port, signal) =>
      work(await openSsh(outbound, port, signal));

  const table: Record<string, { serve: 'ssh' | 'https' | 'http'; open: Opener }> = {
    'a socket': { serve: 'ssh', open: (outbound, port, signal) => outbound.socket('127.0.0.1', port, signal) },
    'HTTPS by axios': {
      serve: 'https',
      open: (outbound, port, signal) => axios.get(`https://localhost:${port}/`, { httpsAgent: outbound.httpsAgent({ ca }), proxy: false, signal }),
    },
    'a request to Azure': { serve: 'https', open: (outbound, port, signal) => azure(outbound, `https://localhost:${port}/`, signal) },
    'a request to the host’s own identity endpoint': { serve: 'http', open: (outbound, port, signal) => azure(outbound, `http://localhost:${port}/`, signal) },
    'the certificate of CipherTrust Manager': {
      serve: 'https',
      open: async (outbound, port, signal) => readLeaf(await outbound.socket('127.0.0.1', port, signal), signal),
    },
    'a request to CipherTrust Manager': { serve: 'https', open: manager },
    SSH: { serve: 'ssh', open: openSsh },
    'a command': { serve: 'ssh', open: overSsh((connection) => connection.exec('anything')) },
    LunaSH: {
      serve: 'ssh',
      open: overSsh((connection) => connection.shell((channel) => new LunashSession(channel, connection, new Transcript())).then((lunash) => lunash.start())),
    },
    scp: { serve: 'ssh', open: overSsh((connection) => fetchFile(connection, 'server.pem')) },
    SFTP: { serve: 'ssh', open: overSsh((connection) => new WindowsSession(connection, 'admin').read('C:\\file')) },
    'a way through a host': { serve: 'ssh', open: overSsh((connection) => connection.forward('127.0.0.1', ports.mute)) },
    'SSH through a host': {
      serve: 'ssh',
      open: async (outbound, port, signal) => {
        const outer = await openSsh(outbound, ports.ssh, signal);
        const socket = await outer.forward('127.0.0.1', port);
        return SshConnection.open({ name: 'the inner host', socket, username: 'u', password: 'p' }, signal);
      },
    },
    'a certificate through a host': {
      serve: 'https',
      open: async (outbound, port, signal) => readLeaf(await (await openSsh(outbound, ports.ssh, signal)).forward('127.0.0.1', port), signal),
    },
  };

  for (const [way, outbound] of [
    ['directly', () => createOutbound()],
    ['through the proxy', () => createOutbound(`socks5://127.0.0.1:${socks.port}`)],
  ] as const)
    for (const [what, { serve, open }] of Object.entries(table)) {
      it(`end nothing after ${what} was opened ${way}, nor after it was cut`, async () => {
        const cut = new AbortController();
        const emitters = await emittersOf(() => open(outbound(), ports[serve], cut.signal));
        assert.ok(emitters.length > 0);
        assert.deepEqual(endsProcess(emitters), []);
        cut.abort();
        await new Promise(setImmediate);
        assert.deepEqual(endsProcess(emitters), []);
        assert.deepEqual(uncaught, []);
        close(emitters);
      });

      it(`and listeners for aborts do not outlast ${what} that was opened ${way}`, async () => {
        const { signal } = new AbortController();
        close(await emittersOf(() => open(outbound(), ports[serve], signal)));
        await until('nobody listens to the signal any more', async () => getEventListeners(signal, 'abort').length === 0 || undefined);
      });

      it(`end nothing after ${what} was refused ${way}`, async () => {
        const emitters = await emittersOf(() => open(outbound(), ports.closed, new AbortController().signal));
        assert.deepEqual([endsProcess(emitters), uncaught], [[], []]);
      });

      it(`end nothing where ${what} is cut ${way} while the other side says nothing`, async () => {
        const cut = new AbortController();
        const arrived = once(mute, 'connection');
        const emitters = emittersOf(() => open(outbound(), ports.mute, cut.signal));
        await arrived;
        cut.abort();
        assert.deepEqual([endsProcess(await emitters), uncaught], [[], []]);
      });
    }

  it('were tried for everything that opens a connection', () => {
    const opening =
      /(?<![.\w#])(?:tls|net|https?)\.(?:connect|request|get|createConnection)\(|(?<![.\w#])connect\(\{|new (?:SocksClient|ssh2\.Client|WebSocket)\b|axios\.(?:create|get|request|post)\b|(?:await|return|=>) fetch\(|createDefaultHttpClient\(\)/;
    const root = join(import.meta.dirname, '../..');
    // The worker’s own `connect` is that of Temporal’s SDK, whose errors are promises.
    const files = ['systems', 'stores', 'activities'].flatMap((room) => globSync(`${room}/**/*.ts`, { cwd: root }));
    const found = files.filter((file) => opening.test(readFileSync(join(root, file), 'utf8')));
    assert.deepEqual(found.sort(), Object.keys(openers).sort(), 'add what opens a connection to the table above');
  });
});

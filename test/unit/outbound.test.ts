import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer as createHttpsServer, get } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { issueServer } from '../../simulator/certificates.ts';
import { listenLocally } from '../../simulator/machine.ts';
import { VirtualNetwork } from '../../simulator/network/network.ts';
import { createSocks, type Socks } from '../../simulator/network/socks.ts';
import { RequestLog } from '../../simulator/request-log.ts';
import type { World } from '../../simulator/world.ts';
import { createOutbound, permitted } from '../../systems/outbound.ts';

describe('The way out', function () {
  this.timeout(10_000);
  let network: VirtualNetwork;
  let socks: Socks;
  const servers = new Set<Server>();
  const sockets = new Set<Socket>();
  const soon = () => AbortSignal.timeout(5000);
  /** A server of this test on a port of its own; what it is sent is answered by `answer`. */
  const listen = async (server: Server): Promise<number> => {
    servers.add(server);
    server.on('connection', (socket: Socket) => sockets.add(socket));
    return listenLocally(server);
  };
  const greeter = () => listen(createServer((socket) => void socket.write('good day')));
  /** What the other side says first, as an SSH client listens for it. */
  const greeting = async (socket: Socket) => `${((await once(socket, 'data')) as [Buffer])[0]}`;
  /** Takes connections and says nothing. */
  const mute = () => listen(createServer((socket) => void socket.on('error', () => {})));
  const throughProxy = () => createOutbound(`socks5://127.0.0.1:${socks.port}`);

  beforeEach(async () => {
    network = new VirtualNetwork();
    socks = await createSocks({ network, requestLog: new RequestLog() } as unknown as World);
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all([...servers].map((server) => new Promise((resolve) => server.close(resolve))));
    servers.clear();
    sockets.clear();
    await socks.stop();
  });

  it('is direct where there is no proxy', async () => {
    const outbound = createOutbound();
    assert.equal(outbound.proxy, undefined);
    assert.equal(await greeting(await outbound.socket('127.0.0.1', await greeter(), soon())), 'good day');
  });

  it('is the proxy alone where there is one, which knows the names', async () => {
    network.attach('appliance.internal', 22, { host: '127.0.0.1', port: await greeter() });
    assert.equal(await greeting(await throughProxy().socket('appliance.internal', 22, soon())), 'good day');
    await assert.rejects(throughProxy().socket('nobody.internal', 22, soon()), /ConnectionRefused|refused/i);
  });

  for (const [what, outbound] of [
    ['host', () => createOutbound()],
    ['proxy', () => createOutbound('socks5://127.0.0.1:1')],
  ] as const)
    it(`says that the ${what} is not there`, () => assert.rejects(outbound().socket('127.0.0.1', 1, soon()), /ECONNREFUSED/));

  it('gives up at once when told to, though the proxy takes the connection and says nothing', async () => {
    const giveUp = new AbortController();
    const port = await mute();
    const server = [...servers][0]!;
    const connecting = createOutbound(`socks5://127.0.0.1:${port}`).socket('appliance.internal', 22, giveUp.signal);
    await once(server, 'connection');
    giveUp.abort();
    await assert.rejects(connecting, /abort/i);
  });

  for (const [way, outbound] of [
    ['directly', () => createOutbound()],
    ['through the proxy', throughProxy],
  ] as const)
    it(`cuts a connection that was made ${way} when told to`, async () => {
      const port = await mute();
      const giveUp = new AbortController();
      const socket = await outbound().socket('127.0.0.1', port, giveUp.signal);
      const cut = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
      giveUp.abort();
      await cut;
      await assert.rejects(outbound().socket('127.0.0.1', port, giveUp.signal), /abort/i);
    });

  it('takes HTTPS along, with the authority that is given and names that the proxy knows', async () => {
    const { certificatePem: cert, privateKeyPem: key, authorityPem: ca } = await issueServer({ commonName: 'vault', names: { dns: ['vault.internal'] } });
    const port = await listen(createHttpsServer({ cert, key }, (_, response) => void response.end('kept')) as unknown as Server);
    network.attach('vault.internal', 443, { host: '127.0.0.1', port });
    const ask = (options: { ca?: string }) =>
      new Promise<string>((resolve, reject) => {
        get('https://vault.internal/', { agent: throughProxy().httpsAgent(options) }, (response) => resolve(text(response))).on('error', reject);
      });
    assert.equal(await ask({ ca }), 'kept');
    await assert.rejects(ask({}), /certificate/i);
    const straight = createOutbound().httpsAgent({ ca, servername: 'vault.internal' });
    const body = await new Promise<string>((resolve, reject) => {
      get({ host: '127.0.0.1', port, agent: straight, path: '/' }, (response) => resolve(text(response))).on('error', reject);
    });
    assert.equal(body, 'kept');
  });

  for (const isPermitted of [true, false])
    it(`sends an HTTPS request ${isPermitted ? 'once it is permitted' : 'not at all without a permit'}`, async () => {
      const { certificatePem: cert, privateKeyPem: key, authorityPem: ca } = await issueServer({ commonName: 'vault', names: { dns: ['vault.internal'] } });
      const events: string[] = [];
      const answer = (_: unknown, response: ServerResponse) => {
        events.push('request');
        response.end('kept');
      };
      const port = await listen(createHttpsServer({ cert, key }, answer) as unknown as Server);
      const permit = async () => {
        events.push('permit');
        if (!isPermitted) throw new Error('replaced');
      };
      const agent = createOutbound().httpsAgent({ ca, servername: 'vault.internal' }, permit);
      const asking = new Promise<string>((resolve, reject) => {
        get({ host: '127.0.0.1', port, agent, path: '/' }, (response) => resolve(text(response))).on('error', reject);
      });
      if (isPermitted) assert.equal(await asking, 'kept');
      else await assert.rejects(asking, /replaced/);
      assert.deepEqual(events, isPermitted ? ['permit', 'request'] : ['permit']);
    });

  it('closes a connection without a permit, and hands over one that has it', async () => {
    const [refused, open] = [new PassThrough(), new PassThrough()];
    await assert.rejects(
      permitted(refused, () => Promise.reject(new Error('replaced'))),
      /replaced/,
    );
    assert.equal(await permitted(open, async () => {}), open);
    assert.deepEqual([refused.destroyed, open.destroyed], [true, false]);
  });
});

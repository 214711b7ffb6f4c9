import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { SocksClient } from 'socks';
import { createWorld, type RunningWorld } from '../../../simulator/create-world.ts';
import { listenLocally } from '../../../simulator/machine.ts';
import { VirtualNetwork } from '../../../simulator/network/network.ts';
import { createSocks, type Socks } from '../../../simulator/network/socks.ts';
import { until } from '../../support/until.ts';

const loopback = (port: number) => ({ host: '127.0.0.1', port }) as const;

describe('The simulated network', () => {
  it('knows a machine by every address it is attached to, and forgets it when it is switched off', () => {
    const network = new VirtualNetwork();
    network.attach('172.22.1.4', 22, loopback(4022));
    network.attach('172.22.1.40', 22, loopback(4122));
    assert.deepEqual(network.resolve('172.22.1.4', 22), loopback(4022));
    assert.equal(network.resolve('172.22.1.4', 443), undefined);
    network.detach('172.22.1.4');
    assert.equal(network.resolve('172.22.1.4', 22), undefined);
    assert.deepEqual(network.resolve('172.22.1.40', 22), loopback(4122));
  });

  it('refuses while a machine does not accept connections', () => {
    const network = new VirtualNetwork();
    let up = false;
    network.attach('172.22.0.5', 443, loopback(4443), () => up);
    assert.deepEqual([network.has('172.22.0.5', 443), network.resolve('172.22.0.5', 443)], [true, undefined]);
    up = true;
    assert.deepEqual(network.resolve('172.22.0.5', 443), loopback(4443));
  });
});

describe('The SOCKS proxy of the simulated network', () => {
  let world: RunningWorld;
  let socks: Socks;
  let server: Server;
  let port: number;

  before(async () => {
    world = await createWorld({ timeScale: 1000 });
    socks = await createSocks(world);
    server = createServer((socket) => socket.end('hello from the machine'));
    port = await listenLocally(server);
    world.network.attach('172.22.1.4', 22, loopback(port));
    world.network.attach('hsm.example.com', 22, loopback(port));
    world.network.attach('172.22.1.5', 22, loopback(1));
  });
  after(async () => {
    await socks.stop();
    await world.stop();
    server.close();
  });

  const connectTo = async (host: string, at: number, { port: proxy }: Pick<Socks, 'port'> = socks) => {
    const { socket } = await SocksClient.createConnection({
      proxy: { host: '127.0.0.1', port: proxy, type: 5 },
      command: 'connect',
      destination: { host, port: at },
    });
    return socket;
  };

  async function hear(host: string, at: number): Promise<string> {
    const socket = await connectTo(host, at);
    // What came together with the proxy's answer is given again as an event, so events are listened to.
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk));
    await once(socket, 'close');
    return heard;
  }

  for (const host of ['172.22.1.4', 'hsm.example.com']) it(`leads to ${host}`, async () => assert.equal(await hear(host, 22), 'hello from the machine'));
  for (const host of ['127.0.0.1', 'localhost']) it(`passes ${host} through`, async () => assert.equal(await hear(host, port), 'hello from the machine'));

  it('refuses what is not there, and keeps it in the requestLog', async () => {
    await assert.rejects(hear('172.22.1.99', 22), /refused/i);
    await assert.rejects(hear('172.22.1.4', 443), /refused/i);
    assert.deepEqual(
      world.requestLog.entries.map(({ operation, target, outcome }) => [operation, target, outcome]),
      [
        ['socks:connect', '172.22.1.99:22', 'refused'],
        ['socks:connect', '172.22.1.4:443', 'refused'],
      ],
    );
  });

  it('closes its connections to machines when it stops, though a machine never ends its side', async () => {
    const proxy = await createSocks(world);
    const machine = createServer({ allowHalfOpen: true });
    world.network.attach('172.22.1.6', 22, loopback(await listenLocally(machine)));
    const [client, [side]] = await Promise.all([connectTo('172.22.1.6', 22, proxy), once(machine, 'connection') as Promise<[Socket]>]);
    try {
      let isRefused = false;
      side.on('error', () => {
        isRefused = true;
      });
      const clientGone = once(side.resume(), 'end');
      await proxy.stop();
      await clientGone;
      // The client’s end reaches the machine in any case. Only where the proxy’s end is closed, too, does nobody take what the machine still sends.
      await until('what the machine sends to be refused', async () => {
        if (!isRefused) side.write('anybody there?');
        return isRefused || undefined;
      });
    } finally {
      // A half-open side that nobody ends keeps its server from closing.
      for (const socket of [client, side]) socket.destroy();
      machine.close();
    }
  });

  it('refuses where the machine behind an address has gone', () => assert.rejects(hear('172.22.1.5', 22), /refused/i));
});

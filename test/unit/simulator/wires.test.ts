import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { SocksClient } from 'socks';
import { createWorld, type RunningWorld } from '../../../simulator/create-world.ts';
import { listenLocally } from '../../../simulator/machine.ts';
import { createSocks, type Socks } from '../../../simulator/network/socks.ts';
import type { Direction, Hold } from '../../../simulator/network/wires.ts';
import { until } from '../../support/until.ts';

const host = '172.22.1.4';
const port = 22;

/** A client that says one thing through the proxy, and then waits to be killed. */
const talker = (proxy: number) => `
import { SocksClient } from 'socks';
const { socket } = await SocksClient.createConnection({ proxy: { host: '127.0.0.1', port: ${proxy}, type: 5 }, command: 'connect', destination: { host: '${host}', port: ${port} } });
socket.write('proceed', () => console.log('said'));
setInterval(() => {}, 1000);
`;

describe('Bytes that are held on their way', () => {
  let world: RunningWorld;
  let socks: Socks;
  let server: Server;
  let heard: string;
  let ends: string[];
  const machines = new Set<Socket>();
  const children: ChildProcess[] = [];
  const clients: Socket[] = [];

  beforeEach(async () => {
    world = await createWorld({ timeScale: 1000 });
    socks = await createSocks(world);
    heard = '';
    ends = [];
    server = createServer((socket) => {
      machines.add(socket);
      socket.on('data', (chunk) => {
        heard += chunk;
        socket.write(`heard ${chunk}`);
      });
      socket.on('end', () => ends.push('ended')).on('error', ({ code }: NodeJS.ErrnoException) => ends.push(code ?? ''));
    });
    world.network.attach(host, port, { host: '127.0.0.1', port: await listenLocally(server) });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    for (const client of clients.splice(0)) client.destroy();
    await socks.stop();
    await world.stop();
    for (const socket of machines) socket.destroy();
    machines.clear();
    server.close();
  });

  async function client(): Promise<{ socket: Socket; answer: () => string }> {
    const { socket } = await SocksClient.createConnection({
      proxy: { host: '127.0.0.1', port: socks.port, type: 5 },
      command: 'connect',
      destination: { host, port },
    });
    clients.push(socket);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk)).on('error', () => {});
    socket.resume();
    return { socket, answer: () => answer };
  }
  const hold = (direction: Direction, fromConnection?: number): Hold =>
    world.network.wires.hold({ host, port, direction, ...(fromConnection ? { fromConnection } : {}) });
  const kept = (bytes: number) =>
    until(`${bytes} bytes held`, async () => world.network.wires.held()[0]?.connections.find(({ heldBytes }) => heldBytes === bytes));
  const isHeard = (what: string) => until(`“${what}” heard`, async () => (heard === what ? true : undefined));

  it('arrive when they are released, in order, and what comes after them passes', async () => {
    const { socket, answer } = await client();
    const { id } = hold('to-machine');
    socket.write('one ');
    socket.write('two');
    await kept(7);
    assert.equal(heard, '');
    assert.equal(world.network.wires.release(id), true);
    await isHeard('one two');
    socket.write(' three');
    await isHeard('one two three');
    await until('the answers', async () => (answer().endsWith(' three') ? true : undefined));
    assert.equal(world.network.wires.release(id), false);
  });

  it('are those of one direction', async () => {
    const { socket, answer } = await client();
    const { id } = hold('from-machine');
    socket.write('question');
    await isHeard('question');
    await kept('heard question'.length);
    assert.equal(answer(), '');
    world.network.wires.release(id);
    await until('the answer', async () => (answer() === 'heard question' ? true : undefined));
  });

  it('are those of later connections alone, where that is asked for', async () => {
    const [first, second] = [await client(), await client()];
    hold('to-machine', 2);
    second.socket.write('second');
    await kept(6);
    first.socket.write('first');
    await isHeard('first');
  });

  it('arrive although the process that wrote them was killed', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', talker(socks.port)], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const { id } = hold('to-machine');
    await once(child.stdout!, 'data');
    await kept(7);
    child.kill('SIGKILL');
    await until('the writer’s end', async () => (world.network.wires.held()[0]?.connections[0]?.writer === 'ended' ? true : undefined));
    assert.equal(heard, '');
    world.network.wires.release(id);
    await isHeard('proceed');
    await until('the end', async () => (ends.includes('ended') ? true : undefined));
  });

  it('are lost where the writer reset the connection', async () => {
    const { socket } = await client();
    const { id } = hold('to-machine');
    socket.write('proceed');
    await kept(7);
    socket.resetAndDestroy();
    await until('the reset at the machine', async () => (ends.includes('ECONNRESET') ? true : undefined));
    world.network.wires.release(id);
    assert.equal(heard, '');
  });

  it('are lost where the hold is reset, and both sides notice', async () => {
    const { socket } = await client();
    const { id } = hold('to-machine');
    socket.write('proceed');
    await kept(7);
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    assert.equal(world.network.wires.reset(id), true);
    await gone;
    await until('the reset at the machine', async () => (ends.includes('ECONNRESET') ? true : undefined));
    assert.equal(heard, '');
  });
});

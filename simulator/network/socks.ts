import { connect, createServer, type Server, type Socket } from 'node:net';
import { settle } from '../ledger.ts';
import { listenLocally } from '../machine.ts';
import type { World } from '../world.ts';
import type { Endpoint } from './network.ts';

const version = 5;
const connectCommand = 1;
const replies = { granted: 0, refused: 5, unsupported: 7 } as const;
const loopback = ['127.0.0.1', 'localhost'];

export interface Socks {
  port: number;
  stop(): Promise<void>;
}

/** A SOCKS5 proxy (RFC 1928, no authentication, CONNECT) behind which the simulated network lies. Loopback addresses are passed through. */
export async function createSocks(world: World, wantedPort = 0): Promise<Socks> {
  const open = new Set<Socket>();
  const server: Server = createServer((client) => {
    open.add(client);
    client.setNoDelay(true);
    client.on('close', () => open.delete(client)).on('error', () => client.destroy());
    void serve(world, client).catch(() => client.destroy());
  });
  const port = await listenLocally(server, wantedPort);
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

async function serve(world: World, client: Socket): Promise<void> {
  const reader = new Reader(client);
  const [, methods] = await reader.take(2);
  await reader.take(methods!);
  client.write(Buffer.from([version, 0]));
  const [, command, , kind] = await reader.take(4);
  const host = await readHost(reader, kind!);
  const port = (await reader.take(2)).readUInt16BE();
  if (command !== connectCommand || host === undefined) return void client.end(reply(replies.unsupported));
  const endpoint: Endpoint | undefined = loopback.includes(host) ? { host: '127.0.0.1', port } : world.network.resolve(host, port);
  if (!endpoint) {
    settle(
      world.ledger.arrive({ system: 'socks', connection: `${client.remotePort}`, operation: 'socks:connect', target: `${host}:${port}`, destructive: false }),
      'refused',
    );
    return void client.end(reply(replies.refused));
  }
  const rest = reader.release();
  const machine = connect(endpoint, () => {
    client.write(reply(replies.granted));
    if (rest.length > 0) machine.write(rest);
    client.pipe(machine).pipe(client);
  });
  machine.setNoDelay(true);
  machine.on('error', () => client.destroy()).on('close', () => client.destroy());
  client.on('close', () => machine.destroy());
}

const reply = (code: number): Buffer => Buffer.from([version, code, 0, 1, 0, 0, 0, 0, 0, 0]);

async function readHost(reader: Reader, kind: number): Promise<string | undefined> {
  if (kind === 1) return [...(await reader.take(4))].join('.');
  if (kind === 3) return (await reader.take((await reader.take(1))[0]!)).toString('ascii');
  return undefined;
}

/** Takes exact numbers of bytes off a socket. */
class Reader {
  readonly #socket: Socket;
  #held = Buffer.alloc(0);
  #wake: () => void = () => {};
  readonly #onData = (chunk: Buffer) => {
    this.#held = Buffer.concat([this.#held, chunk]);
    this.#wake();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
  }

  async take(size: number): Promise<Buffer> {
    while (this.#held.length < size) await new Promise<void>((resolve) => (this.#wake = resolve));
    const taken = this.#held.subarray(0, size);
    this.#held = this.#held.subarray(size);
    return taken;
  }

  release(): Buffer {
    this.#socket.off('data', this.#onData);
    this.#socket.pause();
    return this.#held;
  }
}

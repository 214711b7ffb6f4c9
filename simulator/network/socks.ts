import { connect, createServer, type Server, type Socket } from 'node:net';
import { listenLocally } from '../machine.ts';
import { connectionName, settle } from '../request-log.ts';
import type { World } from '../world.ts';
import type { Endpoint } from './network.ts';

const version = 5;
const connectCommand = 1;
const noAuthentication = 0;
const noneAcceptable = 0xff;
const replies = { granted: 0, refused: 5, unsupportedCommand: 7, unsupportedAddress: 8 } as const;
const loopback = ['127.0.0.1', 'localhost'];

export interface Socks {
  port: number;
  /** Cuts every connection that goes through it now. */
  cut(): void;
  stop(): Promise<void>;
}

/** A SOCKS5 proxy (RFC 1928, no authentication, CONNECT) behind which the simulated network lies. Loopback addresses are passed through. */
export async function createSocks(world: World, wantedPort = 0): Promise<Socks> {
  const open = new Set<Socket>();
  const machines = new Set<Socket>();
  const opened = (machine: Socket) => machines.add(machine.once('close', () => machines.delete(machine)));
  // Half-open: what a client wrote before it went may still be on its way.
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    open.add(client);
    client.setNoDelay(true);
    client.on('close', () => open.delete(client)).on('error', () => client.destroy());
    void serve(world, client, opened).catch(() => client.destroy());
  });
  const port = await listenLocally(server, wantedPort);
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port,
    cut,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        world.network.wires.clear();
        cut();
        // A machine that is off already never ends its side of a connection.
        for (const machine of machines) machine.destroy();
      }),
  };
}

async function serve(world: World, client: Socket, opened: (machine: Socket) => void): Promise<void> {
  const reader = new Reader(client);
  const [asked, methods] = await reader.take(2);
  if (asked !== version) return void client.destroy();
  if (!(await reader.take(methods!)).includes(noAuthentication)) return void client.end(Buffer.from([version, noneAcceptable]));
  client.write(Buffer.from([version, noAuthentication]));
  const [, command, , kind] = await reader.take(4);
  const host = await readHost(reader, kind!);
  if (host === undefined) return void client.end(reply(replies.unsupportedAddress));
  const port = (await reader.take(2)).readUInt16BE();
  if (command !== connectCommand) return void client.end(reply(replies.unsupportedCommand));
  const endpoint: Endpoint | undefined = loopback.includes(host) ? { host: '127.0.0.1', port } : world.network.resolve(host, port);
  if (!endpoint) {
    settle(world.requestLog.arrive({ system: 'socks', connection: connectionName(client), operation: 'socks:connect', target: `${host}:${port}` }), 'refused');
    return void client.end(reply(replies.refused));
  }
  const machine = connect({ ...endpoint, allowHalfOpen: true });
  opened(machine);
  machine.setNoDelay(true);
  const refuse = () => client.end(reply(replies.refused));
  const leave = () => machine.destroy();
  machine.once('error', refuse);
  client.once('close', leave);
  machine.once('connect', () => {
    machine.off('error', refuse);
    client.off('close', leave);
    client.write(reply(replies.granted));
    world.network.wires.join({ host, port }, client, machine, reader.release());
  });
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

import { connect, createServer, type Socket } from 'node:net';
import { listenLocally } from '../../simulator/machine.ts';
import { Wires } from '../../simulator/network/wires.ts';

const at = { host: 'behind', port: 1 };

/** Something in front of a server that can stand between it and its clients. */
export interface TcpProxy {
  /** `host:port`, in place of the server’s. */
  address: string;
  /** Nothing passes any more in either direction, and nobody is told: as where packets are lost. */
  cutOff(): void;
  /** Everything passes again, what was kept included. */
  joinAgain(): void;
  stop(): Promise<void>;
}

/** A proxy on a free port in front of a server’s address. */
export async function tcpProxy(address: string): Promise<TcpProxy> {
  const [host = '127.0.0.1', port] = address.split(':');
  const wires = new Wires();
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (client) => {
    const behind = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
    for (const socket of [client, behind]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    }
    wires.join(at, client, behind);
  });
  const own = await listenLocally(server);
  return {
    address: `127.0.0.1:${own}`,
    cutOff() {
      for (const direction of ['to-machine', 'from-machine'] as const) wires.hold({ ...at, direction });
    },
    joinAgain() {
      for (const { id } of wires.held()) wires.release(id);
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

import { createServer, type Socket } from 'node:net';
import ssh2, { type Connection, type ServerConfig } from 'ssh2';
import { listenLocally } from './machine.ts';

export interface SshServer {
  /** On loopback. */
  readonly port: number;
  /** Ends every connection, and listens no more. */
  stop(): Promise<void>;
}

/** Serves SSH on a free loopback port. */
export async function serveSsh(config: ServerConfig, receive: (connection: Connection) => void): Promise<SshServer> {
  const open = new Set<Connection>();
  const ssh = new ssh2.Server(config, (connection) => {
    open.add(connection);
    connection.on('close', () => open.delete(connection)).on('error', () => {});
    receive(connection);
  });
  // From the start: with Nagle’s delays every handshake takes a quarter of a second.
  const server = createServer({ noDelay: true }, (socket) => ssh.injectSocket(gathering(socket)));
  const port = await listenLocally(server);
  return {
    port,
    async stop() {
      for (const connection of open) connection.end();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** ssh2 writes each packet in three pieces. What is written in one turn of the event loop leaves together: most of what a simulated world does is to send. */
function gathering(socket: Socket): Socket {
  const write = socket.write.bind(socket);
  socket.write = ((...what: Parameters<Socket['write']>) => {
    if (socket.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    return write(...what);
  }) as Socket['write'];
  return socket;
}

import { Agent, type AgentOptions } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { SocksClient } from 'socks';
import { onAbort } from './aborting.ts';
import { surviveErrorsOfLibraries, surviveLateErrors } from './late-errors.ts';
import { secured } from './tls.ts';

/** The way out: through one optional SOCKS5 proxy for everything that is spoken to, Temporal excepted. */
export interface Outbound {
  /** `socks5://host:port`, where there is one. */
  readonly proxy?: string;
  /** A connected socket, for ssh2: to be taken over at once, or what the other side says first is lost. Rejects when the signal aborts. */
  socket(host: string, port: number, signal: AbortSignal): Promise<Socket>;
  /**
   * An agent for HTTPS, one connection a request; the options are those of `tls.connect`. `permit` is asked for each connection once its TLS is finished, right
   * before the request is written; where it rejects, nothing is.
   */
  httpsAgent(options: ConnectionOptions, permit?: () => Promise<void>): Agent;
}

const connectTimeoutMs = 15_000;

function direct(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // Node’s own `signal` would keep its listener for as long as the signal is there, and connect nevertheless where that has come already.
    const socket = surviveLateErrors(connect({ host, port, noDelay: true }));
    const stopListening = onAbort(signal, () => socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted')));
    const outOfTime = () => socket.destroy(new Error(`no connection to ${host}:${port} within ${connectTimeoutMs / 1000} s`));
    socket.setTimeout(connectTimeoutMs, outOfTime);
    socket.once('connect', () => {
      socket.setTimeout(0, outOfTime);
      resolve(socket);
    });
    socket.once('error', reject);
    socket.once('close', () => {
      stopListening();
      reject(new Error(`the connection to ${host}:${port} was closed`));
    });
  });
}

async function throughProxy(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  // A proxy that takes the connection and says nothing is left at once, too: the socket hears the signal.
  const socket = await direct(proxy.hostname, Number(proxy.port || 1080), signal);
  signal.throwIfAborted();
  const client = new SocksClient({
    proxy: { host: proxy.hostname, port: Number(proxy.port || 1080), type: 5 },
    command: 'connect',
    destination: { host, port },
    timeout: connectTimeoutMs,
    existing_socket: socket,
  });
  surviveLateErrors(client);
  const established = new Promise<Socket>((resolve, reject) => {
    client.once('established', (info) => resolve(info.socket));
    client.once('error', reject);
  });
  client.connect(socket);
  return established;
}

/**
 * One connection of its own for each request, TLS finished before the request gets it. It does not hear the request’s own signal while it connects: it gives up
 * by itself, and what it hands to a request that is over is closed unused.
 */
class OutboundAgent extends Agent {
  readonly #open: (host: string, port: number) => Promise<Duplex>;
  readonly #permit: (() => Promise<void>) | undefined;

  constructor(options: ConnectionOptions, open: (host: string, port: number) => Promise<Duplex>, permit?: () => Promise<void>) {
    super({ ...options, keepAlive: false });
    this.#open = open;
    this.#permit = permit;
  }

  override createConnection(options: AgentOptions & ConnectionOptions, done: (error: Error | null, socket: Duplex) => void): undefined {
    this.#secured(options).then(
      (tls) => done(null, tls),
      (error: Error) => done(error, undefined as never),
    );
  }

  async #secured({ path: _, ...options }: AgentOptions & ConnectionOptions): Promise<Duplex> {
    const socket = await this.#open(options.host ?? 'localhost', Number(options.port ?? 443));
    const tls = await secured(socket, { ALPNProtocols: ['http/1.1'], ...options });
    return permitted(tls, this.#permit);
  }
}

/** A connection that may be written to now; one that may not is closed. */
export async function permitted<Connection extends Duplex>(connection: Connection, permit?: () => Promise<void>): Promise<Connection> {
  try {
    await permit?.();
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

export function createOutbound(proxy?: string): Outbound {
  surviveErrorsOfLibraries();
  const url = proxy === undefined ? undefined : new URL(proxy);
  // Names are the proxy’s to resolve, for HTTPS and for sockets: where it is the only way out, this host may know none of them.
  const socket: Outbound['socket'] = (host, port, signal) => (url ? throughProxy(url, host, port, signal) : direct(host, port, signal));
  return {
    ...(proxy === undefined ? {} : { proxy }),
    socket,
    httpsAgent: (options, permit) => new OutboundAgent(options, (host, port) => socket(host, port, new AbortController().signal), permit),
  };
}

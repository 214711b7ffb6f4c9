import { Agent } from 'node:https';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { SocksClient } from 'socks';
import { SocksProxyAgent, type SocksProxyAgentOptions } from 'socks-proxy-agent';

/** The way out: through one optional SOCKS5 proxy for everything that is spoken to, Temporal excepted. */
export interface Outbound {
  /** `socks5://host:port`, where there is one. */
  readonly proxy?: string;
  /** A connected socket, for ssh2: to be taken over at once, or what the other side says first is lost. Rejects when the signal aborts. */
  socket(host: string, port: number, signal: AbortSignal): Promise<Socket>;
  /** An agent for one HTTPS host; the options are those of `tls.connect`. */
  httpsAgent(options: SocksProxyAgentOptions & Record<string, unknown>): Agent;
}

const connectTimeoutMs = 15_000;

function direct(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // With a signal that has come already, Node refuses the socket and yet connects it, and nobody would close it.
    signal.throwIfAborted();
    const socket = connect({ host, port, signal, noDelay: true });
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error(`no connection to ${host}:${port} within ${connectTimeoutMs / 1000} s`)));
    socket.once('connect', () => {
      socket.setTimeout(0);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

async function throughProxy(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  // A proxy that takes the connection and says nothing is left at once, too: the socket hears the signal.
  const existing_socket = await direct(proxy.hostname, Number(proxy.port || 1080), signal);
  const { socket } = await SocksClient.createConnection({
    proxy: { host: proxy.hostname, port: Number(proxy.port || 1080), type: 5 },
    command: 'connect',
    destination: { host, port },
    timeout: connectTimeoutMs,
    existing_socket,
  });
  return socket;
}

export function createOutbound(proxy?: string): Outbound {
  const url = proxy === undefined ? undefined : new URL(proxy);
  // Names are the proxy’s to resolve, as it is for sockets: where it is the only way out, this host may know none of them.
  const resolving = proxy?.replace(/^socks5:/, 'socks5h:');
  return {
    ...(proxy === undefined ? {} : { proxy }),
    socket: (host, port, signal) => (url ? throughProxy(url, host, port, signal) : direct(host, port, signal)),
    httpsAgent: (options) => (resolving ? (new SocksProxyAgent(resolving, options) as unknown as Agent) : new Agent(options)),
  };
}

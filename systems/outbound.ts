import { Agent } from 'node:https';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { SocksClient } from 'socks';
import { SocksProxyAgent, type SocksProxyAgentOptions } from 'socks-proxy-agent';

/** The way out: through one optional SOCKS5 proxy for everything that is spoken to, Temporal excepted. */
export interface Outbound {
  /** `socks5://host:port`, where there is one. */
  readonly proxy?: string;
  /** A connected socket, for ssh2. Rejects when the signal aborts. */
  socket(host: string, port: number, signal: AbortSignal): Promise<Socket>;
  /** An agent for one HTTPS host; the options are those of `tls.connect`. */
  httpsAgent(options: SocksProxyAgentOptions & Record<string, unknown>): Agent;
}

const connectTimeoutMs = 15_000;

function direct(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
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
  signal.throwIfAborted();
  const { socket } = await SocksClient.createConnection({
    proxy: { host: proxy.hostname, port: Number(proxy.port || 1080), type: 5 },
    command: 'connect',
    destination: { host, port },
    timeout: connectTimeoutMs,
  });
  if (signal.aborted) socket.destroy();
  signal.throwIfAborted();
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  socket.setNoDelay(true);
  return socket;
}

export function createOutbound(proxy?: string): Outbound {
  const url = proxy === undefined ? undefined : new URL(proxy);
  return {
    ...(proxy === undefined ? {} : { proxy }),
    socket: (host, port, signal) => (url ? throughProxy(url, host, port, signal) : direct(host, port, signal)),
    httpsAgent: (options) => (proxy ? (new SocksProxyAgent(proxy, options) as unknown as Agent) : new Agent(options)),
  };
}

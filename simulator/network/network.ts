import { Wires } from './wires.ts';

/** Where a simulated machine really listens: always loopback. */
export interface Endpoint {
  host: '127.0.0.1';
  port: number;
}

interface Listener {
  endpoint: Endpoint;
  accepts: () => boolean;
}

/** The runbook's own addresses (172.22.1.4 …) and the public ones, mapped to loopback listeners. The SOCKS5 proxy is the only way in. */
export class VirtualNetwork {
  /** What goes through the proxy now. */
  readonly wires = new Wires();
  readonly #listeners = new Map<string, Listener>();

  /** Makes a port of an address reachable, while it accepts connections. Attaching it again replaces the listener. */
  attach(address: string, port: number, endpoint: Endpoint, accepts: () => boolean = () => true): void {
    this.#listeners.set(`${address}:${port}`, { endpoint, accepts });
  }

  /** Takes every port of an address off the network. */
  detach(address: string): void {
    for (const key of this.#listeners.keys()) if (key.startsWith(`${address}:`)) this.#listeners.delete(key);
  }

  /** Is there a listener, whether or not it accepts connections now? */
  has(address: string, port: number): boolean {
    return this.#listeners.has(`${address}:${port}`);
  }

  /** The listener behind an address and port; undefined means that the connection is refused. */
  resolve(address: string, port: number): Endpoint | undefined {
    const listener = this.#listeners.get(`${address}:${port}`);
    return listener?.accepts() ? listener.endpoint : undefined;
  }
}

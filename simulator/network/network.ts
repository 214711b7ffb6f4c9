/** Where a simulated machine really listens: always loopback. */
export interface Endpoint {
  host: '127.0.0.1';
  port: number;
}

/** The runbook's own addresses (172.22.1.4 …) and the public ones, mapped to loopback listeners. The SOCKS5 proxy is the only way in. */
export class VirtualNetwork {
  readonly #listeners = new Map<string, Endpoint>();

  /** Makes a port of an address reachable. Attaching it again replaces the listener. */
  attach(address: string, port: number, endpoint: Endpoint): void {
    this.#listeners.set(`${address}:${port}`, endpoint);
  }

  /** Takes every port of an address off the network. */
  detach(address: string): void {
    for (const key of this.#listeners.keys()) if (key.startsWith(`${address}:`)) this.#listeners.delete(key);
  }

  /** The listener behind an address and port; undefined means that the connection is refused. */
  resolve(address: string, port: number): Endpoint | undefined {
    return this.#listeners.get(`${address}:${port}`);
  }
}

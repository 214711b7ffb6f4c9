import type { Server } from 'node:net';
import type { VirtualNetwork } from './network/network.ts';

/** Keeps the listeners of one machine on the network, under its private and public addresses; ports may come and go while it runs. */
export class Doors {
  readonly ports: Record<number, number> = {};
  readonly #accepting = new Map<number, () => boolean>();
  readonly #addresses: string[];
  readonly #network: VirtualNetwork;

  constructor(network: VirtualNetwork, address: string) {
    this.#network = network;
    this.#addresses = [address];
  }

  /** A port of the machine is served by this loopback port from now on, and refuses while it does not accept. */
  open(port: number, local: number, accepts: () => boolean = () => true): void {
    this.ports[port] = local;
    this.#accepting.set(port, accepts);
    for (const address of this.#addresses) this.#show(address, port);
  }

  attach(address: string): void {
    this.#addresses.push(address);
    for (const port of this.#accepting.keys()) this.#show(address, port);
  }

  #show(address: string, port: number): void {
    this.#network.attach(address, port, { host: '127.0.0.1', port: this.ports[port]! }, this.#accepting.get(port));
  }

  close(): void {
    for (const address of this.#addresses) this.#network.detach(address);
  }
}

/** Listens on a free loopback port (or the wanted one) and tells which. */
export function listenLocally(server: Pick<Server, 'listen' | 'address' | 'once'>, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

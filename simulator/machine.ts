import type { Server } from 'node:net';
import type { VirtualNetwork } from './network/network.ts';

/** Keeps the listeners of one machine on the network, under its private and public addresses; ports may come and go while it runs. */
export class Doors {
  readonly ports: Record<number, number> = {};
  readonly #addresses: string[];
  readonly #network: VirtualNetwork;

  constructor(network: VirtualNetwork, address: string) {
    this.#network = network;
    this.#addresses = [address];
  }

  /** A port of the machine is served by this loopback port from now on. */
  open(port: number, local: number): void {
    this.ports[port] = local;
    for (const address of this.#addresses) this.#network.attach(address, port, { host: '127.0.0.1', port: local });
  }

  attach(address: string): void {
    this.#addresses.push(address);
    for (const [port, local] of Object.entries(this.ports)) this.#network.attach(address, Number(port), { host: '127.0.0.1', port: local });
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

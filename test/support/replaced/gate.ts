import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Passes connections on to a port of this machine. What a test wants held stays here, with everything that was sent, until it is released. */
export class Gate {
  /** Is asked for each new connection, before anything of it goes on. */
  holds: () => boolean = () => false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #held: (() => void)[] = [];
  #isCut = false;

  static async before(port: number): Promise<Gate> {
    const gate = new Gate(port);
    gate.#server.listen(0, '127.0.0.1');
    await once(gate.#server, 'listening');
    return gate;
  }

  private constructor(port: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (from) => {
      if (this.#isCut) return void from.destroy();
      const pass = () => this.#pass(from, port);
      if (this.holds()) this.#held.push(pass);
      else pass();
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many connections went on so far, and how many of them are open. */
  passed = 0;

  get open(): number {
    return this.#sockets.size;
  }

  get held(): number {
    return this.#held.length;
  }

  release(): void {
    this.holds = () => false;
    for (const pass of this.#held.splice(0)) pass();
  }

  /** Nothing gets through any more, in either direction, and nobody is told. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(from: Socket, port: number): void {
    this.passed++;
    const to = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}

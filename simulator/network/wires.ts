import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';

export type Direction = 'to-machine' | 'from-machine';

/** Which connections are meant, and which way. */
export interface HoldRequest {
  host: string;
  port: number;
  direction: Direction;
  /** Only connections with this number and later ones; all where absent. Numbers count the connections to one host and port, from 1. */
  fromConnection?: number;
  /** Only connections up to this number. */
  toConnection?: number;
}

export interface HeldConnection {
  connection: number;
  heldBytes: number;
  /** How the side that wrote those bytes stands. */
  writer: 'open' | 'ended' | 'reset';
}

export interface Hold extends HoldRequest {
  id: string;
  connections: HeldConnection[];
}

/** One way of a connection: passes bytes on, or keeps them while it is held. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #isHeld: () => boolean;
  #kept: Buffer[] = [];
  writer: HeldConnection['writer'] = 'open';

  constructor(from: Socket, to: Socket, isHeld: () => boolean) {
    this.#from = from;
    this.#to = to;
    this.#isHeld = isHeld;
    from.on('data', (chunk: Buffer) => this.take(chunk));
    from.on('end', () => this.#ended());
    from.on('error', () => this.#reset());
    from.on('close', () => this.#ended());
    to.on('drain', () => from.resume());
  }

  take(chunk: Buffer): void {
    if (this.#isHeld() || this.#kept.length > 0) this.#kept.push(chunk);
    else if (!this.#to.destroyed && !this.#to.write(chunk)) this.#from.pause();
  }

  get keptBytes(): number {
    return this.#kept.reduce((sum, { length }) => sum + length, 0);
  }

  /** Everything that was written before the writer went is passed on, as a hop between the two does; then the end is. */
  pass(): void {
    if (this.#isHeld()) return;
    for (const chunk of this.#kept.splice(0)) if (!this.#to.destroyed) this.#to.write(chunk);
    if (this.writer === 'ended') this.#to.end();
  }

  /** What is kept is lost, and the connection with it, for both sides. */
  cut(): void {
    this.#kept = [];
    this.#from.resetAndDestroy();
    this.#to.resetAndDestroy();
  }

  #ended(): void {
    if (this.writer !== 'open') return;
    this.writer = 'ended';
    this.pass();
  }

  /** A reset takes what it overtakes with it. After the writer’s end an error only says that it no longer listens. */
  #reset(): void {
    if (this.writer !== 'open') return;
    this.writer = 'reset';
    this.#kept = [];
    this.#to.resetAndDestroy();
  }
}

interface Wire {
  host: string;
  port: number;
  number: number;
  lanes: Record<Direction, Lane>;
}

/** The connections that go through a proxy, whose bytes can be held on their way. */
export class Wires {
  readonly #open = new Set<Wire>();
  readonly #holds = new Map<string, HoldRequest>();
  readonly #count = new Map<string, number>();

  /**
   * Joins a client to a machine until both are gone. `first` is what the client sent already. What a client wrote before it died reaches the machine, at once
   * or when it is released; what it wrote before it reset the connection does not, where it is still held.
   */
  join({ host, port }: { host: string; port: number }, client: Socket, machine: Socket, first: Buffer = Buffer.alloc(0)): void {
    const key = `${host}:${port}`;
    const number = (this.#count.get(key) ?? 0) + 1;
    this.#count.set(key, number);
    const held = (direction: Direction) => () => [...this.#holds.values()].some((hold) => meant(hold, { host, port, number }, direction));
    const lanes = {
      'to-machine': new Lane(client, machine, held('to-machine')),
      'from-machine': new Lane(machine, client, held('from-machine')),
    };
    const wire: Wire = { host, port, number, lanes };
    this.#open.add(wire);
    const gone = () => {
      if (client.destroyed && machine.destroyed) this.#open.delete(wire);
    };
    client.on('close', gone);
    machine.on('close', gone);
    if (first.length > 0) lanes['to-machine'].take(first);
    client.resume();
  }

  hold(request: HoldRequest): Hold {
    const id = randomUUID();
    this.#holds.set(id, { ...request });
    return this.#shown(id, request);
  }

  held(): Hold[] {
    return [...this.#holds].map(([id, request]) => this.#shown(id, request));
  }

  /** Connections that are open now. */
  open(): { host: string; port: number; connection: number }[] {
    return [...this.#open].map(({ host, port, number }) => ({ host, port, connection: number }));
  }

  /** Means no later connections than those that there are; false where there is no such hold. */
  narrow(id: string): boolean {
    const hold = this.#holds.get(id);
    if (!hold) return false;
    hold.toConnection = this.#count.get(`${hold.host}:${hold.port}`) ?? 0;
    return true;
  }

  /** Passes on what was kept; false where there is no such hold. */
  release(id: string): boolean {
    return this.#end(id, (lane) => lane.pass());
  }

  /** Resets the connections that something was kept of, and drops it; false where there is no such hold. */
  reset(id: string): boolean {
    return this.#end(id, (lane) => lane.cut());
  }

  /** Ends every hold; nothing that was kept is passed on. */
  clear(): void {
    for (const id of this.#holds.keys()) this.reset(id);
  }

  #end(id: string, end: (lane: Lane) => void): boolean {
    const hold = this.#holds.get(id);
    if (!hold) return false;
    const lanes = this.#meant(hold).map(({ lanes }) => lanes[hold.direction]);
    this.#holds.delete(id);
    for (const lane of lanes) end(lane);
    return true;
  }

  #meant(hold: HoldRequest): Wire[] {
    return [...this.#open].filter((wire) => meant(hold, wire, hold.direction));
  }

  #shown(id: string, request: HoldRequest): Hold {
    const connections = this.#meant(request).map(({ number, lanes }) => {
      const { keptBytes, writer } = lanes[request.direction];
      return { connection: number, heldBytes: keptBytes, writer };
    });
    return { id, ...request, connections };
  }
}

const meant = (hold: HoldRequest, { host, port, number }: { host: string; port: number; number: number }, direction: Direction): boolean =>
  hold.host === host &&
  hold.port === port &&
  hold.direction === direction &&
  number >= (hold.fromConnection ?? 1) &&
  number <= (hold.toConnection ?? Number.POSITIVE_INFINITY);

import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { type Marks, marksOf } from './operations.ts';

export type Outcome = 'received' | 'done' | 'refused' | 'failed' | 'cut' | 'lied';

/** One arrival at a simulated system. Never holds a secret. */
export interface Entry extends Marks {
  seq: number;
  at: string;
  /** The system as a person would call it: arm, authority, vault, identity, lunash, luna-scp, windows, lunacm, vtl, ciphertrust, socks. */
  system: string;
  /** Which connection it came on, by a name that no other one has or had: tells apart what one client did in one go. */
  connection: string;
  /** System, colon, what was asked: `lunash:hsm init`, `arm:PUT Microsoft.Compute/virtualMachines`, `ciphertrust:POST /v1/system/hsm/setup`. */
  operation: string;
  /** What it was asked of: a resource id, an address, a partition. */
  target: string;
  outcome: Outcome;
  detail?: string;
  /** How many questions it asked before it was carried out. */
  questions?: number;
}

export type Arrival = Omit<Entry, 'seq' | 'at' | 'outcome' | 'detail' | 'questions' | keyof Marks>;

const names = new WeakMap<Socket, string>();

/** A port would not do: every server counts its own, and they are used again. */
export function connectionName(socket: Socket): string {
  const name = names.get(socket) ?? randomUUID().slice(0, 8);
  names.set(socket, name);
  return name;
}

/** Everything that reached the simulated world, refused requests included, in order of arrival. */
export class RequestLog {
  readonly entries: Entry[];
  #last: number;
  readonly #arrived: (entry: Entry) => void;

  /** `arrived` is told of each arrival at once, before anything is done about it. */
  constructor(entries: Entry[] = [], arrived: (entry: Entry) => void = () => {}) {
    this.entries = entries;
    this.#arrived = arrived;
    this.#last = entries.at(-1)?.seq ?? 0;
  }

  /** Records an arrival at once; its outcome is filled in when it is known. */
  arrive(arrival: Arrival): Entry {
    const entry: Entry = { seq: ++this.#last, at: new Date().toISOString(), ...arrival, ...marksOf(arrival.operation), outcome: 'received' };
    this.entries.push(entry);
    this.#arrived(entry);
    return entry;
  }

  /** Is as it was kept elsewhere; numbers go on from there. */
  load(entries: readonly Entry[]): void {
    this.entries.splice(0, Number.POSITIVE_INFINITY, ...entries);
    this.#last = Math.max(this.#last, entries.at(-1)?.seq ?? 0);
  }

  /** Forgets what arrived so far; numbers go on, so that nobody who asks “since” misses anything. */
  clear(): void {
    this.entries.length = 0;
  }
}

/** Sets how an arrival ended. */
export function settle(entry: Entry, outcome: Outcome, detail?: string): void {
  entry.outcome = outcome;
  if (detail !== undefined) entry.detail = detail;
}

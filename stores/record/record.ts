import { randomBytes } from 'node:crypto';
import { StepFailure, unsafe } from '../../domain/failure.ts';
import type { DataOf, Entry, EventOf, Subject, Writer } from './events.ts';
import type { NumberedStore } from './numbered-store.ts';
import { entryProblem } from './schema.ts';

/** Somebody else entered something since the last read: whoever is behind looks again, and does not act. It passes by itself with the next attempt. */
export class Stale extends StepFailure {
  constructor(name: string, event: string) {
    super({
      kind: 'Transient',
      code: 'RECORD_STALE',
      tried: `entering ${event} in the target record`,
      summary: `another attempt has already written the entry ${name}`,
      remedy: 'Nothing: the step checks again and continues.',
    });
    this.name = 'Stale';
  }
}

/** What happened to targets: the only memory that outlives attempt, worker, job and engine. */
export interface Records {
  /** One subject of a target's record, as one attempt of an activity sees it. */
  of<S extends Subject>(target: string, subject: S, writer: Writer): TargetRecord<S>;
}

export interface TargetRecord<S extends Subject> {
  /**
   * All entries in order. One that is missing, cannot be opened or is not understood is an error: nothing may be decided on the others alone.
   */
  read(): Promise<Entry<S>[]>;
  /**
   * Enters something after what was read last; over once it would survive a loss of power. Throws Stale where somebody else entered something since then.
   * Without a read before it, only the first entry can be appended. Appends of one attempt wait for each other.
   */
  append<E extends EventOf<S>>(event: E, data: DataOf<S, E>): Promise<Entry<S>>;
}

/** `store` must be sealed (sealed-store.ts) wherever others could write to it. */
export const createRecords = (store: NumberedStore): Records => ({
  of: (target, subject, writer) => new SubjectRecord(store, { target, subject, writer }),
});

interface Of<S extends Subject> {
  target: string;
  subject: S;
  writer: Writer;
}

/** So many digits that names sort as their numbers do. */
const digits = 6;

class SubjectRecord<S extends Subject> implements TargetRecord<S> {
  readonly #store: NumberedStore;
  readonly #prefix: string;
  readonly #subject: S;
  readonly #writer: Writer;
  /** Entries never change, so what was read or appended once is not read again. */
  readonly #known: Entry<S>[] = [];
  /** The end of whatever was asked last: one thing at a time, or appends of one attempt would make each other stale. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: NumberedStore, { target, subject, writer }: Of<S>) {
    this.#store = store;
    this.#prefix = `${target}/${subject}/`;
    this.#subject = subject;
    this.#writer = writer;
  }

  read(): Promise<Entry<S>[]> {
    return this.#inTurn(async () => {
      const count = this.#countOf(await this.#store.list(this.#prefix));
      const unread = Array.from({ length: count - this.#known.length }, (_, index) => this.#known.length + index + 1);
      this.#known.push(...(await Promise.all(unread.map((n) => this.#readEntry(n)))));
      return [...this.#known];
    });
  }

  append<E extends EventOf<S>>(event: E, data: DataOf<S, E>): Promise<Entry<S>> {
    return this.#inTurn(async () => {
      const n = this.#known.length + 1;
      const fields = { n, id: randomBytes(16).toString('hex'), at: new Date().toISOString(), ...this.#writer, event, data };
      // What could not be read again must not be written.
      const entry = this.#checked(fields, n);
      const name = this.#nameOf(n);
      const { won } = await this.#store.create(name, JSON.stringify(entry));
      if (!won) throw new Stale(name, event);
      this.#known.push(entry);
      return entry;
    });
  }

  /** How many entries there are; the highest number tells, since a list that is read while others write may miss one in between. */
  #countOf(names: string[]): number {
    const numbers = names.map((name) => {
      const number = name.slice(this.#prefix.length);
      if (!/^\d{6}$/.test(number)) throw this.#damaged(`${name} is not the name of an entry`);
      return Number(number);
    });
    const highest = Math.max(0, ...numbers);
    if (highest < this.#known.length) throw this.#damaged(`the record is damaged: entry ${this.#known.length} was there and is gone`);
    return highest;
  }

  async #readEntry(n: number): Promise<Entry<S>> {
    const text = await this.#store.get(this.#nameOf(n));
    if (text === undefined) throw this.#damaged(`the record is damaged: entry ${n} is missing`);
    return this.#checked(parsed(text), n);
  }

  #checked(value: unknown, n: number): Entry<S> {
    const problem = entryProblem(this.#subject, value, n);
    if (problem !== undefined) throw this.#damaged(`the record cannot be read: entry ${n} ${problem}`);
    return value as Entry<S>; // just checked against the schema that the type is derived from
  }

  #damaged(summary: string): StepFailure {
    return unsafe({
      code: 'RECORD_DAMAGED',
      tried: `reading the target record ${this.#prefix.slice(0, -1)}`,
      summary,
      remedy: 'Restore it from the backup, or start the version of the service that wrote it, then retry. Nothing was done.',
    });
  }

  #nameOf(n: number): string {
    return `${this.#prefix}${String(n).padStart(digits, '0')}`;
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** Undefined where it is no JSON: no entry is undefined. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

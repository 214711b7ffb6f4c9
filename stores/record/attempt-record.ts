import type { DataOf, Entry, EventOf, Subject } from './events.ts';
import { Stale, type TargetRecord } from './record.ts';

/** So often is a fact entered anew where others enter something at the same moment. */
const mostTries = 5;

/** What each attempt has opened, by its signal. */
const opened = new WeakMap<AbortSignal, Map<Subject, unknown>>();

/**
 * The record of one subject that all parts of an attempt share: what one of them enters makes no other one stale. An attempt belongs to one job; its signal is its
 * own. `open` gives a record of the same subject and writer each time.
 */
export function attemptRecord<S extends Subject>(signal: AbortSignal, subject: S, open: () => TargetRecord<S>): AttemptRecord<S> {
  const bySubject = opened.get(signal) ?? new Map<Subject, unknown>();
  opened.set(signal, bySubject);
  // Its key is the subject.
  const record = (bySubject.get(subject) as AttemptRecord<S> | undefined) ?? new AttemptRecord(open);
  bySubject.set(subject, record);
  return record;
}

/**
 * One subject of a target's record during one attempt. What is entered before an act is entered after what the attempt saw at its last look: where somebody else
 * entered something since then, it is Stale, and nothing may be sent. Nothing but `look` moves that point, so no read in between can hide what it overlooked.
 */
export class AttemptRecord<S extends Subject> {
  readonly #open: () => TargetRecord<S>;
  readonly #own: TargetRecord<S>;
  #entries: Entry<S>[] | undefined;

  /** `open` gives a record of the same subject and writer each time. */
  constructor(open: () => TargetRecord<S>) {
    this.#open = open;
    this.#own = open();
  }

  /** Reads what was entered since then: at the beginning of each look of the attempt. */
  async look(): Promise<readonly Entry<S>[]> {
    this.#entries = await this.#own.read();
    return this.#entries;
  }

  /** As of the last look, and what this attempt entered itself; looks where nobody did yet. */
  async known(): Promise<readonly Entry<S>[]> {
    return this.#entries ?? this.look();
  }

  /** Before an act. Throws Stale where somebody else entered something since the last look. */
  async enter<E extends EventOf<S>>(event: E, data: DataOf<S, E>): Promise<void> {
    await this.known();
    await this.#append(event, data);
  }

  /** For those who take any record: each read is a look, and who never looked enters nothing but the first entry. */
  get asAnyRecord(): TargetRecord<S> {
    return { read: async () => [...(await this.look())], append: (event, data) => this.#append(event, data) };
  }

  /** The same, but it reads as of the last look. */
  get asOfLook(): TargetRecord<S> {
    return { read: async () => [...(await this.known())], append: (event, data) => this.#append(event, data) };
  }

  async #append<E extends EventOf<S>>(event: E, data: DataOf<S, E>): Promise<Entry<S>> {
    const entry = await this.#own.append(event, data);
    this.#entries = [...(this.#entries ?? []), entry];
    return entry;
  }

  /** What happened, whoever entered something meanwhile. This attempt's next entry before an act is Stale then. */
  async enterFact<E extends EventOf<S>>(event: E, data: DataOf<S, E>): Promise<void> {
    try {
      await this.enter(event, data);
    } catch (error) {
      if (!(error instanceof Stale)) throw error;
      this.#entries = [...(await this.known()), await this.#enterBeside(event, data)];
    }
  }

  async #enterBeside<E extends EventOf<S>>(event: E, data: DataOf<S, E>): Promise<Entry<S>> {
    for (let tries = 1; ; tries++) {
      const record = this.#open();
      await record.read();
      try {
        return await record.append(event, data);
      } catch (error) {
        if (!(error instanceof Stale) || tries === mostTries) throw error;
      }
    }
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import { StackError } from './ready.ts';

const usual = { firstPauseMs: 500, longestPauseMs: 30_000, mostRestarts: 5, withinMs: 300_000 };

export interface SupervisorOptions<Name extends string> {
  /** Ends the part if it runs, starts it, and waits until it is ready. */
  restart: (name: Name) => Promise<void>;
  /** Told what happened, in words for a person. */
  say: (text: string) => void;
  /** Told once no restart is tried any more. */
  giveUp: (error: StackError) => void;
  limits?: typeof usual;
}

/**
 * Starts a part again that ended by itself, and says why it ended. Each pause is twice the one before; after several restarts within a few minutes it gives up:
 * what fails again and again needs a person.
 */
export class Supervisor<Name extends string> {
  readonly #options: SupervisorOptions<Name>;
  readonly #limits: typeof usual;
  readonly #leaving = new AbortController();
  readonly #restarts = new Map<Name, number[]>();
  readonly #working = new Set<Promise<void>>();

  constructor(options: SupervisorOptions<Name>) {
    this.#options = options;
    this.#limits = options.limits ?? usual;
  }

  /** A part ended that nobody ended; the error says how, with the end of its log. */
  ended(name: Name, error: StackError): void {
    const work = this.#bringBack(name, error).finally(() => this.#working.delete(work));
    this.#working.add(work);
  }

  /** No restart begins after this; resolves when none is under way. */
  async stop(): Promise<void> {
    this.#leaving.abort();
    await Promise.all(this.#working);
  }

  async #bringBack(name: Name, first: StackError): Promise<void> {
    for (let error = first; !this.#leaving.signal.aborted; ) {
      const restarts = this.#recent(name);
      if (restarts.length >= this.#limits.mostRestarts) {
        this.#options.giveUp(new StackError(`The ${name} was restarted ${restarts.length} times and ended again. ${error.message}`));
        return;
      }
      const pauseMs = Math.min(this.#limits.firstPauseMs * 2 ** restarts.length, this.#limits.longestPauseMs);
      this.#options.say(`${error.message}\nRestarting the ${name} in ${pauseMs / 1000} s.`);
      await pause(pauseMs, undefined, { signal: this.#leaving.signal }).catch(() => {});
      if (this.#leaving.signal.aborted) return;
      this.#restarts.set(name, [...restarts, performance.now()]);
      const failure = await this.#restarted(name);
      if (!failure) return;
      error = failure;
    }
  }

  /** Why it could not be restarted; undefined where it was. */
  async #restarted(name: Name): Promise<StackError | undefined> {
    try {
      await this.#options.restart(name);
      this.#options.say(`The ${name} runs again.`);
      return undefined;
    } catch (error) {
      return error instanceof StackError ? error : new StackError(`The ${name} could not be restarted: ${error instanceof Error ? error.message : error}`);
    }
  }

  #recent(name: Name): number[] {
    return (this.#restarts.get(name) ?? []).filter((at) => performance.now() - at < this.#limits.withinMs);
  }
}

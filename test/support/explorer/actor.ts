import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { Ended } from './attempt.ts';

/** What an attempt does with the outside; before each of them it waits until the explorer lets it go on. */
export type Deed = 'open' | 'look' | 'permit' | 'record' | 'keep';

const hangsAfterMs = 60_000;

/**
 * One attempt that goes on only when it is let: from one gate to the next. Between two gates nothing of it reaches the outside, so that stopping it anywhere
 * in between is the same as stopping it at the gate: a command’s write and its answer lie behind the gate of its permit, and whether the answer is heard, or
 * lost with the attempt, shows only at the next gate.
 */
export class Actor {
  readonly name: string;
  readonly number: number;
  /** Another attempt has begun since: it gets no permit any more. */
  replaced = false;
  /** Died: whatever it still waits for never comes. */
  dead = false;
  /** The counterpart does what it is asked next, and then the connection breaks. */
  losesAnswer = false;
  /** What it does now concerns nobody else: it need not be stopped there. */
  passesGates = false;
  ended: Ended | undefined;
  /** What it did so far, for people. */
  readonly deeds: string[] = [];
  readonly #waiting: { deed: string; go: () => void }[] = [];
  #permitted = false;

  constructor(name: string, number: number) {
    this.name = name;
    this.number = number;
  }

  gate(deed: Deed, what = ''): Promise<void> {
    if (this.dead) return new Promise(() => {});
    if (this.passesGates) return Promise.resolve();
    return new Promise((go) => this.#waiting.push({ deed: what ? `${deed} ${what}` : deed, go }));
  }

  /** A permit was granted: it is good for this turn of the event loop, and for one write. */
  permit(): void {
    this.#permitted = true;
    setImmediate(() => {
      this.#permitted = false;
    });
  }

  /** Is there a permit for what is written now? */
  spend(): boolean {
    const permitted = this.#permitted;
    this.#permitted = false;
    return permitted;
  }

  /** Does so many things more; all of them when no number is given. False when it ended before the next one. */
  async run(steps = Number.POSITIVE_INFINITY): Promise<boolean> {
    await this.#quiet();
    for (let done = 0; done < steps && this.ended === undefined; done++) {
      const next = this.#waiting.shift()!;
      this.deeds.push(next.deed);
      next.go();
      await this.#quiet();
    }
    return this.ended === undefined;
  }

  /** Until it waits at a gate, or has ended; what it does at the same time waits there, too. */
  async #quiet(): Promise<void> {
    const end = performance.now() + hangsAfterMs;
    do {
      await turn();
      if (performance.now() > end) throw new Error(`the attempt ${this.name} hangs after: ${this.deeds.join(', ')}`);
    } while (this.#waiting.length === 0 && this.ended === undefined);
  }
}

const current = new AsyncLocalStorage<Actor>();
export const actAs = <T>(actor: Actor, work: () => T): T => current.run(actor, work);

/** The attempt that this code belongs to. */
export function actor(): Actor {
  const found = current.getStore();
  if (!found) throw new Error('This runs outside of an attempt.');
  return found;
}

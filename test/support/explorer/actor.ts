import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { Ended } from './attempt.ts';

/** What an attempt does with the outside; before each of them it waits until the explorer lets it go on. */
export type DeedKind = 'look' | 'permit' | 'record' | 'keep';

/** What attempts share: all simulated systems together, one subject of the target record, the secrets. What took effect how often nobody reads. */
export type Part = 'systems' | 'secrets' | 'effects' | `record ${string}`;

/** One thing that an attempt did, and everything that followed from it until the next one. */
export interface Deed {
  name: string;
  /** What it could read or change. */
  touches: Set<Part>;
  /** What was different afterwards, as it was found by comparing. */
  changed: ReadonlySet<Part>;
  /** A digest of all that attempts share, as it was afterwards. */
  left: string;
  /** Was something answered that could have been lost? */
  hadAnswer: boolean;
}

/** What all attempts share: what is different since it was looked at last, and a digest of all of it. */
export type Seen = Pick<Deed, 'changed' | 'left'>;

const hangsAfterMs = 60_000;
const over = new Error('This order was played to its end.');

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
  /** What it does now concerns nobody else: it need not be stopped there. */
  passesGates = false;
  ended: Ended | undefined;
  readonly deeds: Deed[] = [];
  readonly #seen: () => Seen;
  readonly #waiting: { deed: Deed; go: () => void; stop: (why: Error) => void }[] = [];
  #isOver = false;
  #permitted = false;
  #losesAnswer = false;

  constructor(name: string, number: number, seen: () => Seen) {
    this.name = name;
    this.number = number;
    this.#seen = seen;
  }

  gate(kind: DeedKind, what = '', part: Part = 'systems'): Promise<void> {
    if (this.#isOver) return Promise.reject(over);
    if (this.dead) return new Promise(() => {});
    if (this.passesGates) {
      this.deeds.at(-1)?.touches.add(part);
      return Promise.resolve();
    }
    const deed: Deed = { name: what ? `${kind} ${what}` : kind, touches: new Set([part]), changed: new Set(), left: '', hadAnswer: false };
    return new Promise((go, stop) => this.#waiting.push({ deed, go, stop }));
  }

  /** All was looked at: whatever it still waits for fails, so that it leaves no timer behind. */
  over(): void {
    this.#isOver = true;
    for (const { stop } of this.#waiting.splice(0)) stop(over);
  }

  /** A permit was granted: it is good for this turn of the event loop, and for one write. */
  permit(): void {
    this.#permitted = true;
    setImmediate(() => {
      this.#permitted = false;
    });
  }

  /** A permit was refused. What follows at once is the attempt’s own. */
  touchesNothing(): void {
    this.deeds.at(-1)?.touches.clear();
  }

  /** Is there a permit for what is written now? */
  spend(): boolean {
    const permitted = this.#permitted;
    this.#permitted = false;
    return permitted;
  }

  /** The next answer breaks off with its connection: what was asked for is done. */
  loseNextAnswer(): void {
    this.#losesAnswer = true;
  }

  /** An answer is on its way; true where it is lost. */
  answerIsLost(): boolean {
    const deed = this.deeds.at(-1);
    if (deed) deed.hadAnswer = true;
    const isLost = this.#losesAnswer;
    this.#losesAnswer = false;
    return isLost;
  }

  /** Does so many things more; all of them when no number is given. */
  async run(steps = Number.POSITIVE_INFINITY): Promise<void> {
    await this.#quiet();
    for (let done = 0; done < steps && this.ended === undefined; done++) {
      const { deed, go } = this.#waiting.shift()!;
      this.deeds.push(deed);
      go();
      await this.#quiet();
      Object.assign(deed, this.#seen());
    }
  }

  /** Until it waits at a gate, or has ended; what it does at the same time waits there, too. */
  async #quiet(): Promise<void> {
    const end = performance.now() + hangsAfterMs;
    do {
      await turn();
      if (performance.now() > end) throw new Error(`the attempt ${this.name} hangs after: ${this.deeds.map(({ name }) => name).join(', ')}`);
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

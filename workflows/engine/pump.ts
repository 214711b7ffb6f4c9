import { CancellationScope, condition, log } from '@temporalio/workflow';
import { messageOf } from '../../domain/failure.ts';
import { isBug, isSdkError } from './failures.ts';

/** Something that the pump does whenever there is something to do. `hasWork` must never throw. */
export interface Part {
  hasWork(): boolean;
  turn(): void;
}

/**
 * Judges decisions and publishes progress beside the work, until it is stopped. A part that throws is not called again, and the others go on: what a bug in
 * one of them ends must still be told by the rest.
 */
export class Pump {
  /** The first bug, whatever a part threw. */
  bug: { error: unknown } | undefined;
  #parts: Part[];
  #isOver = false;
  readonly #onBug: () => void;
  readonly #running: Promise<void>;

  constructor(parts: Part[], onBug: () => void) {
    this.#parts = parts;
    this.#onBug = onBug;
    this.#running = CancellationScope.nonCancellable(() => this.#run());
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await condition(() => this.#isOver || this.#parts.some((part) => part.hasWork()));
      for (const part of this.#parts) if (part.hasWork()) this.#turn(part);
    }
  }

  #turn(part: Part): void {
    try {
      part.turn();
    } catch (error) {
      if (isSdkError(error)) throw error;
      this.#parts = this.#parts.filter((other) => other !== part);
      log.error('a bug beside the work', { error });
      // Nobody waits for a part: a failure that only somebody who waits could be told is a bug here, too. Thrown on, it would fail the workflow task for good.
      this.bug ??= { error: isBug(error) ? error : new Error(`beside the work: ${messageOf(error)}`) };
      this.#onBug();
    }
  }
}

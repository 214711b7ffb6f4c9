import { Context } from '@temporalio/activity';
import type { MockActivityEnvironment } from '@temporalio/testing';
import { actOf, type Fence, NoPermit, runWithFence, type Sending } from '../../systems/fence.ts';
import type { LastingActName } from '../../systems/lasting-acts.ts';

/** A fence without Temporal: it permits everything until it is told to refuse, and remembers what was asked of it. */
export class MemoryFence implements Fence {
  /** In tests nobody is replaced while a permit lasts. */
  readonly graceMs = 0;
  /** For each permit that was asked for, the lasting act that it named. */
  readonly asked: (LastingActName | undefined)[] = [];
  #refuses: (asked: number, act: LastingActName | undefined) => boolean;
  #refused = false;

  /** `refuses` is asked before each permit, which is counted from 1; as with the real one, the first refusal is for good. */
  constructor(refuses: (asked: number, act: LastingActName | undefined) => boolean = () => false) {
    this.#refuses = refuses;
  }

  /** From now on. */
  refuse(): void {
    this.#refuses = () => true;
  }

  async permit(sending?: Sending): Promise<void> {
    const act = actOf(sending);
    this.asked.push(act);
    this.#refused ||= this.#refuses(this.asked.length, act);
    if (this.#refused) throw new NoPermit('This attempt was replaced. Nothing more was sent.');
  }

  remember(detail: unknown): void {
    Context.current().heartbeat(detail);
  }
}

/** Whoever plays somebody else in a test needs no permit. */
export const openFence: Fence = { permit: async () => {}, remember: () => {}, graceMs: 0 };

/** Runs a step in an environment of a test's own, under a fence that permits everything unless another one is given. */
export const runStep = <Input, Result>(
  environment: MockActivityEnvironment,
  step: (input: Input) => Promise<Result>,
  input: Input,
  fence: Fence = new MemoryFence(),
): Promise<Result> => runWithFence(fence, () => environment.run(step, input));

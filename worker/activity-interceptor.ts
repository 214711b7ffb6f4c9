import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { withOutcome } from '../activities/outcome.ts';
import { runWithFence } from '../systems/fence.ts';
import { AttemptFence } from './attempt-fence.ts';

const heartbeatEveryMs = 2_000;

/**
 * Gives every attempt the fence that all its changes go through, heartbeats while it runs, so that a lost worker is noticed within seconds, gives “not ready” its
 * usual delay, and passes on whether a step that is done changed something.
 */
export class ActivityInterceptor implements ActivityInboundCallsInterceptor {
  readonly #context: Context;
  readonly #pollIntervalMs: number;

  constructor(context: Context, pollIntervalMs: number) {
    this.#context = context;
    this.#pollIntervalMs = pollIntervalMs;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const fence = new AttemptFence(this.#context);
    fence.beat();
    const beat = setInterval(() => fence.beat(), heartbeatEveryMs);
    try {
      return await withOutcome(() => runWithFence(fence, () => next(input)));
    } catch (error) {
      throw this.#withDelay(error);
    } finally {
      clearInterval(beat);
    }
  }

  #withDelay(error: unknown): unknown {
    if (!(error instanceof ApplicationFailure) || error.type !== 'NotReady' || error.nextRetryDelay !== undefined) return error;
    return ApplicationFailure.create({
      message: error.message,
      type: 'NotReady',
      category: 'BENIGN',
      nextRetryDelay: this.#pollIntervalMs,
      ...(error.details ? { details: error.details } : {}),
    });
  }
}

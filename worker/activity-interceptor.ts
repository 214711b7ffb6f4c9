import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { lookAgainMs } from '../activities/converge.ts';
import { withOutcome } from '../activities/outcome.ts';
import { failureFor } from '../activities/step-failure.ts';
import { runWithFence } from '../systems/fence.ts';
import { checkInput, checkResult } from './activity-contract.ts';
import { AttemptFence } from './attempt-fence.ts';

const heartbeatEveryMs = 2_000;

/**
 * Checks what every attempt is given and what it answers, gives it the fence that all its changes go through, heartbeats while it runs, so that a lost worker is
 * noticed within seconds, gives “not ready” its delay, and passes on whether a step that is done changed something.
 */
export class ActivityInterceptor implements ActivityInboundCallsInterceptor {
  readonly #context: Context;
  readonly #pollIntervalMs: number;

  constructor(context: Context, pollIntervalMs: number) {
    this.#context = context;
    this.#pollIntervalMs = pollIntervalMs;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const { activityType } = this.#context.info;
    this.#check(() => checkInput(activityType, input.args[0]));
    const fence = new AttemptFence(this.#context);
    fence.beat();
    const beat = setInterval(() => fence.beat(), heartbeatEveryMs);
    try {
      return await withOutcome(async () => {
        const result = await runWithFence(fence, () => next(input));
        this.#check(() => checkResult(activityType, result));
        return result;
      });
    } catch (error) {
      throw this.#withDelay(error, fence);
    } finally {
      clearInterval(beat);
    }
  }

  /** What does not fit is a failure for a person: trying again would find the same. */
  #check(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw failureFor(error, this.#context);
    }
  }

  /** An attempt that was lost says nothing: Temporal makes the next one as soon as it notices. One that failed says when. */
  #withDelay(error: unknown, { remembered }: AttemptFence): unknown {
    if (!(error instanceof ApplicationFailure) || error.nonRetryable || error.nextRetryDelay !== undefined) return error;
    const isWaiting = error.type === 'NotReady';
    return ApplicationFailure.create({
      message: error.message,
      ...(error.type ? { type: error.type } : {}),
      nextRetryDelay: isWaiting ? lookAgainMs(remembered, this.#pollIntervalMs) : backOffMs(this.#context.info.attempt),
      ...(error.category ? { category: error.category } : {}),
      ...(error.details ? { details: error.details } : {}),
    });
  }
}

/** A second after the first attempt, twice as long after each further one, half a minute at most. */
export const backOffMs = (attempt: number): number => Math.min(30_000, 1_000 * 2 ** (attempt - 1));

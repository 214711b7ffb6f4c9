import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';

const heartbeatEveryMs = 2_000;

/** Heartbeats every activity while it runs, so that a lost worker is noticed within seconds, and gives “not ready” its usual delay. */
export class ActivityInterceptor implements ActivityInboundCallsInterceptor {
  readonly #context: Context;
  readonly #pollIntervalMs: number;

  constructor(context: Context, pollIntervalMs: number) {
    this.#context = context;
    this.#pollIntervalMs = pollIntervalMs;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    this.#context.heartbeat();
    const beat = setInterval(() => this.#context.heartbeat(), heartbeatEveryMs);
    try {
      return await next(input);
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

import { Context } from '@temporalio/activity';
import { messageOf, transient } from '../domain/failure.ts';

interface Began {
  /** By a clock of this process that only runs forward. */
  here: number;
  /** By the Temporal server's; asked once. */
  there?: Promise<number>;
}

const began = new WeakMap<Context, Began>();

/** Call it where an attempt begins: from then on `serverTime` knows how much time has passed. */
export const attemptBegins = (): void => void began.set(Context.current(), { here: performance.now() });

/**
 * The Temporal server's time, in ms since the epoch: when it gave this attempt to a worker, and what has passed here since then. Attempts on several workers
 * compare moments by it, since the clock of a single machine may be wrong, or be set. It may be late by what the network takes, and never ahead.
 */
export async function serverTime(): Promise<number> {
  const context = Context.current();
  const attempt: Began = began.get(context) ?? { here: performance.now() };
  began.set(context, attempt);
  attempt.there ??= startedAt(context);
  try {
    return (await attempt.there) + performance.now() - attempt.here;
  } catch (error) {
    delete attempt.there;
    throw transient(
      {
        code: 'WORKER_NOT_CONFIRMED',
        tried: 'reading the time of the Temporal server',
        summary: messageOf(error),
        remedy: 'Nothing was sent. The step retries by itself.',
      },
      error,
    );
  }
}

async function startedAt(context: Context): Promise<number> {
  return (await lastHeard(context))?.started ?? context.info.currentAttemptScheduledTimestampMs;
}

/** When the server gave this attempt to a worker, and when it heard of it last. Undefined outside a worker, where nobody can be asked. */
export async function lastHeard(context: Context): Promise<{ started: number; latest: number } | undefined> {
  const client = clientOf(context);
  if (!client) return undefined;
  const { info } = context;
  const { workflowId = '', runId = '' } = info.workflowExecution ?? {};
  const { pendingActivities } = await client.workflowService.describeWorkflowExecution({ namespace: info.namespace, execution: { workflowId, runId } });
  const mine = pendingActivities?.find(({ activityId }) => activityId === info.activityId);
  const [started, beat] = [mine?.lastStartedTime, mine?.lastHeartbeatTime].map((time) => Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6);
  if (!started) throw new Error('the server does not list this attempt as running');
  return { started, latest: Math.max(started, beat ?? 0) };
}

function clientOf(context: Context): Context['client'] | undefined {
  try {
    return context.client;
  } catch {
    return undefined;
  }
}

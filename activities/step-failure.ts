import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { StepFailure, sentence, transient, unsafe } from '../domain/failure.ts';
import { suppressedBy } from '../domain/first-error.ts';
import { type NoPermit, noPermitIn } from '../systems/fence.ts';
import { localFault } from '../systems/local-faults.ts';

/**
 * What Temporal is told of an error, in converge and in the worker's interceptor alike: its type is the kind, its details hold the problem. A cause or a stack
 * goes to the worker's log and never into history.
 */
export function failureFor(error: unknown, { info, log }: Pick<Context, 'info' | 'log'>): ApplicationFailure {
  const { problem } = failureOf(error, info.activityType);
  const { kind, code, retryAfterMs } = problem;
  if (kind !== 'NotReady') log.warn(sentence(problem), { kind, code, error: describe(error) });
  return ApplicationFailure.create({
    message: sentence(problem),
    type: kind,
    details: [problem],
    nonRetryable: kind === 'Refused' || kind === 'Unsafe',
    ...(kind === 'NotReady' ? { category: 'BENIGN' as const } : {}),
    ...(retryAfterMs === undefined ? {} : { nextRetryDelay: retryAfterMs }),
  });
}

/** A local fault comes first: a store whose disk is full says that it failed, and why is in its cause. What waits or is tried again anyway stays as it is. */
function failureOf(error: unknown, step: string): StepFailure {
  const refusal = noPermitIn(error);
  if (refusal) return withoutPermit(refusal, step);
  const isStepFailure = error instanceof StepFailure;
  if (isStepFailure && (error.problem.kind === 'NotReady' || error.problem.kind === 'Transient')) return error;
  const fault = localFault(error);
  if (fault) return transient({ ...fault, tried: isStepFailure ? error.problem.tried : step, retryAfterMs: localFaultDelayMs }, error);
  if (isStepFailure) return error;
  return cutOff(error) ? outOfTime(step) : unexpected(error, step);
}

/** Somebody must free what the worker lacks: trying more often would fill the log. */
const localFaultDelayMs = 10_000;
const withoutPermit = (refusal: NoPermit, step: string) =>
  transient(
    {
      code: 'WORKER_NOT_CONFIRMED',
      tried: step,
      summary: refusal.message,
      remedy: 'The step retries by itself. If this persists, check the worker’s connection to Temporal and its clock.',
    },
    refusal,
  );

const cutOff = (error: unknown): boolean => error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');

const outOfTime = (step: string) =>
  transient({
    code: 'WORKER_OUT_OF_TIME',
    tried: step,
    summary: 'the attempt timed out and its connections were closed',
    remedy: 'The next attempt checks again and continues.',
  });

/** An error that nobody foresaw: the state is unknown, so a person looks. */
const unexpected = (error: unknown, step: string) =>
  unsafe(
    {
      code: 'WORKER_BUG',
      tried: step,
      summary: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      remedy: 'This is a defect: see the worker’s log, then retry or abort.',
    },
    error,
  );

/** How deep a chain of causes is followed: it may be a circle. */
const deepestCause = 10;

/** Name, message, stack, the chain of causes and what came after; never an error's other fields, which may carry headers and bodies. */
function describe(error: unknown, depth = deepestCause): string {
  if (!(error instanceof Error) || depth === 0) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${describe(error.cause, depth - 1)}`;
  const later = suppressedBy(error).map((one) => `\nfollowed by ${describe(one, depth - 1)}`);
  return `${error.stack ?? error.message}${cause}${later.join('')}`;
}

import { ActivityFailure, ApplicationFailure, IllegalStateError, RetryState, TemporalFailure } from '@temporalio/common';
import { log, WorkflowError } from '@temporalio/workflow';
import { type Problem, refused } from '../../domain/failure.ts';
import type { ApprovalView } from '../../domain/progress.ts';
import type { StepDefinition } from '../../domain/steps.ts';
import { JobEnded } from './job-ended.ts';

/** Thrown by the SDK about itself, such as code that is not deterministic. It ends no job: the workflow task fails until a fixed worker takes it up. */
export const isSdkError = (error: unknown): boolean => error instanceof WorkflowError || error instanceof IllegalStateError;

/** A mistake of our own workflow code. Temporal would repeat the workflow task for ever, and no incident or cancel would help. */
export const isBug = (error: unknown): boolean => !(error instanceof TemporalFailure || error instanceof JobEnded || isSdkError(error));

/** What went wrong, for people: bounded, and without the stack, which goes to the log. */
export const bugText = (error: unknown): string =>
  `A bug in this service ended the job: ${(error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 300)}.`;

/** The failure that ends the job instead. */
export const bugFailure = (error: unknown): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`${bugText(error)} Nothing was deleted. Report the bug; with a fixed version, send the same request again.`, 'Bug');

/** Does the work; a bug in it becomes a failure of the job, at once. */
export async function withoutBugs<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isBug(error) ? bugFailure(error) : error;
  }
}

/** For the log alone: what was left out, so that the rest could go on. */
export function leaveOut(error: unknown): void {
  if (isSdkError(error)) throw error;
  log.error('left out on the way to the end of the job', { error });
}

/** Does what can be done without: at the end of a job nothing of our own may stand in the way of the rest. */
export function ignoringBugs(work: () => void): void {
  try {
    work();
  } catch (error) {
    leaveOut(error);
  }
}

const hasTexts = (value: object, names: readonly string[]): boolean =>
  names.every((name) => typeof Object.entries(value).find(([field]) => field === name)?.[1] === 'string');

const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && hasTexts(value, ['kind', 'tried', 'seen', 'source', 'remedy']);

/** The problem that a step’s failure carries. A poll whose deadline passed ends with its last “not ready” as cause. */
export function problemOf(error: unknown, { title, deadline }: StepDefinition): Problem {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const detail: unknown = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
  const told = isProblem(detail) ? detail : undefined;
  if (error instanceof ActivityFailure && (error.retryState === RetryState.TIMEOUT || told?.kind === 'NotReady'))
    return refused({
      tried: title,
      seen: `not done within ${deadline}; last seen: ${told?.seen ?? error.message}`,
      source: told?.source ?? 'this service',
      remedy: 'Look at the system; retry gives it the same time again.',
    }).problem;
  return (
    told ?? {
      kind: 'Unsafe',
      tried: title,
      seen: String(cause instanceof Error ? cause.message : cause).slice(0, 300),
      source: 'this service',
      remedy: 'See the worker’s log, then retry or abort.',
    }
  );
}

export const deadlinePassed = ({ id, deadline }: ApprovalView): Problem => ({
  kind: 'Refused',
  tried: `waiting for ${id}`,
  seen: `nobody decided before ${deadline}`,
  source: 'this service',
  remedy: 'Retry asks again; abort leaves everything as it is.',
});

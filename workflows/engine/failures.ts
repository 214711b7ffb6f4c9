import { ActivityFailure, ApplicationFailure, IllegalStateError, RetryState, TemporalFailure } from '@temporalio/common';
import { log, WorkflowError } from '@temporalio/workflow';
import { messageOf, type Problem, refused, type StepFailure, unsafe } from '../../domain/failure.ts';
import { isFailureCode } from '../../domain/failure-codes.ts';
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
  failureOfJob(
    'Bug',
    unsafe({
      code: 'WORKER_BUG',
      tried: 'carrying out the job',
      summary: bugText(error),
      remedy: 'Nothing was deleted. Report the bug; with a fixed version, send the same request again.',
    }),
  );

/** The failure of a job that does not begin, since its input breaks rules. */
export const refusedInput = (mistakes: readonly string[]): ApplicationFailure =>
  failureOfJob(
    'Refused',
    refused({
      code: 'WORKER_INPUT_INVALID',
      tried: 'starting the job',
      summary: `the request cannot be carried out: ${mistakes.join(' ')}`,
      remedy: 'Nothing was touched. Correct the request, then send it through the API, which validates it first.',
    }),
  );

const failureOfJob = (type: string, { message, problem }: StepFailure): ApplicationFailure => ApplicationFailure.nonRetryable(message, type, problem);

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
  typeof value === 'object' && value !== null && hasTexts(value, ['kind', 'tried', 'summary', 'remedy']) && 'code' in value && isFailureCode(value.code);

/** The problem that a step’s failure carries. A poll whose deadline passed ends with its last “not ready” as cause. */
export function problemOf(error: unknown, { title, deadline }: StepDefinition): Problem {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const detail: unknown = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
  const told = isProblem(detail) ? detail : undefined;
  if (error instanceof ActivityFailure && (error.retryState === RetryState.TIMEOUT || told?.kind === 'NotReady'))
    return refused({
      code: 'STEP_TIMED_OUT',
      tried: title,
      summary: `timed out after ${inWords(deadline)}; last status: ${told?.summary ?? error.message}`,
      ...(told?.evidence ? { evidence: told.evidence } : {}),
      remedy: 'Look at the system; retry gives it the same time again.',
    }).problem;
  return (
    told ??
    unsafe({
      code: 'STEP_FAILED',
      tried: title,
      summary: messageOf(cause).slice(0, 300),
      remedy: 'See the worker’s log, then retry or abort.',
    }).problem
  );
}

/** “1 hours” is how the catalog writes it. */
const inWords = (deadline: StepDefinition['deadline']): string => deadline.replace(/^1 (.*)s$/, '1 $1');

export const deadlinePassed = ({ id, deadline }: ApprovalView): Problem =>
  refused({
    code: 'APPROVAL_TIMED_OUT',
    tried: `waiting for ${id}`,
    summary: `nobody decided before ${deadline}`,
    remedy: 'Retry asks again; abort leaves everything as it is.',
  }).problem;

import { ActivityFailure, ApplicationFailure, RetryState } from '@temporalio/common';
import {
  ActivityCancellationType,
  CancellationScope,
  CancelledFailure,
  condition,
  defineQuery,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { type Problem, refused } from '../domain/failure.ts';
import type { ApprovalView, Progress, StepState, StepView } from '../domain/progress.ts';
import type { Outcome, ReportDraft } from '../domain/report.ts';
import { withoutTemplateText } from '../domain/request.ts';
import type { HsmSeen, Job as JobFacts, ManagerHolds, StepInput, StepResult, StepTypes } from '../domain/results.ts';
import { type ActivityId, type RequiredId, type SkippableId, type StepId, step as stepOf } from '../domain/steps.ts';
import { type ProvisionInput, queryNames } from '../temporal/contract.ts';
import { Board } from './board.ts';
import { type Ask, askToWipe, askToZeroize, Desk } from './desk.ts';
import { Ended } from './endings.ts';

type StepOutcome<Result> = { skipped: true } | { skipped: false; result: Result };

export const progressQuery = defineQuery<Progress>(queryNames.progress);

const now = () => new Date().toISOString();
const hours = 3_600_000;

/** Until them anybody may sign in to CipherTrust Manager with its initial password: they come after the step before them even where the job was cancelled meanwhile. */
const shutting: readonly StepId[] = ['admin-password', 'reset-password'];

/** Runs the steps of one job: publishes their progress, turns their failures into incidents and waits for people. */
export class Job {
  readonly request: ProvisionInput['request'];
  readonly board: Board;
  /** What the steps found out, for the report. */
  readonly results: { [Id in ActivityId]?: StepResult<Id> } = {};
  readonly #desk: Desk;
  readonly #facts: JobFacts;

  constructor({ request, requestedBy }: ProvisionInput) {
    const { workflowId, runId } = workflowInfo();
    this.request = request;
    this.#facts = { target: workflowId, runId, request: withoutTemplateText(request) };
    this.board = new Board({ startedAt: now(), requestedBy, hsmName: request.hsm.name, region: request.azure.region });
    this.#desk = new Desk(this.board);
    setHandler(progressQuery, () => this.board.progress);
  }

  /** Does the work while publishing what changes and judging what people decide; what is still in the queue at the end is judged too. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    let over = false;
    const office = CancellationScope.nonCancellable(async () => {
      while (!over) {
        await condition(() => over || this.board.hasNews || this.#desk.hasMail);
        this.#desk.judge();
        this.board.publish();
      }
    });
    try {
      return await CancellationScope.cancellable(work);
    } finally {
      over = true;
      await office;
      this.#desk.judge();
      this.board.publish();
    }
  }

  /** Runs a step that the job cannot do without to its end: it is done, or the job ends. */
  async step<Id extends RequiredId>(id: Id, needs: StepTypes[Id]['needs']): Promise<StepResult<Id>> {
    const outcome = await this.#carryOut(id, needs);
    if (outcome.skipped) throw new Error(`${id} cannot be skipped`);
    return outcome.result;
  }

  /** Runs a step that an operator may skip after a failure: then there is no result. */
  async skippableStep<Id extends SkippableId>(id: Id, needs: StepTypes[Id]['needs']): Promise<StepResult<Id> | undefined> {
    const outcome = await this.#carryOut(id, needs);
    return outcome.skipped ? undefined : outcome.result;
  }

  async #carryOut<Id extends ActivityId>(id: Id, needs: StepTypes[Id]['needs']): Promise<StepOutcome<StepResult<Id>>> {
    if (CancellationScope.current().consideredCancelled && !shutting.includes(id)) throw new CancelledFailure(`cancelled before ${id}`);
    this.board.step(id, { state: 'running', startedAt: now() });
    for (let attempts = 1; ; attempts++) {
      this.board.step(id, { state: 'running', attempts });
      try {
        const result = await this.#attempt(id, { ...this.#facts, ...needs, ...(attempts > 1 ? { order: attempts } : {}) } as StepInput<Id>);
        this.#finish(id, 'done');
        Object.assign(this.results, { [id]: result });
        return { skipped: false, result };
      } catch (error) {
        // After a cancel a failed step arrives as its own failure, not as a cancellation.
        if (isCancellation(error) || CancellationScope.current().consideredCancelled) {
          this.#finish(id, 'cancelled');
          throw new CancelledFailure(`cancelled at ${id}`);
        }
        if ((await this.#decide(id, problemOf(error, id))) === 'skip') {
          this.#skip(id);
          return { skipped: true };
        }
      }
    }
  }

  /** Waits until a person approves that exactly this HSM is zeroized. */
  approvalToZeroize(hsm: HsmSeen): Promise<ApprovalView> {
    return this.#approval('approve-zeroize', askToZeroize(hsm));
  }

  /** Waits until a person approves that exactly this CipherTrust Manager is wiped. Most jobs never ask, so it is no step of its own: the step that wipes waits. */
  approvalToWipe(manager: ManagerHolds): Promise<ApprovalView> {
    return this.#approval('set-root-of-trust', askToWipe(manager));
  }

  /** What is shown at a step until a person decides. A rejection ends the job; a missed deadline is an incident. */
  async #approval(id: StepId, ask: Ask): Promise<ApprovalView> {
    const { deadlineHours = 24, secondPerson = false } = this.request.approval ?? {};
    const terms = { requestedBy: this.board.progress.job.requestedBy, secondPerson, deadlineMs: deadlineHours * hours };
    this.board.step(id, { state: 'running', startedAt: this.board.progress.steps[id].startedAt ?? now() });
    for (let attempts = 1; ; attempts++) {
      this.board.step(id, { state: 'running', attempts });
      const approval = await this.#waiting(id, () => this.#desk.approval(ask, terms));
      if (approval.outcome === 'approved') {
        this.#finish(id, 'done');
        return approval;
      }
      if (approval.outcome === 'rejected') {
        this.#finish(id, 'failed');
        throw new Ended('rejected', `${approval.decision?.actor} rejected ${approval.id}`);
      }
      await this.#decide(id, deadlinePassed(approval));
    }
  }

  /** What was approved is not what is there any more. */
  stale(approval: ApprovalView): void {
    this.#desk.stale(approval);
  }

  /** When a step ended, ISO 8601. */
  finishedAt(id: StepId): string | undefined {
    return this.board.progress.steps[id].finishedAt;
  }

  /** Steps that this request does not ask for. */
  notNeeded(...ids: StepId[]): void {
    for (const id of ids) this.board.step(id, { state: 'not-needed' });
  }

  warn(...warnings: string[]): void {
    if (warnings.length > 0) this.board.job({ warnings: [...this.board.progress.job.warnings, ...warnings] });
  }

  /** Nothing is asked of anybody any more. */
  closeDesk(): void {
    this.#desk.judge();
    this.#desk.close();
  }

  /** What is known at the end. A stored report is itself the proof that the report step is done, so it says so. */
  report(outcome: Outcome): ReportDraft {
    const at = now();
    const { progress } = this.board;
    const own: StepView = { ...progress.steps.report, attempts: 1, state: 'done', finishedAt: at };
    own.startedAt ??= at;
    return {
      target: this.#facts.target,
      runId: this.#facts.runId,
      outcome,
      finishedAt: at,
      request: this.#facts.request,
      progress: { ...progress, steps: { ...progress.steps, report: own } },
      results: this.results,
    };
  }

  get facts(): JobFacts {
    return this.#facts;
  }

  async #decide(id: StepId, problem: Problem): Promise<'retry' | 'skip'> {
    this.board.step(id, { state: 'failed' });
    const decision = await this.#waiting(id, () => this.#desk.incident(id, problem));
    if (decision === 'abort') throw new Ended('aborted', `aborted at ${id}: ${problem.seen}`);
    return decision;
  }

  /** A cancel while a person is waited for ends the step as cancelled. */
  async #waiting<T>(id: StepId, forPerson: () => Promise<T>): Promise<T> {
    try {
      return await forPerson();
    } catch (error) {
      if (isCancellation(error)) this.#finish(id, 'cancelled');
      throw error;
    }
  }

  #skip(id: StepId): void {
    this.#finish(id, 'skipped');
    this.warn(`The step “${stepOf(id).title}” was skipped by decision of an operator.`);
  }

  #finish(id: StepId, state: StepState): void {
    this.board.step(id, { state, finishedAt: now() });
  }

  #attempt<Id extends ActivityId>(id: Id, input: StepInput<Id>): Promise<StepResult<Id>> {
    const { deadline, interruptible, title } = stepOf(id);
    const { [id]: activity } = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({
      summary: title,
      startToCloseTimeout: '5 minutes',
      heartbeatTimeout: '10 seconds',
      scheduleToCloseTimeout: deadline,
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED, // omitting it means TRY_CANCEL, whatever the doc comment says
      retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
    });
    const call = () => activity!(input) as Promise<StepResult<Id>>;
    return interruptible ? call() : CancellationScope.nonCancellable(call);
  }
}

/** The problem that a step’s failure carries. A poll whose deadline passed ends with its last “not ready” as cause. */
function problemOf(error: unknown, id: StepId): Problem {
  const { title, deadline } = stepOf(id);
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const told = cause instanceof ApplicationFailure ? (cause.details?.[0] as Problem | undefined) : undefined;
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

const deadlinePassed = ({ id, deadline }: ApprovalView): Problem => ({
  kind: 'Refused',
  tried: `waiting for ${id}`,
  seen: `nobody decided before ${deadline}`,
  source: 'this service',
  remedy: 'Retry asks again; abort leaves everything as it is.',
});

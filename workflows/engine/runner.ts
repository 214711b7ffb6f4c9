import { TemporalFailure } from '@temporalio/common';
import {
  ActivityCancellationType,
  CancellationScope,
  CancelledFailure,
  defineQuery,
  isCancellation,
  patched,
  scheduleActivity,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Problem } from '../../domain/failure.ts';
import type { ApprovalView, IncidentAction, Progress, StepState, StepView } from '../../domain/progress.ts';
import type { Outcome } from '../../domain/report.ts';
import { hasOutcome, type StepOutcome, type WithOutcome } from '../../domain/step-outcome.ts';
import type { StepDefinition } from '../../domain/steps.ts';
import { queryNames } from '../../temporal/contract.ts';
import { deadlinePassed, problemOf } from './failures.ts';
import { DecisionInbox } from './inbox.ts';
import { JobEnded } from './job-ended.ts';
import type {
  ActivityOf,
  AmendedInput,
  ApprovalTerms,
  Ask,
  GivesOf,
  JobRecord,
  NeedsOf,
  Procedure,
  ProcedureTypes,
  RequiredOf,
  ResultsOf,
  SkippableOf,
  StepOf,
} from './procedure.ts';
import { ProgressPublisher } from './publisher.ts';

const progressQuery = defineQuery<Progress<string>>(queryNames.progress);

const now = () => new Date().toISOString();

const thisJob = () => {
  const { workflowId: target, runId } = workflowInfo();
  return { target, runId };
};

type NeedsAnew<Needs> = () => Needs | Promise<Needs>;

interface Under<T extends ProcedureTypes, Id extends ActivityOf<T>> {
  /** The step that is shown as waiting. */
  at: StepOf<T>;
  ask: () => Ask<StepOf<T>>;
  needs: (approval: ApprovalView) => NeedsOf<T, Id>;
}

type CarriedOut<Result> = { skipped: true } | { skipped: false; result: Result };

/** Runs the steps of one job: publishes their progress, turns their failures into incidents and waits for people. */
export class JobRunner<T extends ProcedureTypes> {
  /** What the steps found out, for later ones and the report. */
  readonly results: ResultsOf<T> = {};
  readonly publisher: ProgressPublisher<StepOf<T>>;
  readonly inbox: DecisionInbox<StepOf<T>>;
  readonly #procedure: Procedure<T>;
  #input: T['input'];
  #facts: T['facts'];

  constructor(procedure: Procedure<T>, input: T['input']) {
    this.#procedure = procedure;
    this.#input = input;
    this.#facts = procedure.facts(input, thisJob());
    const job = { startedAt: now(), requestedBy: input.requestedBy, ...procedure.about(input) };
    this.publisher = new ProgressPublisher(procedure.name, procedure, job);
    this.inbox = new DecisionInbox(this.publisher, { judge: (amendment) => this.#amended(amendment), apply: (amendment) => this.#amend(amendment) });
    setHandler(progressQuery, () => this.publisher.progress);
  }

  /** What the job was started with, as people amended it since. */
  get input(): T['input'] {
    return this.#input;
  }

  /** What every step is told. */
  get facts(): T['facts'] {
    return this.#facts;
  }

  /** Runs a step that the job cannot do without to its end: it is done, or the job ends. Needs that rest on the input are given anew for each attempt. */
  async step<Id extends RequiredOf<T>>(id: Id, needs: NeedsOf<T, Id> | NeedsAnew<NeedsOf<T, Id>>): Promise<GivesOf<T, Id>> {
    const outcome = await this.#carryOut(id, needs);
    if (outcome.skipped) throw new Error(`the step ${id} cannot be skipped`);
    return outcome.result;
  }

  /** Runs a step under an approval: asks for it first, and again before a further attempt if an amendment made the answer count for nothing. */
  async stepUnder<Id extends RequiredOf<T>>(id: Id, { at, ask, needs }: Under<T, Id>): Promise<{ result: GivesOf<T, Id>; approval: ApprovalView }> {
    let approval = await this.approval(at, ask);
    const result = await this.step(id, async () => {
      if (this.inbox.isStale(approval)) approval = await this.approval(at, ask);
      return needs(approval);
    });
    return { result, approval };
  }

  /** Runs a step that an operator may skip after a failure: then there is no result. */
  async skippableStep<Id extends SkippableOf<T>>(id: Id, needs: NeedsOf<T, Id>): Promise<GivesOf<T, Id> | undefined> {
    const outcome = await this.#carryOut(id, needs);
    return outcome.skipped ? undefined : outcome.result;
  }

  /**
   * Waits until a person approves what is asked; shown at a step until then. A rejection ends the job; a missed deadline is an incident, and its retry asks
   * again. So does an amendment that changes what the question shows.
   */
  async approval(id: StepOf<T>, ask: () => Ask<StepOf<T>>): Promise<ApprovalView> {
    const terms = this.#procedure.approvalTerms(this.input);
    this.publisher.step(id, { state: 'running', startedAt: this.publisher.progress.steps[id].startedAt ?? now() });
    for (let attempts = 1; ; attempts++) {
      this.publisher.step(id, { state: 'running', attempts });
      const approval = await this.#answered(id, ask, terms);
      if (approval.outcome === 'approved') {
        await this.#enter(id, approval);
        this.#finish(id, 'done');
        return approval;
      }
      if (approval.outcome === 'rejected') {
        this.#finish(id, 'failed');
        throw new JobEnded('rejected', `${approval.decision?.actor} rejected ${approval.id}`);
      }
      await this.#decide(id, deadlinePassed(approval), ['retry', 'abort']);
    }
  }

  /**
   * Enters an approval that counts outside the workflow, whose state others may set: what is done under it requires that entry. Histories of jobs that began before
   * this was so must replay: an approval that was given in one of them is not entered, and what erases refuses it.
   */
  async #enter(id: StepOf<T>, approval: ApprovalView): Promise<void> {
    if (!patched('enter-approvals')) return;
    const { activity, of } = this.#procedure.approvalEntry;
    const definition: StepDefinition = {
      ...this.#procedure.steps[id],
      title: 'Enter the approval',
      deadline: '10 minutes',
      interruptible: true,
      skippable: false,
    };
    for (;;) {
      try {
        await attempt(activity, definition, { ...this.facts, ...of(approval) });
        return;
      } catch (error) {
        await this.#afterFailure(id, definition, error);
        this.publisher.step(id, { state: 'running' });
      }
    }
  }

  /** What was approved is not what is there any more. */
  stale(approval: ApprovalView): void {
    this.inbox.stale(approval);
  }

  async #answered(id: StepOf<T>, ask: () => Ask<StepOf<T>>, terms: ApprovalTerms): Promise<ApprovalView> {
    for (;;) {
      const approval = await this.#waiting(id, () => this.inbox.approval(ask(), this.input.requestedBy, terms));
      if (approval.outcome !== 'stale') return approval;
    }
  }

  #amended(amendment: unknown): AmendedInput<T['input']> {
    return this.#procedure.amend(this.#input, amendment, this.publisher.progress.steps);
  }

  #amend(amendment: unknown): void {
    const amended = this.#amended(amendment);
    if (!amended.ok) return;
    this.#input = amended.input;
    this.#facts = this.#procedure.facts(amended.input, thisJob());
  }

  /** When a step ended, ISO 8601. */
  finishedAt(id: StepOf<T>): string | undefined {
    return this.publisher.progress.steps[id].finishedAt;
  }

  /** Steps that this job does not ask for. */
  notNeeded(...ids: StepOf<T>[]): void {
    for (const id of ids) this.publisher.step(id, { state: 'not-needed' });
  }

  warn(...warnings: string[]): void {
    this.publisher.warn(warnings);
  }

  /** What is known now, as the job ends. A stored report is itself the proof that the step which stores it is done, so it says so. */
  record(outcome: Outcome): JobRecord<T> {
    const at = now();
    const { progress } = this.publisher;
    const { report } = this.#procedure.earlyEnd;
    const own: StepView = { ...progress.steps[report], attempts: 1, state: 'done', finishedAt: at };
    own.startedAt ??= at;
    return { outcome, finishedAt: at, facts: this.facts, progress: { ...progress, steps: { ...progress.steps, [report]: own } }, results: this.results };
  }

  async #carryOut<Id extends ActivityOf<T>>(id: Id, needs: NeedsOf<T, Id> | NeedsAnew<NeedsOf<T, Id>>): Promise<CarriedOut<GivesOf<T, Id>>> {
    const definition = this.#procedure.steps[id];
    if (CancellationScope.current().consideredCancelled && !definition.mustFollow) throw new CancelledFailure(`cancelled before ${id}`);
    this.publisher.step(id, { state: 'running', startedAt: now() });
    for (let attempts = 1; ; attempts++) {
      const given = typeof needs === 'function' ? await needs() : needs;
      this.publisher.step(id, { state: 'running', attempts });
      try {
        const { result, outcome } = await attempt<GivesOf<T, Id>>(id, definition, { ...this.facts, ...given, ...(attempts > 1 ? { order: attempts } : {}) });
        this.#finish(id, 'done', outcome);
        this.results[id] = result;
        return { skipped: false, result };
      } catch (error) {
        if ((await this.#afterFailure(id, definition, error)) === 'skip') return { skipped: true };
      }
    }
  }

  /** What a person decides about a step that failed. */
  async #afterFailure(id: StepOf<T>, definition: StepDefinition, error: unknown): Promise<'retry' | 'skip'> {
    // A bug is no failure of the step, and nothing that a person could decide about.
    if (!(error instanceof TemporalFailure)) throw error;
    // After a cancel a failed step arrives as its own failure, not as a cancellation.
    if (isCancellation(error) || CancellationScope.current().consideredCancelled) {
      this.#finish(id, 'cancelled');
      throw new CancelledFailure(`cancelled at ${id}`);
    }
    const actions: IncidentAction[] = definition.skippable ? ['retry', 'skip', 'abort'] : ['retry', 'abort'];
    const decision = await this.#decide(id, problemOf(error, definition), actions);
    if (decision === 'skip') {
      this.#finish(id, 'skipped');
      this.warn(`The step “${definition.title}” was skipped by decision of an operator.`);
    }
    return decision;
  }

  async #decide(id: StepOf<T>, problem: Problem, actions: IncidentAction[]): Promise<'retry' | 'skip'> {
    this.publisher.step(id, { state: 'failed' });
    const decision = await this.#waiting(id, () => this.inbox.incident(id, problem, actions));
    if (decision === 'abort') throw new JobEnded('aborted', `aborted at ${id}: ${problem.summary}`);
    return decision;
  }

  /** A cancel while a person is waited for ends the step as cancelled. */
  async #waiting<Answer>(id: StepOf<T>, forPerson: () => Promise<Answer>): Promise<Answer> {
    try {
      return await forPerson();
    } catch (error) {
      if (isCancellation(error)) this.#finish(id, 'cancelled');
      throw error;
    }
  }

  #finish(id: StepOf<T>, state: StepState, outcome?: StepOutcome): void {
    this.publisher.step(id, { state, finishedAt: now(), ...(outcome ? { outcome } : {}) });
  }
}

async function attempt<Result>(
  id: string,
  { deadline, interruptible, title }: StepDefinition,
  input: object,
): Promise<{ result: Result; outcome?: StepOutcome }> {
  const call = () =>
    scheduleActivity<Result | WithOutcome<Result>>(id, [input], {
      summary: title,
      // A later attempt first waits out the longest LunaSH command (150 s), then may need as long for its own.
      startToCloseTimeout: '10 minutes',
      heartbeatTimeout: '10 seconds',
      scheduleToCloseTimeout: deadline,
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED, // omitting it means TRY_CANCEL: docs/reference/temporal.md#cancellation-type
      // After an attempt that was lost with its worker. One that failed says itself when the next one is made.
      retry: { initialInterval: '1 second', backoffCoefficient: 1 },
    });
  const given = await (interruptible ? call() : CancellationScope.nonCancellable(call));
  return hasOutcome(given) ? { result: given.result, outcome: given.stepOutcome } : { result: given };
}

import { createHash, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  type WorkflowExecutionInfo,
  WorkflowNotFoundError,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { Value } from 'typebox/value';
import { canonical } from '../domain/canonical.ts';
import type { SignalName, SignalOf } from '../domain/decisions.ts';
import { type DecisionView, fractionDone, type JobState, openApproval, openIncidents, type Progress, pendingSteps } from '../domain/progress.ts';
import type { ProvisioningRequest } from '../domain/request.ts';
import { jobState } from '../domain/schemas/progress.ts';
import { catalog, forAllSteps, stepIds } from '../domain/steps.ts';
import { type ProvisionInput, searchAttributes, workflowName } from '../temporal/contract.ts';
import { type PublishedProgress, readProgress, readStartMemo, type StartMemo } from '../temporal/read-progress.ts';
import { checkAmendment, currentRequest } from './amendments.ts';
import { conditionsOf, type JobFilter, letsThrough } from './job-filter.ts';
import { HttpProblem } from './problem.ts';
import type { JobView, ListedJob } from './schemas/responses.ts';
import { withSearchAttributes } from './search-attributes.ts';
import { isListedAsStuck, type Stuck, stuckOf } from './stuck.ts';
import { targetId } from './target.ts';
import { ask } from './temporal.ts';
import type { Workers } from './workers.ts';

/** A job that was started, now or by the same request before. */
export interface StartedJob {
  id: string;
  runId: string;
  state: JobState;
}

const { state, procedure, hsmName, region, requestedBy: requester, awaitingApproval, hasIncident } = searchAttributes;
const keyword = ({ name, type }: { name: string; type: 'KEYWORD' }) => defineSearchAttributeKey(name, type);
const flag = ({ name, type }: { name: string; type: 'BOOL' }) => defineSearchAttributeKey(name, type);

/** What a job can be found by from its first moment, before any worker takes it up. */
const attributesAtStart = ({ hsm, azure }: ProvisioningRequest, requestedBy: string): SearchAttributePair[] => [
  { key: keyword(state), value: 'running' },
  { key: keyword(procedure), value: workflowName },
  { key: keyword(hsmName), value: hsm.name },
  { key: keyword(region), value: azure.region },
  { key: keyword(requester), value: requestedBy },
  { key: flag(awaitingApproval), value: false },
  { key: flag(hasIncident), value: false },
];

const bodyHashOf = (request: ProvisioningRequest): string => createHash('sha256').update(canonical(request)).digest('hex');
export const linkOf = (id: string): string => `/v1/jobs/${id}`;
const closedStates: Record<string, JobState> = { TERMINATED: 'failed', TIMED_OUT: 'failed', FAILED: 'failed', CANCELLED: 'cancelled' };
const verdictPatienceMs = 2_000;
const readyPatienceMs = 2_000;
const verdictPollMs = 50;

/** Jobs in Temporal: starts them, tells how they are, and passes decisions on. Everything is read from Temporal, so it works with no worker alive. */
export class JobService {
  readonly #client: Client;
  /** Jobs on another queue are another installation’s: they are not shown, and nothing is decided about them. */
  readonly #taskQueue: string;
  readonly #workers: Pick<Workers, 'missing'>;

  constructor(client: Client, taskQueue: string, workers: Pick<Workers, 'missing'>) {
    this.#client = client;
    this.#taskQueue = taskQueue;
    this.#workers = workers;
  }

  get #ours(): string {
    return `WorkflowType = '${workflowName}' AND TaskQueue = '${this.#taskQueue}'`;
  }

  /** Starts a job, or finds the one that the same request started before. A busy target and a key with another body are refused. */
  async start(request: ProvisioningRequest, requestedBy: string, idempotencyKey: string = randomUUID()): Promise<StartedJob> {
    const id = targetId(request);
    const bodyHash = bodyHashOf(request);
    const begin = (workflowIdReusePolicy: 'REJECT_DUPLICATE' | 'ALLOW_DUPLICATE') => {
      const input: ProvisionInput = { request, requestedBy };
      const options: WorkflowStartOptions = {
        taskQueue: this.#taskQueue,
        workflowId: id,
        args: [input],
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy,
        memo: { requestedBy, idempotencyKey, bodyHash, hsmName: request.hsm.name, region: request.azure.region } satisfies StartMemo,
        typedSearchAttributes: attributesAtStart(request, requestedBy),
        staticSummary: `Root of trust on ${request.hsm.name} in ${request.azure.region}`,
      };
      return withSearchAttributes(this.#client, () => ask(this.#client, () => this.#client.workflow.start(workflowName, options)));
    };
    const started = await begin('REJECT_DUPLICATE').catch(alreadyStarted);
    if (started) return { id, runId: started.firstExecutionRunId, state: 'running' };
    for (const isLast of [false, true]) {
      const latest = await this.#latest(id);
      const before = await this.#startedBefore(latest, { idempotencyKey, bodyHash });
      if (before) return before;
      if (latest.status.name === 'RUNNING' || isLast) break;
      const again = await begin('ALLOW_DUPLICATE').catch(alreadyStarted);
      if (again) return { id, runId: again.firstExecutionRunId, state: 'running' };
      // Somebody was faster: perhaps the same request, sent twice at once.
    }
    throw new HttpProblem(
      409,
      'The HSM has a job already',
      `${request.hsm.name} already has an active job, and one HSM has one job at a time. Nothing was started. Follow or cancel that job, then send the request again.`,
      { job: linkOf(id) },
    );
  }

  /** The run that a request with this key started before, if any; another body under the key, and another installation’s job, are refused. */
  async #startedBefore(
    latest: WorkflowExecutionDescription,
    { idempotencyKey, bodyHash }: Pick<StartMemo, 'idempotencyKey' | 'bodyHash'>,
  ): Promise<StartedJob | undefined> {
    const { workflowId: id, runId, status, memo, taskQueue } = latest;
    const isOurs = taskQueue === this.#taskQueue;
    if (!isOurs && status.name === 'RUNNING') throw elsewhere(id);
    const runs = [...(isOurs ? [{ runId, memo: readStartMemo(memo) }] : []), ...(await this.#runsOf(id))];
    const before = runs.find((run) => run.memo.idempotencyKey === idempotencyKey);
    if (!before) return undefined;
    if (before.memo.bodyHash === bodyHash) return { id, runId: before.runId, state: await this.#stateOf(id, before.runId) };
    throw new HttpProblem(
      422,
      'The key was used before',
      'This Idempotency-Key belongs to a request with another body. Nothing was started. Send this request with a new key.',
      { job: linkOf(id) },
    );
  }

  /** The target’s runs, as long as Temporal keeps them. */
  #runsOf(id: string): Promise<{ runId: string; memo: StartMemo }[]> {
    return ask(this.#client, async () => {
      const runs = [];
      for await (const { runId, memo } of this.#client.workflow.list({ query: `${this.#ours} AND WorkflowId = '${id}'` }))
        runs.push({ runId, memo: readStartMemo(memo) });
      return runs;
    });
  }

  async #stateOf(id: string, runId: string): Promise<JobState> {
    const found = await ask(this.#client, () => this.#client.workflow.getHandle(id, runId).describe());
    return stateOf(published(found).progress, found.status.name);
  }

  async describe(id: string): Promise<WorkflowExecutionDescription> {
    const found = await this.#latest(id);
    if (found.taskQueue === this.#taskQueue) return found;
    throw none(id);
  }

  /** The newest run, and whether it is over: what a job stored before its end may not be the last word. */
  async newestRun(id: string): Promise<{ runId: string; isOver: boolean }> {
    const found = await this.describe(id);
    return { runId: found.runId, isOver: found.status.name !== 'RUNNING' || published(found).progress?.job.finishedAt !== undefined };
  }

  /** Whoever’s it is. */
  async #latest(id: string): Promise<WorkflowExecutionDescription> {
    try {
      const found = await ask(this.#client, () => this.#client.workflow.getHandle(id).describe());
      if (found.type === workflowName) return found;
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
    throw none(id);
  }

  async show(id: string): Promise<JobView> {
    const [description, workers] = await Promise.all([this.describe(id), this.#workers.missing()]);
    return {
      ...shown(id, description, await stuckOf(this.#client, description)),
      ...(workers && description.status.name === 'RUNNING' ? { workers } : {}),
    };
  }

  /** The newest jobs that the filter lets through. */
  async list(filter: JobFilter, limit: number): Promise<ListedJob[]> {
    const workers = await this.#workers.missing();
    const query = [this.#ours, ...conditionsOf(filter)].join(' AND ');
    const read = async () => {
      const found: ListedJob[] = [];
      for await (const execution of this.#client.workflow.list({ query })) {
        const job = listed(execution);
        // What Temporal’s index finds may be a moment old; the memo beside it is newer or of the same age.
        if (!letsThrough(filter, job)) continue;
        found.push({ ...job, ...(workers && execution.status.name === 'RUNNING' ? { workers } : {}) });
        if (found.length >= limit) break;
      }
      return found;
    };
    return withSearchAttributes(this.#client, () => ask(this.#client, read));
  }

  /** Sends a decision and waits shortly for its verdict, or the refusal of before where that stands; undefined where no worker has judged it yet. */
  async decide<Name extends SignalName>(id: string, signal: Name, payload: SignalOf<Name>): Promise<DecisionView | undefined> {
    const { status, runId } = await this.describe(id);
    const find = async () => {
      const decisions = published(await this.describe(id)).progress?.decisions ?? [];
      const ofKey = decisions.filter(({ decisionId }) => decisionId === payload.decisionId);
      const same = ofKey.filter((found) => isSame(found, signal, payload));
      const [first] = ofKey;
      if (first && same.length === 0)
        throw new HttpProblem(422, 'The key was used before', 'This Idempotency-Key belongs to another decision.', { decision: first, job: linkOf(id) });
      return same.find(({ verdict }) => verdict === 'accepted') ?? same.toSorted((one, other) => one.at.localeCompare(other.at)).at(-1);
    };
    // One that was refused is sent again: it may have been corrected, or its time may have come.
    const before = await find();
    if (before?.verdict === 'accepted') return before;
    if (status.name !== 'RUNNING') {
      if (before) return before;
      throw over(id);
    }
    if ('amendment' in payload) await this.#checkAmendment({ id, runId }, payload.amendment);
    // To this run alone: what was decided about it must not reach a later one.
    await ask(this.#client, () => this.#client.workflow.getHandle(id, runId).signal(signal, payload)).catch(endedMeanwhile(id));
    // By a clock that nobody sets: with one that is set back meanwhile the request would hang.
    for (const end = performance.now() + verdictPatienceMs; performance.now() < end; ) {
      const verdict = await find();
      if (verdict && !isDeepStrictEqual(verdict, before)) return verdict;
      await new Promise((resolve) => setTimeout(resolve, verdictPollMs));
    }
    // Where it is refused for the same reason again, the job says nothing new.
    return before;
  }

  /** What the job itself would refuse is told with every mistake, and never sent. */
  async #checkAmendment({ id, runId }: { id: string; runId: string }, amendment: unknown): Promise<void> {
    const { progress } = published(await this.describe(id));
    if (!progress) return;
    const request = await currentRequest(this.#client, { id, runId, decisions: progress.decisions });
    checkAmendment(request, amendment, progress.steps);
  }

  async cancel(id: string): Promise<void> {
    const { status, runId } = await this.describe(id);
    if (status.name !== 'RUNNING') throw over(id);
    await ask(this.#client, () => this.#client.workflow.getHandle(id, runId).cancel()).catch(endedMeanwhile(id));
  }

  /** Does Temporal answer? */
  async ready(): Promise<void> {
    await ask(this.#client, () => this.#client.connection.workflowService.getSystemInfo({}), readyPatienceMs);
  }
}

const alreadyStarted = (error: unknown): undefined => {
  if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
  throw error;
};

const over = (id: string): HttpProblem =>
  new HttpProblem(409, 'The job is over', `The job ${id} has ended and accepts no more decisions. Nothing was changed.`, { job: linkOf(id) });

/** Temporal does not know a run that is over when something is sent to it. */
const endedMeanwhile = (id: string) => (error: unknown) => {
  throw error instanceof WorkflowNotFoundError ? over(id) : error;
};

const none = (id: string): HttpProblem => new HttpProblem(404, 'No such job', `There is no job ${id}.`);
const elsewhere = (id: string): HttpProblem =>
  new HttpProblem(
    409,
    'The HSM has a job elsewhere',
    `Another installation in the same Temporal namespace, with another HSM_TASK_QUEUE, has the active job ${id}. Nothing was changed. Use that installation, or wait until the job ends.`,
  );

/** Texts of a decision as they are kept: the workflow cuts long ones. */
const truncated = (text: string | undefined): string => (text ?? '').slice(0, 300);

/** A refused one says nothing of what it would have changed. */
const hasAmendment = ({ verdict, changes }: DecisionView, payload: SignalOf<SignalName>): boolean =>
  verdict === 'refused' || (changes !== undefined) === 'amendment' in payload;

/** Is this the decision that was sent before under its key? */
function isSame(found: DecisionView, signal: SignalName, payload: SignalOf<SignalName>): boolean {
  const [kind, about] = 'action' in payload ? [payload.action, payload.incidentId] : [signal, payload.approvalId];
  const { actor, comment } = payload;
  return (
    found.kind === kind &&
    found.about === truncated(about) &&
    found.actor === truncated(actor) &&
    truncated(found.comment) === truncated(comment) &&
    hasAmendment(found, payload)
  );
}

/** What a job published last; but one that was ended by force could not say so itself. */
const stateOf = (progress: Progress | undefined, status: string): JobState => {
  const published = progress?.job.state ?? 'running';
  return progress?.job.finishedAt === undefined ? (closedStates[status] ?? published) : published;
};

type Execution = Pick<WorkflowExecutionInfo, 'memo' | 'startTime' | 'status' | 'typedSearchAttributes'>;

/** What a job published, and what of it cannot be read: then it is shown as what it was started as, in the state that Temporal knows. */
function published(execution: Execution): PublishedProgress {
  const { memo, startTime, status, typedSearchAttributes } = execution;
  const indexed = (name: string): unknown => typedSearchAttributes.getAll().find(({ key }) => key.name === name)?.value;
  const stateThere = indexed(state.name);
  const substitute = {
    ...waiting(readStartMemo(memo), startTime).job,
    state: Value.Check(jobState, stateThere) ? stateThere : (closedStates[status.name] ?? 'running'),
    awaitingApproval: indexed(awaitingApproval.name) === true,
    hasIncident: indexed(hasIncident.name) === true,
  };
  return readProgress(memo ?? {}, substitute);
}

function listed(execution: WorkflowExecutionInfo): ListedJob {
  const { workflowId, runId, status, startTime, closeTime, memo } = execution;
  const { progress, unreadable } = published(execution);
  const isOpen = progress !== undefined && status.name === 'RUNNING';
  // Where something cannot be read, what is open may be among it; the job itself counted it.
  const { awaitingApproval = false, hasIncident = false } = unreadable.length > 0 ? (progress?.job ?? {}) : {};
  const { hsmName, requestedBy } = readStartMemo(memo);
  return {
    id: workflowId,
    runId,
    state: isListedAsStuck(execution) ? 'stuck' : stateOf(progress, status.name),
    awaitingApproval: isOpen && (awaitingApproval || openApproval(progress) !== undefined),
    hasIncident: isOpen && (hasIncident || openIncidents(progress).length > 0),
    ...(hsmName === undefined ? {} : { hsmName }),
    ...(requestedBy === undefined ? {} : { requestedBy }),
    ...(unreadable.length > 0 ? { unreadable } : {}),
    startedAt: startTime.toISOString(),
    ...(closeTime ? { finishedAt: closeTime.toISOString() } : {}),
    link: linkOf(workflowId),
  };
}

/** A job that no worker has taken up yet. */
function waiting({ hsmName = '', region = '', requestedBy = 'unknown' }: StartMemo, startTime: Date): Progress {
  return {
    job: {
      state: 'running',
      revision: 0,
      startedAt: startTime.toISOString(),
      requestedBy,
      hsmName,
      region,
      warnings: [],
      awaitingApproval: false,
      hasIncident: false,
    },
    steps: pendingSteps(stepIds),
    incidents: [],
    approvals: [],
    decisions: [],
  };
}

function shown(id: string, execution: WorkflowExecutionDescription, stuck: Stuck | undefined): JobView {
  const { memo, status, runId, startTime, raw } = execution;
  const { progress = waiting(readStartMemo(memo), startTime), unreadable } = published(execution);
  const details = new Map((raw.pendingActivities ?? []).map(({ activityType, lastFailure }) => [activityType?.name, lastFailure?.message]));
  const steps = forAllSteps((step) => {
    const view = progress.steps[step];
    const detail = view.state === 'running' ? details.get(step) : undefined;
    return { ...view, title: catalog[step].title, phase: catalog[step].phase, ...(detail ? { detail } : {}) };
  });
  const home = linkOf(id);
  return {
    id,
    runId,
    percent: Math.round(fractionDone(progress) * 100),
    ...progress,
    steps,
    job: { ...progress.job, state: stuck ? 'stuck' : stateOf(progress, status.name) },
    ...(stuck ? { stuck } : {}),
    ...(unreadable.length > 0 ? { unreadable } : {}),
    links: { self: home, events: `${home}/events`, report: `${home}/report`, cancel: `${home}/cancel` },
  };
}

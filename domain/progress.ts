import type { AmendedField } from './amendments.ts';
import type { Problem } from './failure.ts';
import type { HsmSeen, ManagerHolds } from './results.ts';
import type { StepOutcome } from './step-outcome.ts';
import { catalogue, idsOf, type StepId } from './steps.ts';

/** A job as people and programs see it, whatever its procedure. The workflow publishes it as memo keys, so that it can be read with no worker alive. */

/** `stuck` is never published by the job itself: the API finds it where the workflow’s code keeps failing. */
export type JobState = 'running' | 'awaiting-approval' | 'incident' | 'stuck' | 'completed' | 'rejected' | 'aborted' | 'cancelled' | 'failed';
export type StepState = 'pending' | 'running' | 'done' | 'skipped' | 'not-needed' | 'failed' | 'cancelled';

export interface StepView {
  state: StepState;
  /** ISO 8601. */
  startedAt?: string;
  finishedAt?: string;
  /** 1, and one more for every retry that a person ordered; polls do not count. */
  attempts: number;
  /** Of a step that is done: did it act? `changed`, too, where that is not known. */
  outcome?: StepOutcome;
}

export type IncidentAction = 'retry' | 'skip' | 'abort';

export interface IncidentView<Id extends string = StepId> {
  id: string;
  step: Id;
  problem: Problem;
  /** What may be decided. */
  actions: IncidentAction[];
  openedAt: string;
  closedAt?: string;
  /** `amended`: the fields of the request that changed with it; the decision itself holds the difference. */
  decision?: { action: string; actor: string; comment?: string; amended?: string[] };
}

/** What an approval is about. */
export interface ApprovalSubject {
  /** What is asked, in one sentence. */
  question: string;
  /** What is lost by it. */
  loses: string;
  /** What it is about: an HSM that is to be zeroized, or a CipherTrust Manager that is to be wiped. */
  hsm?: HsmSeen;
  manager?: ManagerHolds;
}

export interface ApprovalView extends ApprovalSubject {
  id: string;
  requestedBy: string;
  secondPerson: boolean;
  askedAt: string;
  deadline: string;
  remindedAt?: string;
  closedAt?: string;
  outcome?: 'approved' | 'rejected' | 'expired' | 'stale';
  decision?: { actor: string; comment?: string };
}

export type Verdict = 'accepted' | 'refused';

/** Every decision that arrived, refused ones included. */
export interface DecisionView {
  decisionId: string;
  kind: 'approve' | 'reject' | 'retry' | 'skip' | 'abort' | 'invalid';
  /** The approval or incident it names. */
  about: string;
  actor: string;
  comment?: string;
  at: string;
  verdict: Verdict;
  /** Why it was refused. */
  reason?: string;
  /** What it changed in the request. */
  changes?: AmendedField[];
}

/** Where a report is. */
export interface StoredReport {
  json: string;
  markdown: string;
}

export interface JobView {
  /** What a person must know first. What is open beside it stands below. */
  state: JobState;
  /** Does an approval wait for an answer, whatever the state shown? */
  awaitingApproval: boolean;
  /** Is an incident open, whatever the state shown? */
  hasIncident: boolean;
  /** Goes up with every publication. */
  revision: number;
  startedAt: string;
  finishedAt?: string;
  requestedBy: string;
  hsmName: string;
  region: string;
  warnings: string[];
  /** Where the report is, when there is one. */
  report?: StoredReport;
  /** What exists after an abnormal end. */
  inventory?: string[];
}

export interface Progress<Id extends string = StepId> {
  job: JobView;
  steps: Record<Id, StepView>;
  incidents: IncidentView<Id>[];
  approvals: ApprovalView[];
  decisions: DecisionView[];
}

/** The steps of a job before its first one. */
export const pendingSteps = <Id extends string>(ids: readonly Id[]): Record<Id, StepView> =>
  Object.fromEntries(ids.map((id): [Id, StepView] => [id, { state: 'pending', attempts: 0 }])) as Record<Id, StepView>;

/** Done steps ÷ all steps that this job has, 0 to 1. */
export function fractionDone<Id extends string>({ steps }: Pick<Progress<Id>, 'steps'>): number {
  const counted = idsOf(steps).filter((id) => steps[id].state !== 'not-needed');
  const finished = counted.filter((id) => steps[id].state === 'done' || steps[id].state === 'skipped');
  return finished.length / counted.length;
}

export const titleOf = (id: StepId): string => catalogue[id].title;

const over: readonly JobState[] = ['completed', 'rejected', 'aborted', 'cancelled', 'failed'];
/** Does nothing change any more? */
export const isOver = (state: JobState): boolean => over.includes(state);

export const openIncidents = <Id extends string>({ incidents }: Pick<Progress<Id>, 'incidents'>): IncidentView<Id>[] =>
  incidents.filter(({ closedAt }) => closedAt === undefined);
export const openApproval = ({ approvals }: Pick<Progress, 'approvals'>): ApprovalView | undefined => approvals.find(({ closedAt }) => closedAt === undefined);

/** What a person must know first: an incident counts more than an approval, an approval more than that it runs. */
export function shownState<Id extends string>(progress: Progress<Id>): JobState {
  if (isOver(progress.job.state) || progress.job.state === 'stuck') return progress.job.state;
  if (openIncidents(progress).length > 0) return 'incident';
  return openApproval(progress) ? 'awaiting-approval' : 'running';
}

/** The first section that is not finished. */
export function currentPhase<Id extends string>({ steps }: Pick<Progress<Id>, 'steps'>, catalogue: Readonly<Record<Id, { phase: string }>>): string {
  const ids = idsOf(catalogue);
  const open = ids.find((id) => ['pending', 'running', 'failed'].includes(steps[id].state)) ?? ids.at(-1);
  return open === undefined ? '' : catalogue[open].phase;
}

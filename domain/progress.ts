import type { Problem } from './failure.ts';
import type { HsmSeen, ManagerHolds } from './results.ts';
import { catalogue, type PhaseId, type StepId, stepIds } from './steps.ts';

/** A job as people and programs see it. The workflow publishes it as memo keys, so that it can be read with no worker alive. */

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
}

export interface IncidentView {
  id: string;
  step: StepId;
  problem: Problem;
  /** What may be decided. */
  actions: ('retry' | 'skip' | 'abort')[];
  openedAt: string;
  closedAt?: string;
  decision?: { action: string; actor: string; comment?: string };
}

export interface ApprovalView {
  id: string;
  /** What is asked, in one sentence. */
  question: string;
  /** What is lost by it. */
  loses: string;
  /** What it is about: an HSM that is to be zeroized, or a CipherTrust Manager that is to be wiped. */
  hsm?: HsmSeen;
  manager?: ManagerHolds;
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
}

export interface JobView {
  state: JobState;
  /** Goes up with every publication. */
  revision: number;
  startedAt: string;
  finishedAt?: string;
  requestedBy: string;
  hsmName: string;
  region: string;
  warnings: string[];
  /** Where the report is, when there is one. */
  report?: { json: string; markdown: string };
  /** What exists after an abnormal end. */
  inventory?: string[];
}

export interface Progress {
  job: JobView;
  steps: Record<StepId, StepView>;
  incidents: IncidentView[];
  approvals: ApprovalView[];
  decisions: DecisionView[];
}

/** The memo keys: `job`, `step.{id}`, `incident-{n}-{of the run}`, `approve-zeroize-{n}-{of the run}`, `approve-wipe-{n}-{of the run}`, `decision-{n}`. Beside them the API writes who asked and the request’s key at the start. */
export const memoKeys = {
  job: 'job',
  step: (id: StepId) => `step.${id}`,
  incident: /^incident-(\d+)-\w+$/,
  approval: /^approve-(?:zeroize|wipe)-(\d+)-\w+$/,
  decision: /^decision-(\d+)$/,
} as const;

const numbered = <View>(memo: Record<string, unknown>, pattern: RegExp): View[] =>
  Object.keys(memo)
    .flatMap((key) => {
      const [, number] = pattern.exec(key) ?? [];
      return number ? [{ number: Number(number), view: memo[key] as View }] : [];
    })
    .sort((a, b) => a.number - b.number)
    .map(({ view }) => view);

/** The progress that a job published; undefined before its first publication. */
export function progressFromMemo(memo: Record<string, unknown>): Progress | undefined {
  const job = memo[memoKeys.job] as JobView | undefined;
  if (!job) return undefined;
  const pending: StepView = { state: 'pending', attempts: 0 };
  return {
    job,
    steps: Object.fromEntries(stepIds.map((id) => [id, (memo[memoKeys.step(id)] as StepView | undefined) ?? pending])) as Record<StepId, StepView>,
    incidents: numbered<IncidentView>(memo, memoKeys.incident),
    approvals: numbered<ApprovalView>(memo, memoKeys.approval).sort((a, b) => a.askedAt.localeCompare(b.askedAt)),
    decisions: numbered<DecisionView>(memo, memoKeys.decision).sort((a, b) => a.at.localeCompare(b.at)),
  };
}

/** Done steps ÷ all steps that this job has, 0 to 1. */
export function fractionDone({ steps }: Progress): number {
  const counted = stepIds.filter((id) => steps[id].state !== 'not-needed');
  const finished = counted.filter((id) => steps[id].state === 'done' || steps[id].state === 'skipped');
  return finished.length / counted.length;
}

export const titleOf = (id: StepId): string => catalogue[id].title;

const over: readonly JobState[] = ['completed', 'rejected', 'aborted', 'cancelled', 'failed'];
/** Does nothing change any more? */
export const isOver = (state: JobState): boolean => over.includes(state);

export const openIncidents = ({ incidents }: Progress): IncidentView[] => incidents.filter(({ closedAt }) => closedAt === undefined);
export const openApproval = ({ approvals }: Progress): ApprovalView | undefined => approvals.find(({ closedAt }) => closedAt === undefined);

/** What a person must know first: an incident counts more than an approval, an approval more than that it runs. */
export function shownState(progress: Progress): JobState {
  if (isOver(progress.job.state) || progress.job.state === 'stuck') return progress.job.state;
  if (openIncidents(progress).length > 0) return 'incident';
  return openApproval(progress) ? 'awaiting-approval' : 'running';
}

/** The first section of the runbook that is not finished. */
export function currentPhase({ steps }: Progress): PhaseId {
  const open = stepIds.find((id) => ['pending', 'running', 'failed'].includes(steps[id].state));
  return catalogue[open ?? 'report'].phase;
}

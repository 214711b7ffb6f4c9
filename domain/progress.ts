import type { Static } from 'typebox';
import type * as schemas from './schemas/progress.ts';
import { catalog, idsOf, type StepId } from './steps.ts';

/**
 * A job as people and programs see it, whatever its procedure. The workflow publishes it as memo keys, so that it can be read with no worker alive. The types
 * are those of the schemas that the API reads the memo with and answers by.
 */

export type JobState = Static<typeof schemas.jobState>;
export type StepState = Static<typeof schemas.stepState>;
export type StepView = Static<typeof schemas.stepView>;
export type IncidentAction = Static<typeof schemas.incidentAction>;
export type ApprovalSubject = Static<typeof schemas.approvalSubject>;
export type ApprovalView = Static<typeof schemas.approvalView>;
export type Verdict = Static<typeof schemas.verdict>;
export type DecisionView = Static<typeof schemas.decisionView>;
export type StoredReport = Static<typeof schemas.storedReport>;
export type JobOverview = Static<typeof schemas.jobView>;

export interface IncidentView<Id extends string = StepId> extends Omit<Static<typeof schemas.incidentView>, 'step'> {
  step: Id;
}

export interface Progress<Id extends string = StepId> extends Omit<Static<typeof schemas.progress>, 'steps' | 'incidents'> {
  steps: Record<Id, StepView>;
  incidents: IncidentView<Id>[];
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

export const titleOf = (id: StepId): string => catalog[id].title;

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
export function currentPhase<Id extends string>({ steps }: Pick<Progress<Id>, 'steps'>, catalog: Readonly<Record<Id, { phase: string }>>): string {
  const ids = idsOf(catalog);
  const open = ids.find((id) => ['pending', 'running', 'failed'].includes(steps[id].state)) ?? ids.at(-1);
  return open === undefined ? '' : catalog[open].phase;
}

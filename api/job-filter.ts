import type { JobState } from '../domain/progress.ts';
import { searchAttributes } from '../temporal/contract.ts';
import type { ListedJob } from './schemas/responses.ts';
import type { ListFilter } from './schemas/schemas.ts';
import { reportedProblems } from './stuck.ts';

export type JobFilter = ListFilter;

/** What a job must show to be let through. */
type Facts = Pick<ListedJob, 'state' | 'awaitingApproval' | 'hasIncident'>;

const { state: stateName, awaitingApproval: awaitingName, hasIncident: incidentName } = searchAttributes;
const isRunning = `ExecutionStatus = 'Running'`;
const isOpen = (name: string) => `${name} = true AND ${isRunning}`;
/** A job that is closed asks for nothing any more, whatever it published last. */
const isNotOpen = (name: string) => `(${name} = false OR ExecutionStatus != 'Running')`;

/** The conditions of a Temporal list query that find at least the jobs that the filter lets through. */
export function conditionsOf({ state, awaitingApproval, hasIncident }: JobFilter): string[] {
  const fact = (name: string, wanted: boolean | undefined) => (wanted === undefined ? [] : [wanted ? isOpen(name) : isNotOpen(name)]);
  return [...(state ? [stateCondition(state)] : []), ...fact(awaitingName.name, awaitingApproval), ...fact(incidentName.name, hasIncident)];
}

/** A job that was ended by force could not publish its end: then Temporal’s own word counts. */
function stateCondition(state: JobState): string {
  const published = `${stateName.name} = '${state}'`;
  switch (state) {
    // Independent facts: a job with an open approval and an open incident is found by both, whichever of them its state names.
    case 'awaiting-approval':
      return isOpen(awaitingName.name);
    case 'incident':
      return isOpen(incidentName.name);
    case 'stuck':
      return `${reportedProblems} IN ('category=WorkflowTaskFailed', 'category=WorkflowTaskTimedOut') AND ${isRunning}`;
    case 'running':
      return `${published} AND ${isRunning}`;
    case 'failed':
      return `(${published} OR ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed'))`;
    case 'cancelled':
      return `(${published} OR ExecutionStatus = 'Canceled')`;
    default:
      return published;
  }
}

/** Does a job, as it shows itself, fit the filter? */
export function letsThrough({ state, awaitingApproval, hasIncident }: JobFilter, job: Facts): boolean {
  return (
    (state === undefined || isIn(state, job)) &&
    (awaitingApproval === undefined || job.awaitingApproval === awaitingApproval) &&
    (hasIncident === undefined || job.hasIncident === hasIncident)
  );
}

function isIn(state: JobState, job: Facts): boolean {
  if (state === 'awaiting-approval') return job.awaitingApproval;
  return state === 'incident' ? job.hasIncident : job.state === state;
}

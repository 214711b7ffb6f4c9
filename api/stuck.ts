import type { Client, WorkflowExecutionDescription, WorkflowExecutionInfo } from '@temporalio/client';
import { ask } from './temporal.ts';

/** The workflow code of a job fails or does not come back: nothing the job does is published until a fixed worker carries it on. */
export interface Stuck {
  /** How often the same piece of the workflow was tried in a row. */
  attempts: number;
  /** Since when it is tried, ISO 8601. */
  since?: string;
  /** What it fails with, as Temporal recorded it. */
  cause: string;
}

/** The first failure may be a worker that was just restarted; from this attempt on the job does not help itself. */
const stuckFromAttempt = 3;
const longestCause = 500;
const eventsRead = 10;

/** Set by the server (1.31 or later) after five failed workflow tasks, and removed after the first that works (docs/reference/temporal.md#reported-problems). */
export const reportedProblems = 'TemporalReportedProblems';

/** Is a listed job stuck? */
export const isListedAsStuck = ({ status, typedSearchAttributes }: Pick<WorkflowExecutionInfo, 'status' | 'typedSearchAttributes'>): boolean =>
  status.name === 'RUNNING' && typedSearchAttributes.getAll().some(({ key }) => key.name === reportedProblems);

/** Reads why a job is stuck; undefined where it is not. One more request to Temporal, and only where it is. */
export async function stuckOf(client: Client, { workflowId, runId, status, raw }: WorkflowExecutionDescription): Promise<Stuck | undefined> {
  const task = raw.pendingWorkflowTask;
  const attempts = task?.attempt ?? 0;
  if (status.name !== 'RUNNING' || attempts < stuckFromAttempt) return undefined;
  const { history } = await ask(client, () =>
    client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize: eventsRead,
    }),
  );
  const failed = history?.events?.find((event) => event.workflowTaskFailedEventAttributes);
  const message = failed?.workflowTaskFailedEventAttributes?.failure?.message;
  const seconds = failed?.eventTime?.seconds;
  return {
    attempts,
    ...(seconds ? { since: new Date(Number(seconds) * 1000).toISOString() } : {}),
    cause: message ? message.slice(0, longestCause) : 'No worker finished the workflow task in time. Check the workers’ log.',
  };
}

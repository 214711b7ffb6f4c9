import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';

export interface Scene {
  /** Address of the Temporal server. */
  temporal: string;
  /** The stack's data folder. */
  folder: string;
  jobs: readonly string[];
}

const lastLines = 15;
const patienceMs = 5_000;

/** What a reader needs to find out why a test waited in vain: each job's pending activities, the end of each part's log, and where everything is. */
export async function evidenceOf({ temporal, folder, jobs }: Scene): Promise<string> {
  const pending = jobs.length === 0 ? [] : await pendingOf(temporal, jobs).catch((error) => [`jobs ${jobs.join(', ')}; Temporal tells nothing: ${error}`]);
  return [...pending, ...logs(join(folder, 'logs')), `The stack's data stays in ${folder}`].join('\n');
}

async function pendingOf(address: string, jobs: readonly string[]): Promise<string[]> {
  const connection = await Connection.connect({ address, connectTimeout: patienceMs });
  try {
    const client = new Client({ connection });
    return await client.withDeadline(Date.now() + patienceMs, () => Promise.all(jobs.map((id) => pendingOfJob(client, id))));
  } finally {
    await connection.close();
  }
}

async function pendingOfJob(client: Client, id: string): Promise<string> {
  const { status, runId, raw } = await client.workflow.getHandle(id).describe();
  const activities = (raw.pendingActivities ?? []).map(({ activityType, attempt, lastFailure, lastWorkerIdentity }) =>
    [`  ${activityType?.name}, attempt ${attempt}`, lastWorkerIdentity && `on ${lastWorkerIdentity}`, lastFailure?.message].filter(Boolean).join(', '),
  );
  const task = raw.pendingWorkflowTask ? [`  a workflow task, attempt ${raw.pendingWorkflowTask.attempt}`] : [];
  return [
    `StepContext ${id}, run ${runId}, ${status.name}; pending:`,
    ...(activities.length + task.length > 0 ? [...activities, ...task] : ['  nothing']),
  ].join('\n');
}

function logs(folder: string): string[] {
  return readdirSync(folder).map((name) => {
    const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n').slice(-lastLines);
    return `The end of ${join(folder, name)}:\n${lines.map((line) => `  ${line.slice(0, 500)}`).join('\n')}`;
  });
}

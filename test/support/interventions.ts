import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import type { StepId } from '../../domain/steps.ts';
import type { StackBench } from './stack-bench.ts';

const namespace = 'default';

async function withTemporal<T>(bench: StackBench, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: bench.stack.temporal });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

/** What a person can do to a job past the service, with Temporal’s own tools. */
export const interventions = {
  /** `temporal activity reset`: the step begins again with attempt 1, whatever its attempts are doing. */
  resetActivity: (bench: StackBench, jobId: string, step: StepId): Promise<void> =>
    withTemporal(bench, async ({ workflowService }) => {
      await workflowService.resetActivity({ namespace, execution: { workflowId: jobId }, type: step, identity: 'a person' });
    }),

  /** The attempt that Temporal takes for the current one; undefined while none of this step is pending. */
  attemptOf: (bench: StackBench, jobId: string, step: StepId): Promise<number | undefined> =>
    withTemporal(bench, async ({ workflow }) => {
      const { raw } = await workflow.getHandle(jobId).describe();
      return raw.pendingActivities?.find(({ activityType }) => activityType?.name === step)?.attempt ?? undefined;
    }),

  /** `temporal workflow reset` to before a step was asked for: a new run, which knows what was known then. Signals that came later are applied again. */
  resetBefore: (bench: StackBench, jobId: string, step: StepId): Promise<string> =>
    withTemporal(bench, async ({ workflow, workflowService }) => {
      const handle = workflow.getHandle(jobId);
      const { events = [] } = await handle.fetchHistory();
      const scheduled = events?.find(({ activityTaskScheduledEventAttributes: asked }) => asked?.activityType?.name === step);
      const turn = scheduled?.activityTaskScheduledEventAttributes?.workflowTaskCompletedEventId;
      if (!turn) throw new Error(`${step} was never asked for`);
      const { runId } = await workflowService.resetWorkflowExecution({
        ...{ namespace, workflowExecution: { workflowId: jobId }, workflowTaskFinishEventId: turn },
        ...{ reason: `before ${step}`, requestId: randomUUID() },
      });
      return runId;
    }),

  terminate: (bench: StackBench, jobId: string): Promise<void> =>
    withTemporal(bench, async ({ workflow }) => {
      await workflow.getHandle(jobId).terminate('by a person');
    }),
};

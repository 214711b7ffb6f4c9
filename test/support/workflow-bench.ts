import { randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Progress } from '../../domain/progress.ts';
import type { Activities, Inventory } from '../../domain/results.ts';
import { type ProvisionInput, workflowName } from '../../temporal/contract.ts';
import { publishedProgress } from './published-progress.ts';
import './quiet.ts';
import { temporalServer } from './temporal.ts';
import { until } from './until.ts';
import { testedWorkflowCode } from './workflow-bundle.ts';

export interface Running {
  handle: WorkflowHandle;
  progress(): Promise<Progress>;
  /** Waits until the published progress is as wanted. */
  reaches(what: string, wanted: (progress: Progress) => boolean): Promise<Progress>;
}

/** A real Temporal server and the real workflow (or one of the test's own), with activities of the test's choice: one worker and one task queue a test. */
export async function workflowBench(workflowsPath?: string) {
  const server = await temporalServer();
  const native = await NativeConnection.connect({ address: server.address });
  const client = new Client({ connection: await Connection.connect({ address: server.address }) });
  const bundle = workflowsPath ? await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') }) : await testedWorkflowCode();

  /** A worker with its own task queue, for as long as the test goes on; `start` starts a job on it. */
  const withWorker = async <T>(
    options: Pick<WorkerOptions, 'interceptors' | 'maxConcurrentActivityTaskExecutions'> & { activities: object },
    test: (start: (request: ProvisionInput['request'], workflowId: string, workflow?: string) => Promise<Running>) => Promise<T>,
  ): Promise<T> => {
    const taskQueue = `test-${randomUUID()}`;
    const worker = await Worker.create({ connection: native, taskQueue, workflowBundle: bundle, ...options });
    return worker.runUntil(() =>
      test(async (request, workflowId, workflow = workflowName) => {
        const input: ProvisionInput = { request, requestedBy: 'olga' };
        const handle = await client.workflow.start(workflow, { taskQueue, workflowId, args: [input] });
        const progress = async () => publishedProgress((await handle.describe()).memo)!;
        return {
          handle,
          progress,
          reaches: (what, wanted) =>
            until(what, async () => {
              const now = await progress();
              return now && wanted(now) ? now : undefined;
            }),
        };
      }),
    );
  };

  return {
    client,
    bundle,
    withWorker,
    /** Starts a job, lets the test follow it, and stops the worker when the test is through with it. */
    withJob: <T>(activities: Activities & Inventory, request: ProvisionInput['request'], test: (job: Running) => Promise<T>): Promise<T> =>
      withWorker({ activities }, async (start) => test(await start(request, `test-${randomUUID()}`))),
    async stop() {
      await client.connection.close();
      await native.close();
      await server.stop();
    },
  };
}

export type WorkflowBench = Awaited<ReturnType<typeof workflowBench>>;

import { randomUUID } from 'node:crypto';
import { type Client, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { Value } from 'typebox/value';
import type { ProvisioningRequest } from '../domain/request.ts';
import { whatIf as schema } from '../domain/schemas/plan.ts';
import { inspect } from '../domain/shape.ts';
import { type WhatIf, whatIfWorkflow } from '../domain/what-if.ts';
import { HttpProblem } from './problem.ts';
import { targetId } from './target.ts';
import { ask } from './temporal.ts';

/** How long a worker may take to begin, and then to answer: the workflow itself gives up after two minutes, since Azure’s own what-if may take that long. */
const patience = { beginMs: 30_000, answerMs: 135_000 };

/** Has a worker look what a request would change. Nothing is kept of it and nothing is changed. */
export async function lookWhatIf(client: Client, taskQueue: string, request: ProvisioningRequest, beginMs = patience.beginMs): Promise<WhatIf> {
  const handle = await ask(client, () =>
    client.workflow.start(whatIfWorkflow, {
      taskQueue,
      workflowId: `plan-${randomUUID()}`,
      args: [{ request, target: targetId(request) }],
      workflowExecutionTimeout: '3 minutes',
      staticSummary: `What would ${request.hsm.name} in ${request.azure.region} change?`,
    }),
  );
  const timers: NodeJS.Timeout[] = [];
  const after = (ms: number, detail: string, unless?: () => Promise<boolean>) =>
    new Promise<never>((_, reject) => {
      const giveUp = async () => {
        if (!(await unless?.())) reject(new HttpProblem(503, 'No answer yet', `${detail} Nothing was changed. Send the request again.`));
      };
      timers.push(setTimeout(() => void giveUp().catch(reject), ms));
    });
  try {
    const seen: unknown = await Promise.race([
      handle.result(),
      after(beginMs, `No worker started the what-if within ${beginMs / 1000} s. Check that a worker runs.`, () => hasBegun(client, handle)),
      after(patience.answerMs, `A worker is reading Azure, but did not respond within ${patience.answerMs / 1000} s.`),
    ]);
    if (Value.Check(schema, seen)) return seen;
    throw new HttpProblem(502, 'What is there could not be read', misread(seen));
  } catch (error) {
    if (error instanceof WorkflowFailedError)
      throw new HttpProblem(502, 'What is there could not be read', error.cause?.message ?? 'The worker’s log says why.', { cause: error });
    // A worker that comes later must not look for nobody.
    await ask(client, () => handle.terminate('nobody waits for it any more')).catch(() => {});
    throw error;
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

/** The worker is of another version, since its own checks let it through. */
function misread(seen: unknown): string {
  const paths = inspect(schema, seen, Value.Check).mistakes.map(({ path }) => path || '/');
  return `This version of the API cannot read the worker’s response, at ${paths.join(', ') || '/'}. Run the same version of API and worker.`;
}

/** Its start and its first task are in the history before any worker comes. */
const hasBegun = async (client: Client, handle: WorkflowHandle): Promise<boolean> => (await ask(client, () => handle.describe())).historyLength > 2;

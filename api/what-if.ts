import { randomUUID } from 'node:crypto';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { taskQueue } from '../domain/decisions.ts';
import type { ProvisioningRequest } from '../domain/request.ts';
import { type WhatIf, whatIfWorkflow } from '../domain/what-if.ts';
import { Problem } from './problem.ts';
import { targetId } from './target.ts';
import { ask } from './temporal.ts';

/** A look at some twenty resources; Azure’s own what-if takes the most of it. */
const usualPatienceMs = 45_000;

/** Has a worker look what a request would change. Nothing is kept of it and nothing is changed. */
export async function lookWhatIf(client: Client, request: ProvisioningRequest, patienceMs = usualPatienceMs): Promise<WhatIf> {
  const handle = await ask(client, () =>
    client.workflow.start(whatIfWorkflow, {
      taskQueue,
      workflowId: `plan-${randomUUID()}`,
      args: [{ request, target: targetId(request) }],
      workflowExecutionTimeout: '3 minutes',
      staticSummary: `What would ${request.hsm.name} in ${request.azure.region} change?`,
    }),
  );
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new Problem(
            503,
            'No answer yet',
            `No worker told within ${patienceMs / 1000} s what is there. See that one runs, then ask again; nothing was changed.`,
          ),
        ),
      patienceMs,
    );
  });
  try {
    return (await Promise.race([handle.result(), tooLong])) as WhatIf;
  } catch (error) {
    if (error instanceof WorkflowFailedError) throw new Problem(502, 'What is there could not be read', error.cause?.message ?? 'The worker’s log says why.');
    // A worker that comes later must not look for nobody.
    await ask(client, () => handle.terminate('nobody waits for it any more')).catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

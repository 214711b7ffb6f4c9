import type { Client } from '@temporalio/client';
import type { ProvisioningRequest } from '../domain/request.ts';
import type { Api } from '../scripts/console/api.ts';
import type { Stack } from '../scripts/stack.ts';
import { type Measure, median } from './measures.ts';

const losses = 3;
const lookEveryMs = 50;
const longestMs = 60_000;
/** Makes nothing, and asks Azure something first. */
const step = 'check-feature';

/** How long after its worker was killed a step without a lasting act is attempted again, by another worker that starts at once. */
export async function lostWorker(stack: Stack, { api, client, request }: { api: Api; client: Client; request: ProvisioningRequest }): Promise<Measure> {
  const faults = `${stack.simulator.control}/faults`;
  await fetch(faults, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'hold', operation: 'arm:GET *', times: 1_000 }),
  });
  const body = { ...request, hsm: { ...request.hsm, name: 'bench-lost-worker' } };
  const { id } = await api.send<{ id: string }>(stack.tokens.operator, 'POST', '/v1/provisionings', body);
  const seconds: number[] = [];
  let attempt = await started(client, id, 0);
  for (let loss = 0; loss < losses; loss++) {
    await stack.kill('worker', 'SIGKILL');
    const since = performance.now();
    await stack.restart('worker');
    attempt = await started(client, id, attempt);
    seconds.push((performance.now() - since) / 1000);
  }
  await client.workflow.getHandle(id).terminate('bench');
  await fetch(faults, { method: 'DELETE' });
  return { name: 'next attempt after a lost worker, p50', value: median(seconds), shown: `${median(seconds).toFixed(1)} s`, limit: 12 };
}

/** The number of the step’s attempt that a worker has begun, once that is a later one. */
async function started(client: Client, id: string, before: number): Promise<number> {
  for (const end = performance.now() + longestMs; performance.now() < end; ) {
    const { raw } = await client.workflow.getHandle(id).describe();
    const found = raw.pendingActivities?.find(({ activityType }) => activityType?.name === step);
    const attempt = found?.attempt ?? 0;
    // STARTED of Temporal’s PendingActivityState.
    if (found?.state === 2 && attempt > before) return attempt;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  throw new Error(`No attempt of ${step} after the ${before}th within ${longestMs / 1000} s`);
}

// `npm run bench`: one whole job on the embedded stack, measured; fails outside the limits. See docs/developers.md for what the numbers mean.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { criticalPath, predecessorsOf, stepsOf } from '../domain/plan.ts';
import { openApproval, openIncidents, type Progress } from '../domain/progress.ts';
import type { ProvisioningRequest } from '../domain/request.ts';
import { stepIds } from '../domain/steps.ts';
import { Api } from '../scripts/console/api.ts';
import { provideSecrets } from '../scripts/demo/world.ts';
import { readOrExit } from '../scripts/setup/command-line.mjs';
import * as command from '../scripts/setup/commands/bench.mjs';
import { type PartName, type Stack, startStack } from '../scripts/stack.ts';
import { workflowName } from '../temporal/contract.ts';
import { type Configured, minutesOf } from './configured.ts';
import { lostWorker } from './lost-worker.ts';
import { lunashPhase, parserSpeed } from './luna.ts';
import { broken, type Measure, median, table } from './measures.ts';
import { residentMegabytes } from './memory.ts';
import { overheadLines, overheads } from './overhead.ts';

const timeScale = 60;
/** Starts in a row: a process that is asked once and then left alone for the other’s turn is measured waking up. */
const startsInARow = 20;
const turns = 3;
/** Turns of each kind before the measured ones: connections and caches, and what the JavaScript engine compiles only once it was run often. */
const warmUpTurns = 2;
/** How often the job is looked at: seldom, since a look costs the machine something, but often once the approval is about to be asked for, since what a person takes is not the service’s time. */
const lookEveryMs = { usual: 250, beforeApproval: 25 };
/** A job that takes longer has gone wrong. */
const longestMs = 5 * 60_000;
const request = JSON.parse(readFileSync(fileURLToPath(new URL('../examples/luna-kylo.json', import.meta.url)), 'utf8')) as ProvisioningRequest;

/** Runs the job to its end, approving at once, and looks at every part's memory while it goes. */
async function runJob(stack: Stack, api: Api): Promise<{ id: string; progress: Progress; memory: Map<PartName, number> }> {
  const { operator, approver } = stack.tokens;
  // As a person does first; the worker has spoken to Azure then, and loaded what it needs for that.
  await api.send(operator, 'POST', '/v1/plans?whatIf=true', request);
  const { id } = await api.send<{ id: string }>(operator, 'POST', '/v1/provisionings', request);
  const memory = new Map<PartName, number>();
  const approved = new Set<string>();
  const deadline = Date.now() + longestMs;
  while (Date.now() < deadline) {
    for (const name of ['temporal', 'simulator', 'worker', 'api'] as const) {
      const now = residentMegabytes(stack.pid(name) ?? 0) ?? 0;
      memory.set(name, Math.max(now, memory.get(name) ?? 0));
    }
    const seen = await api.look(id, operator).catch(() => undefined);
    const approval = seen && openApproval(seen.progress);
    if (approval && !approved.has(approval.id)) {
      approved.add(approval.id);
      await api.send(approver, 'POST', `/v1/jobs/${id}/approvals/${approval.id}`, { decision: 'approve', actor: 'bench' });
    }
    const [incident] = seen ? openIncidents(seen.progress) : [];
    if (incident) throw new Error(`The job has an incident: ${JSON.stringify(incident.problem)}`);
    if (seen?.progress.job.finishedAt) return { id, progress: seen.progress, memory };
    const isAboutToAsk = approved.size === 0 && seen?.progress.steps['inspect-hsm'].state === 'done';
    await new Promise((resolve) => setTimeout(resolve, isAboutToAsk ? lookEveryMs.beforeApproval : lookEveryMs.usual));
  }
  throw new Error(`The job is not over after ${longestMs / 60_000} minutes`);
}

/** Milliseconds that a start takes through the API and with the bare client, by turns. No worker runs: nothing is carried out. */
async function startTimes(stack: Stack, api: Api, client: Client): Promise<{ post: number[]; bare: number[] }> {
  await stack.kill('worker', 'SIGTERM');
  let posts = 0;
  const ways = {
    async post() {
      const body = { ...request, hsm: { ...request.hsm, name: `bench-post-${posts++}` } };
      return (await api.send<{ id: string }>(stack.tokens.operator, 'POST', '/v1/provisionings', body)).id;
    },
    async bare() {
      const options = { workflowId: `bench-bare-${randomUUID()}`, taskQueue: stack.taskQueue, args: [{ request, requestedBy: 'bench' }], memo: { request } };
      return (await client.workflow.start(workflowName, options)).workflowId;
    },
  };
  const times = { post: [] as number[], bare: [] as number[] };
  for (let turn = -warmUpTurns; turn < turns; turn++)
    for (const way of ['post', 'bare'] as const) {
      const started = [];
      for (let at = 0; at < startsInARow; at++) started.push(await timed(ways[way]));
      if (turn >= 0) times[way].push(...started.map(({ ms }) => ms));
      for (const { id } of started) await client.workflow.getHandle(id).terminate('bench');
    }
  return times;
}

async function timed(start: () => Promise<string>): Promise<{ id: string; ms: number }> {
  const since = performance.now();
  const id = await start();
  return { id, ms: performance.now() - since };
}

async function measure(stack: Stack): Promise<Measure[]> {
  const api = new Api(stack.api);
  const connection = await Connection.connect({ address: stack.temporal });
  try {
    const client = new Client({ connection });
    await provideSecrets(request, stack.workerEnv);
    const { durations } = (await (await fetch(`${stack.simulator.control}/world`)).json()) as { durations: Configured };
    const { id, progress, memory } = await runJob(stack, api);
    if (progress.job.state !== 'completed') throw new Error(`The job ended ${progress.job.state}`);
    console.log(`On the critical path:\n${overheadLines(overheads(progress, { request, durations, timeScale })).join('\n')}`);
    const description = await client.workflow.getHandle(id).describe();
    const lost = await lostWorker(stack, { api, client, request });
    const { post, bare } = await startTimes(stack, api, client);
    return [...times(progress, durations), ...history(description), lost, ratio(post, bare), ...memories(memory)];
  } finally {
    await connection.close();
  }
}

function times({ job, steps }: Progress, durations: Configured): Measure[] {
  const seconds = (from: string | undefined, to: string | undefined) => (Date.parse(to ?? '') - Date.parse(from ?? '')) / 1000;
  const makespan = seconds(job.startedAt, job.finishedAt);
  const path = (criticalPath((id) => minutesOf(id, durations), stepsOf(request), predecessorsOf(request)).minutes * 60) / timeScale;
  const sum = stepIds.reduce((total, id) => total + (steps[id].finishedAt ? seconds(steps[id].startedAt, steps[id].finishedAt) : 0), 0);
  return [
    { name: 'makespan', value: makespan, shown: `${makespan.toFixed(1)} s` },
    { name: 'critical path, configured', value: path, shown: `${path.toFixed(1)} s` },
    { name: 'makespan ÷ critical path', value: makespan / path, shown: (makespan / path).toFixed(3), limit: 1.06 },
    { name: 'Σ steps ÷ makespan', value: sum / makespan, shown: (sum / makespan).toFixed(3) },
  ];
}

function history({ historyLength, historySize }: { historyLength: number; historySize?: number }): Measure[] {
  const kilobytes = (historySize ?? Number.NaN) / 1024;
  return [
    { name: 'history events', value: historyLength, shown: `${historyLength}`, limit: 300 },
    { name: 'history size', value: kilobytes, shown: `${kilobytes.toFixed(1)} KB`, limit: 256 },
  ];
}

function ratio(post: number[], bare: number[]): Measure {
  const [a, b] = [median(post), median(bare)];
  return { name: 'POST ÷ bare start, p50', value: a / b, shown: `${a.toFixed(1)} ms ÷ ${b.toFixed(1)} ms = ${(a / b).toFixed(2)}`, limit: 2.5 };
}

function memories(memory: Map<PartName, number>): Measure[] {
  const all = [...memory.values()].reduce((sum, megabytes) => sum + megabytes, 0);
  const each = [...memory].map(([name, value]) => ({ name: `memory of the ${name}, peak`, value, shown: `${value.toFixed(0)} MB` }));
  return [...each, { name: 'memory, all of them', value: all, shown: `${all.toFixed(0)} MB`, limit: 1500 }];
}

readOrExit(command, process.argv.slice(2));
const dataFolder = mkdtempSync(join(tmpdir(), 'hsm-bench-'));
let failed = true;
try {
  console.log(`One job at time scale ${timeScale}, then LunaSH alone; takes about three minutes …`);
  const stack = await startStack({ dataFolder, timeScale, ports: 'free' });
  try {
    // A part that died would be waited for until the time is up.
    const died = stack.broken.then((error) => Promise.reject(error));
    const measures = [...(await Promise.race([measure(stack), died])), await parserSpeed(), await lunashPhase()];
    console.log(table(measures).join('\n'));
    failed = broken(measures).length > 0;
  } finally {
    await stack.stop();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
} finally {
  if (!failed) rmSync(dataFolder, { recursive: true, force: true });
  else console.error(`Data and logs: ${dataFolder}`);
}
process.exit(failed ? 1 : 0);

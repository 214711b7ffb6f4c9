import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { targetId } from '../../api/target.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { createStore } from '../../stores/secrets/create-store.ts';
import { azureConnection } from '../../systems/azure/connection.ts';
import { createOutbound } from '../../systems/outbound.ts';
import { workflowName } from '../../temporal/contract.ts';
import { readSettings } from '../../worker/settings.ts';

/** The ids of this world’s jobs that are not finished. */
export async function unfinishedJobs(temporalAddress: string, taskQueue: string): Promise<string[]> {
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    const ids: string[] = [];
    const query = `WorkflowType = '${workflowName}' AND TaskQueue = '${taskQueue}' AND ExecutionStatus = 'Running'`;
    for await (const { workflowId } of new Client({ connection }).workflow.list({ query })) ids.push(workflowId);
    return ids;
  } finally {
    await connection.close();
  }
}

/** The one of these jobs that is for the HSM of the request. */
export const jobFor = (request: ProvisioningRequest, jobs: readonly string[]): string | undefined => jobs.find((id) => id === targetId(request));

const marker = (dataFolder: string) => join(dataFolder, 'simulated-world');

/** Marks a data folder in which no secrets are kept yet as one of a simulated world. */
export function markNewWorld(dataFolder: string): void {
  if (['secrets', 'secrets.key'].some((name) => existsSync(join(dataFolder, name)))) return;
  mkdirSync(dataFolder, { recursive: true });
  writeFileSync(
    marker(dataFolder),
    'What is in this folder belongs to simulated systems: `npm run demo` moves its secrets aside when it begins a new world.\n',
  );
}

/** A demo keeps its hands off secrets that may be those of real systems, and off jobs that use them. */
export function needSimulatedWorld(dataFolder: string): void {
  markNewWorld(dataFolder);
  if (!existsSync(marker(dataFolder)))
    throw new Error(
      `${dataFolder} holds secrets that no demo made, perhaps those of real systems: nothing was touched; give the demo a folder of its own, such as HSM_DATA_FOLDER=.demo.`,
    );
}

/**
 * Begins a new simulated world: without this, a second demo would find everything done. Passwords and target record of the old world are moved aside and never deleted.
 * Returns where they are now, if there were any.
 */
export function beginNewWorld(dataFolder: string): string | undefined {
  needSimulatedWorld(dataFolder);
  rmSync(join(dataFolder, 'simulator'), { recursive: true, force: true });
  const secrets = join(dataFolder, 'secrets');
  if (!existsSync(secrets)) return undefined;
  const aside = join(dataFolder, 'earlier', new Date().toISOString().replaceAll(':', '-'));
  mkdirSync(aside, { recursive: true, mode: 0o700 });
  // The target record is sealed with one of these secrets, and speaks of the old world.
  for (const name of ['secrets', 'secrets.key', 'record']) if (existsSync(join(dataFolder, name))) renameSync(join(dataFolder, name), join(aside, name));
  return aside;
}

/** The names in every `{ "secret": name }` of a request. */
export function secretsNamedIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { secret } = value as { secret?: unknown };
  return typeof secret === 'string' ? [secret] : Object.values(value).flatMap(secretsNamedIn);
}

/** Puts the secrets that the request names into the store of the simulated world, where they are missing. */
export async function provideSecrets(request: unknown, workerEnv: NodeJS.ProcessEnv): Promise<string[]> {
  const settings = readSettings(workerEnv);
  const store = createStore(settings.secrets, azureConnection(settings, createOutbound(settings.proxy)));
  const missing: string[] = [];
  for (const name of secretsNamedIn(request)) {
    if ((await store.get(name)) !== undefined) continue;
    await store.create(name, randomBytes(20).toString('hex'));
    missing.push(name);
  }
  return missing;
}

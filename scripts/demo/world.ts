import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { workflowName } from '../../domain/decisions.ts';
import { createOutbound } from '../../systems/outbound.ts';
import { createStore } from '../../systems/secrets/create-store.ts';
import { readSettings } from '../../worker/settings.ts';

/** The ids of the jobs that are not finished. */
export async function unfinishedJobs(temporalAddress: string): Promise<string[]> {
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    const ids: string[] = [];
    const query = `WorkflowType = '${workflowName}' AND ExecutionStatus = 'Running'`;
    for await (const { workflowId } of new Client({ connection }).workflow.list({ query })) ids.push(workflowId);
    return ids;
  } finally {
    await connection.close();
  }
}

/**
 * Begins a new simulated world: without this, a second demo would find everything done. The passwords of the old world are moved aside and never deleted.
 * Returns where they are now, if there were any.
 */
export function beginNewWorld(dataFolder: string): string | undefined {
  rmSync(join(dataFolder, 'simulator'), { recursive: true, force: true });
  const secrets = join(dataFolder, 'secrets');
  if (!existsSync(secrets)) return undefined;
  const aside = join(dataFolder, 'earlier', new Date().toISOString().replaceAll(':', '-'));
  mkdirSync(aside, { recursive: true, mode: 0o700 });
  renameSync(secrets, join(aside, 'secrets'));
  if (existsSync(`${secrets}.key`)) renameSync(`${secrets}.key`, join(aside, 'secrets.key'));
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
  const store = createStore(settings, createOutbound(settings.proxy));
  const missing: string[] = [];
  for (const name of secretsNamedIn(request)) {
    if ((await store.get(name)) !== undefined) continue;
    await store.create(name, randomBytes(20).toString('hex'));
    missing.push(name);
  }
  return missing;
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { freePort } from '../../scripts/stack/ready.ts';
import { searchAttributeArguments } from '../../temporal/contract.ts';
import { until } from './until.ts';

export interface TestTemporal {
  address: string;
  stop(): Promise<void>;
}

/** The Temporal CLI that the set-up provided: named by TEMPORAL_CLI, else in the cache. */
function temporalCli(): string {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'hsm-provisioner', 'temporal-1.8.2', 'temporal');
  const found = [process.env.TEMPORAL_CLI, cache].find((path) => path && existsSync(path));
  if (!found) throw new Error('No Temporal server: run `npm run setup` first.');
  return found;
}

/** A Temporal development server of the test's own, in memory, on a free port unless one is named, with the search attributes that jobs use. */
export async function temporalServer(wanted = 0, searchAttributes: readonly string[] = searchAttributeArguments): Promise<TestTemporal> {
  const port = await freePort(wanted, 'Temporal', 'HSM_TEMPORAL_PORT');
  const child = spawn(
    temporalCli(),
    [
      'server',
      'start-dev',
      '--headless',
      '--ip',
      '127.0.0.1',
      '--port',
      String(port),
      '--log-level',
      'error',
      // Timers may fire up to a second late by default, and every retry waits for one.
      '--dynamic-config-value',
      'history.timerProcessorMaxTimeShift="20ms"',
      ...searchAttributes.flatMap((attribute) => ['--search-attribute', attribute]),
    ],
    { stdio: 'ignore' },
  );
  const address = `127.0.0.1:${port}`;
  await until('the Temporal server answers', () => answers(child, address), { timeoutMs: 30_000 });
  return {
    address,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

async function answers(child: ChildProcess, address: string): Promise<true | undefined> {
  if (child.exitCode !== null) throw new Error(`the Temporal server ended with ${child.exitCode}`);
  try {
    const connection = await Connection.connect({ address, connectTimeout: 1000 });
    await connection.workflowService.describeNamespace({ namespace: 'default' });
    await connection.close();
    return true;
  } catch {
    return undefined;
  }
}

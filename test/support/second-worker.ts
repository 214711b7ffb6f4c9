import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from '../../scripts/stack/child.ts';
import type { StackBench } from './stack-bench.ts';
import { until } from './until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Options {
  /** What it takes for Temporal’s address: a proxy in front of it, for instance. */
  temporal?: string;
  env?: NodeJS.ProcessEnv;
  /** Modules that Node loads first. */
  preload?: readonly string[];
}

/** A further worker of a stack: the same secrets, the same world, the same queue, a process of its own. The test ends it. */
export async function secondWorker(bench: StackBench, name: string, { temporal = bench.stack.temporal, env = {}, preload = [] }: Options = {}): Promise<Child> {
  const readyFile = join(bench.folder, 'run', `${name}.json`);
  await rm(readyFile, { force: true });
  const child = new Child({
    name,
    file: process.execPath,
    args: [...preload.flatMap((module) => ['--import', module]), join(root, 'worker', 'main.ts')],
    env: { ...process.env, ...bench.stack.workerEnv, TEMPORAL_ADDRESS: temporal, HSM_READY_FILE: readyFile, ...env },
    logFile: join(bench.folder, 'logs', `${name}.log`),
  });
  await until(
    `${name} ready`,
    async () => {
      if (!child.alive) throw new Error(`${name} ended:\n${child.lastLines()}`);
      return existsSync(readyFile) ? true : undefined;
    },
    { timeoutMs: 60_000 },
  );
  return child;
}

import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Counts, TestRun } from './verdict.ts';

/** A copy of the source to plant bugs in, with the packages of the original. */
export interface Bench {
  /** Where the copy is. */
  readonly folder: string;
  /** False where the patch does not apply. */
  plant(patch: string): Promise<boolean>;
  remove(patch: string): Promise<void>;
  /** What the compiler says, undefined where the types are right. */
  typeErrors(): Promise<string | undefined>;
  test(selection: readonly string[], options: { bail: boolean; longestMs: number }): Promise<TestRun>;
  /** Ends what runs, and removes the copy. */
  close(): void;
}

const leftOut = ['node_modules', '.git', '.data', '.demo'];

export function createBench(root: string): Bench {
  const room = mkdtempSync(join(tmpdir(), 'hsm-mutants-'));
  const copy = join(room, 'source');
  cpSync(root, copy, { recursive: true, filter: (path) => !leftOut.some((name) => path === join(root, name)) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const running = new Set<ChildProcess>();
  const run = (command: string, args: readonly string[], options: Omit<Options, 'cwd'> = {}) => runIn(running, command, args, { cwd: copy, ...options });
  // The copy’s own patches: what is edited meanwhile is for the next run.
  const git = (patch: string, ...options: string[]) => run('git', ['apply', ...options, join(copy, relative(root, patch))]);
  const tool = (path: string) => join(root, 'node_modules', path);
  return {
    folder: copy,
    plant: async (patch) => (await git(patch)).code === 0,
    async remove(patch) {
      const { code, output } = await git(patch, '--reverse');
      if (code !== 0) throw new Error(`${patch} could not be taken out again: ${output}`);
    },
    async typeErrors() {
      // What a compiler has found out about one bug is of use for the next: they differ by a line.
      const known = ['--incremental', '--tsBuildInfoFile', join(room, 'types.tsbuildinfo')];
      const { code, output } = await run(tool('.bin/tsc'), ['--noEmit', ...known]);
      return code === 0 ? undefined : output.trim();
    },
    async test(selection, { bail, longestMs }) {
      const file = join(room, 'counts.json');
      rmSync(file, { force: true });
      const args = [tool('mocha/bin/mocha.js'), '--config', '.mocharc.suite.json', ...(bail ? ['--bail'] : []), '--exit', ...selection];
      const { timedOut, output } = await run(process.execPath, args, { env: { ...process.env, HSM_TEST_COUNTS: file }, longestMs });
      return { timedOut, output, ...(existsSync(file) ? { counts: JSON.parse(readFileSync(file, 'utf8')) as Counts } : {}) };
    },
    close() {
      for (const child of running) endGroup(child);
      rmSync(room, { recursive: true, force: true });
    },
  };
}

interface Ran {
  code: number | null;
  output: string;
  timedOut: boolean;
}

interface Options {
  cwd: string;
  env?: NodeJS.ProcessEnv;
  longestMs?: number;
}

function runIn(running: Set<ChildProcess>, command: string, args: readonly string[], { cwd, env = process.env, longestMs = 600_000 }: Options): Promise<Ran> {
  return new Promise((resolve) => {
    // A group of its own: what tests start must end with them.
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    running.add(child);
    let [output, timedOut] = ['', false];
    const timer = setTimeout(() => {
      timedOut = true;
      endGroup(child);
    }, longestMs);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
    const end = (code: number | null, more = '') => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code, output: output + more, timedOut });
    };
    child.once('error', (error) => end(null, error.message));
    child.once('close', (code) => end(code));
  });
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

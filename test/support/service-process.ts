import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readyFile } from '../../scripts/stack/ready.ts';
import { until } from './until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A worker or an API as a process of the test's own, without a stack around it. */
export class ServiceProcess {
  log = '';
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | string>;

  constructor(script: 'worker/main.ts' | 'api/server.ts', env: NodeJS.ProcessEnv, nodeArguments: readonly string[] = []) {
    this.folder = mkdtempSync(join(tmpdir(), 'hsm-service-'));
    this.#child = spawn(process.execPath, [...nodeArguments, join(root, script)], {
      env: {
        ...process.env,
        HSM_DATA_FOLDER: this.folder,
        HSM_WORKFLOW_CODE_FOLDER: join(root, '.data', 'workflow-code'),
        HSM_READY_FILE: join(this.folder, 'ready.json'),
        HSM_WORKER_HEALTH_ADDRESS: '127.0.0.1:0',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    const child = this.#child;
    this.#ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')));
  }

  says(pattern: RegExp): Promise<RegExpExecArray> {
    return until(`${pattern} in the log`, async () => pattern.exec(this.log) ?? undefined, { timeoutMs: 60_000 }).catch((error) => {
      throw new Error(`${error.message}\n${this.log}`);
    });
  }

  /** Where its health is asked for. */
  async health(): Promise<string> {
    return until('the address of its health', async () => readyFile<{ health: string }>(join(this.folder, 'ready.json'))?.health, { timeoutMs: 30_000 });
  }

  async ask(path: '/livez' | '/readyz'): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`${await this.health()}${path}`);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  async ready(): Promise<Record<string, unknown>> {
    return until(
      'the worker is ready',
      async () => {
        const { status, body } = await this.ask('/readyz');
        return status === 200 ? body : undefined;
      },
      { timeoutMs: 60_000 },
    ).catch((error) => {
      throw new Error(`${error.message}\n${this.log}`);
    });
  }

  send(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and gives the exit code, or the signal that ended it. */
  async ends(signal?: NodeJS.Signals): Promise<number | string> {
    if (signal) this.send(signal);
    return await this.#ended;
  }

  async stop(): Promise<void> {
    await this.ends('SIGKILL');
    rmSync(this.folder, { recursive: true });
  }
}

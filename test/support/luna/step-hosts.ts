import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ApplicationFailureOptions } from '@temporalio/common';
import type { ActivityId } from '../../../domain/steps.ts';

/** The steps that speak to the HSM or its client, and the one that keeps their secrets. */
export const lunaSteps = [
  'keep-secrets',
  'appliance-password',
  'inspect-hsm',
  'initialize-hsm',
  'fips-mode',
  'create-partition',
  'prepare-ntls',
  'connect-client',
  'initialize-partition',
  'crypto-officer',
  'client-certificate',
  'register-client',
] as const satisfies ActivityId[];
/** What a step’s process carries out: what is entered once an approval counts, too. */
export type LunaStep = (typeof lunaSteps)[number] | 'enter-approval';

/** What a step’s process is asked, and what it tells. */
export type Asked =
  | { kind: 'environment'; environment: Record<string, string> }
  | { kind: 'attempt'; step: LunaStep; input: unknown; info: object }
  | { kind: 'cancel' };
export type Reply =
  | { kind: 'heartbeat'; details: unknown }
  | { kind: 'done'; result: unknown }
  | { kind: 'failed'; failure: ApplicationFailureOptions }
  | { kind: 'broken'; why: string };

/** How an attempt ended; `killed` tells nothing, as a killed worker does. */
export type Ended = Exclude<Reply, { kind: 'heartbeat' }> | { kind: 'killed' };

const file = fileURLToPath(new URL('./step-host.ts', import.meta.url));

const start = (): ChildProcess =>
  fork(file, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'hsm-compile-cache') },
  });

/** Processes that wait for work. One that was not killed serves the next target, as a worker serves one job after the other. */
export class StepHosts {
  readonly #idle: StepHost[] = [];

  take(environment: Record<string, string>): StepHost {
    const host = this.#idle.pop() ?? new StepHost(start());
    host.serve(environment);
    return host;
  }

  give(host: StepHost): void {
    if (host.lives) this.#idle.push(host);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((host) => host.kill()));
  }
}

/** A process that carries out one attempt after the other, until it is killed. */
export class StepHost {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('error', () => {});
  }

  get lives(): boolean {
    return this.#child.exitCode === null && !this.#child.killed && this.#child.connected;
  }

  /** From now on it works with these settings. */
  serve(environment: Record<string, string>): void {
    this.#child.send({ kind: 'environment', environment } satisfies Asked);
  }

  attempt(step: LunaStep, input: unknown, info: object, signal: AbortSignal, heartbeat: (details: unknown) => void): Promise<Ended> {
    return new Promise((resolve) => {
      const cancel = () => this.#child.connected && this.#child.send({ kind: 'cancel' } satisfies Asked);
      const end = (ended: Ended) => {
        this.#child.off('message', hear).off('exit', gone);
        signal.removeEventListener('abort', cancel);
        resolve(ended);
      };
      const hear = (told: Reply) => (told.kind === 'heartbeat' ? heartbeat(told.details ?? undefined) : end(told));
      const gone = () => end({ kind: 'killed' });
      if (!this.lives) return end({ kind: 'killed' });
      this.#child.on('message', hear).on('exit', gone);
      signal.addEventListener('abort', cancel);
      this.#child.send({ kind: 'attempt', step, input, info } satisfies Asked);
    });
  }

  /** SIGKILL: nothing is finished, nothing is said. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

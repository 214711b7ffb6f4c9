import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { createFileStore } from '../../../stores/secrets/file-store.ts';
import { type SecretStore, secretName } from '../../../stores/secrets/store.ts';
import type { ProvisionInput } from '../../../temporal/contract.ts';
import { ActivityInterceptor } from '../../../worker/activity-interceptor.ts';
import { stubActivities } from '../stub-activities.ts';
import { type Running, type WorkflowBench, workflowBench } from '../workflow-bench.ts';
import { windowsKey } from './luna-world.ts';
import { type LunaStep, lunaSteps, StepHosts } from './step-hosts.ts';

/** Who carries out the Luna steps of one target. */
export interface Target {
  /** An attempt at a step: its result, or the failure that the workflow is to see. */
  attempt(step: LunaStep, input: unknown, context: Context): Promise<unknown>;
  windows: { address: string; pin: string };
}

/**
 * The real workflow on a real Temporal server, for many targets at once: Azure’s and CipherTrust Manager’s steps succeed at once, the Luna steps are
 * carried out against a simulated HSM of each target, in a process of the target’s own that can be killed.
 */
export class LunaBench {
  readonly folder: string;
  readonly secrets: SecretStore;
  readonly hosts = new StepHosts();
  readonly #temporal: WorkflowBench;
  readonly #targets = new Map<string, Target>();
  #start!: (request: ProvisionInput['request'], target: string) => Promise<Running>;
  #leave = () => {};
  #names = 0;
  #left!: Promise<void>;

  static async start(): Promise<LunaBench> {
    const bench = new LunaBench(await mkdtemp(join(tmpdir(), 'hsm-luna-')), await workflowBench(fileURLToPath(new URL('./luna-workflow.ts', import.meta.url))));
    await bench.secrets.create('ntp-key', 'a-symmetric-ntp-key-for-tests');
    await bench.#work();
    return bench;
  }

  private constructor(folder: string, temporal: WorkflowBench) {
    this.folder = folder;
    this.#temporal = temporal;
    this.secrets = createFileStore({ folder: join(folder, 'secrets'), keyFile: join(folder, 'secrets.key') });
  }

  /** A target of its own for each run, also where a seed is played twice. */
  nextName(seed: number): string {
    return `run-${++this.#names}-${seed}`;
  }

  /** Starts a job for a target, whose RSA keys are given: making them would take longer than everything else. */
  async provision(name: string, request: ProvisionInput['request'], target: Target): Promise<Running> {
    this.#targets.set(name, target);
    for (const purpose of ['windows-ssh-key', 'ciphertrust-ssh-key'] as const) await this.secrets.create(secretName(name, purpose), windowsKey);
    return this.#start(request, name);
  }

  async stop(): Promise<void> {
    this.#leave();
    await this.#left;
    await this.hosts.stop();
    await this.#temporal.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #work(): Promise<void> {
    const targetOf = (input: { target: string }) => this.#targets.get(input.target)!;
    const real = [...lunaSteps, 'enter-approval'] as const;
    const activities = {
      ...stubActivities({ 'install-luna-client': async (input) => ({ windows: targetOf(input).windows, clientVersion: '7.4.0' }) }).activities,
      ...Object.fromEntries(real.map((step) => [step, (input: { target: string }) => targetOf(input).attempt(step, input, Context.current())])),
    };
    const ready = Promise.withResolvers<void>();
    const over = new Promise<void>((resolve) => (this.#leave = resolve));
    this.#left = this.#temporal.withWorker(
      { activities, interceptors: { activity: [(context) => ({ inbound: new ActivityInterceptor(context, 100) })] } },
      async (start) => {
        this.#start = start;
        ready.resolve();
        await over;
      },
    );
    await Promise.race([ready.promise, this.#left]);
  }
}

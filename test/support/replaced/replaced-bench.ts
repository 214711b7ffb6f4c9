import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import type { ActivityId } from '../../../domain/steps.ts';
import { Child } from '../../../scripts/stack/child.ts';
import { folderNumberedStore } from '../../../stores/record/folder-store.ts';
import { sealedStore } from '../../../stores/record/sealed-store.ts';
import { createFileStore } from '../../../stores/secrets/file-store.ts';
import type { SecretStore } from '../../../stores/secrets/store.ts';
import { type TestTemporal, temporalServer } from '../temporal.ts';
import { until } from '../until.ts';
import { Gate } from './gate.ts';

const workflowQueue = 'workflows';
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Single steps on a real Temporal server, carried out by worker processes that a test stops, continues, or cuts off from Temporal. */
export class ReplacedBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'hsm-replaced-'));
  readonly #temporal: TestTemporal;
  readonly #client: Client;
  readonly #workers: Child[] = [];
  /** Runs the workflows: no worker process does, so that stopping one stops its step alone. */
  readonly #workflows: Worker;
  readonly #over: Promise<void>;
  readonly #gates: Gate[] = [];

  static async start(): Promise<ReplacedBench> {
    const [temporal, workflowBundle] = await Promise.all([
      temporalServer(),
      bundleWorkflowCode({ workflowsPath: here('./one-step.ts'), logger: new DefaultLogger('ERROR') }),
    ]);
    const client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
    const native = await NativeConnection.connect({ address: temporal.address });
    return new ReplacedBench(temporal, client, native, await Worker.create({ connection: native, taskQueue: workflowQueue, workflowBundle }));
  }

  private constructor(temporal: TestTemporal, client: Client, native: NativeConnection, workflows: Worker) {
    this.#temporal = temporal;
    this.#client = client;
    this.#workflows = workflows;
    this.#over = this.#run(native);
  }

  async #run(native: NativeConnection): Promise<void> {
    try {
      await this.#workflows.run();
    } finally {
      await native.close();
    }
  }

  async stop(): Promise<void> {
    for (const worker of this.#workers) {
      process.kill(worker.pid, 'SIGCONT');
      await worker.kill('SIGKILL');
    }
    for (const gate of this.#gates) await gate.stop();
    this.#workflows.shutdown();
    await this.#over;
    await this.#client.connection.close();
    await this.#temporal.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Puts secrets into the store that all workers share. */
  async keep(values: Iterable<[name: string, value: string]>): Promise<void> {
    for (const [name, value] of values) await this.#secrets.create(name, value);
  }

  /** Puts entries into the target record that all workers share. */
  async remember(entries: Iterable<[name: string, entry: string]>): Promise<void> {
    const store = sealedStore(folderNumberedStore(join(this.folder, 'record')), this.#secrets);
    for (const [name, entry] of entries) await store.create(name, entry);
  }

  get #secrets(): SecretStore {
    return createFileStore({ folder: join(this.folder, 'secrets'), keyFile: join(this.folder, 'secrets.key') });
  }

  async gate(port: number): Promise<Gate> {
    const gate = await Gate.before(port);
    this.#gates.push(gate);
    return gate;
  }

  /** The way of a worker to Temporal that a test can cut. */
  wayToTemporal(): Promise<Gate> {
    return this.gate(Number(this.#temporal.address.split(':')[1]));
  }

  /** Where a worker writes its transcripts: workers share no folder but that of the secrets. */
  reports(name: string): string {
    return join(this.folder, name, 'reports');
  }

  /** A worker that polls. */
  async worker(name: string, taskQueue: string, env: Record<string, string>, temporal?: Gate): Promise<Child> {
    const ready = join(this.folder, `${name}-${randomUUID()}.ready`);
    const address = temporal ? `127.0.0.1:${temporal.port}` : this.#temporal.address;
    const worker = new Child({
      name,
      file: process.execPath,
      args: [here('./worker-process.ts'), address, taskQueue, ready],
      env: {
        ...process.env,
        HSM_SECRETS_FOLDER: join(this.folder, 'secrets'),
        HSM_SECRETS_KEY_FILE: join(this.folder, 'secrets.key'),
        HSM_REPORTS_FOLDER: this.reports(name),
        HSM_RECORD_FOLDER: join(this.folder, 'record'),
        HSM_POLL_INTERVAL_MS: '100',
        HSM_COMMAND_MS: '2500',
        ...env,
      },
      logFile: join(this.folder, `${name}.log`),
    });
    this.#workers.push(worker);
    await until(`worker ${name} to poll`, async () => {
      if (!worker.alive) throw new Error(`worker ${name} ended: ${worker.lastLines()}`);
      return existsSync(ready) ? true : undefined;
    });
    return worker;
  }

  begin(step: ActivityId | 'enter-approval', input: object, taskQueue: string): Promise<WorkflowHandle> {
    return this.#client.workflow.start('oneStep', { taskQueue: workflowQueue, workflowId: `step-${randomUUID()}`, args: [step, input, taskQueue] });
  }
}

import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { Progress } from '../../../domain/progress.ts';
import type { StepTypes } from '../../../domain/results.ts';
import type { ActivityId } from '../../../domain/steps.ts';
import { Child } from '../../../scripts/stack/child.ts';
import type { ManagerState } from '../../../simulator/ciphertrust/state.ts';
import { createFileStore } from '../../../stores/secrets/file-store.ts';
import { readRsaKey } from '../../../systems/ssh/private-key.ts';
import { type ProvisionInput, workflowName } from '../../../temporal/contract.ts';
import { exampleRequest } from '../example.ts';
import { publishedProgress } from '../published-progress.ts';
import { type TestTemporal, temporalServer } from '../temporal.ts';
import { until } from '../until.ts';
import { testedWorkflowCode } from '../workflow-bundle.ts';
import { quickKeys } from './options.ts';
import { TrustBench } from './trust-bench.ts';

export interface WorkerInstructions {
  address: string;
  taskQueue: string;
  /** File with the workflow’s code. */
  bundle: string;
  readyFile: string;
  /** What the steps that are not carried out answer. */
  results: { [Id in ActivityId]?: StepTypes[Id]['gives'] };
  /** The steps that are carried out. */
  real: ActivityId[];
}

const real: ActivityId[] = ['first-boot', 'admin-password', 'ntp', 'license', 'set-root-of-trust', 'reset-password', 'verify-root-of-trust', 'web-certificate'];

export interface TrustJob {
  handle: WorkflowHandle;
  /** Of its CipherTrust Manager. */
  address: string;
  manager: ManagerState;
  progress(): Promise<Progress>;
  reaches(what: string, wanted: (progress: Progress) => boolean): Promise<Progress>;
}

/** Real jobs on a real Temporal server, each with a CipherTrust Manager of its own before one simulated HSM; their worker is a process that can be killed. */
export class TrustJobs {
  readonly bench: TrustBench;
  readonly #folder = mkdtempSync(join(tmpdir(), 'hsm-trust-jobs-'));
  readonly #temporal: TestTemporal;
  readonly #client: Client;
  readonly #taskQueue = `trust-${randomUUID()}`;
  #worker: Child | undefined;
  #jobs = 0;

  static async start(variants: Record<string, string> = quickKeys): Promise<TrustJobs> {
    const [bench, temporal, { codePath }] = await Promise.all([TrustBench.start(variants), temporalServer(), testedWorkflowCode()]);
    const jobs = new TrustJobs(bench, temporal, new Client({ connection: await Connection.connect({ address: temporal.address }) }), codePath);
    // All managers present the same client certificate to the HSM.
    bench.luna.world.appliance.state.ntls.ipCheck = false;
    await jobs.startWorker();
    return jobs;
  }

  private constructor(bench: TrustBench, temporal: TestTemporal, client: Client, bundle: string) {
    this.bench = bench;
    this.#temporal = temporal;
    this.#client = client;
    const { windows, hsm, partitionSerial, hsmAddress, serverCertificate, clientCertificate, keySecret } = bench.side;
    const instructions: WorkerInstructions = {
      address: temporal.address,
      taskQueue: this.#taskQueue,
      bundle,
      readyFile: join(this.#folder, 'ready'),
      results: {
        'verify-hsm': { hsmId: '/hsm', hsmAddress, tags: {} },
        'install-luna-client': { windows: windows!, clientVersion: '7.4.0' },
        'appliance-password': { appliance: hsm! },
        'create-partition': { partition: { name: bench.luna.request.hsm.partition.name, serial: partitionSerial, sizeBytes: 10_000 } },
        'connect-client': { slot: 0 },
        'client-certificate': { clientCertificate, keySecret },
        'register-client': { client: 'cm', registeredBy: 'ip', serverCertificate },
      },
      real,
    };
    writeFileSync(join(this.#folder, 'instructions.json'), JSON.stringify(instructions));
  }

  async startWorker(): Promise<void> {
    const ready = join(this.#folder, 'ready');
    rmSync(ready, { force: true });
    const { socks } = this.bench.luna.world;
    const env = {
      ...process.env,
      HSM_PROXY: `socks5://127.0.0.1:${socks.port}`,
      HSM_SECRETS_FOLDER: join(this.#folder, 'secrets'),
      HSM_SECRETS_KEY_FILE: join(this.#folder, 'secrets.key'),
      HSM_REPORTS_FOLDER: join(this.#folder, 'reports'),
      HSM_RECORD_FOLDER: join(this.#folder, 'record'),
      HSM_POLL_INTERVAL_MS: '150',
      HSM_COMMAND_MS: '2500',
    };
    const script = fileURLToPath(new URL('./worker-process.ts', import.meta.url));
    const worker = new Child({
      name: 'worker',
      file: process.execPath,
      args: [script, join(this.#folder, 'instructions.json')],
      env,
      logFile: join(this.#folder, 'worker.log'),
    });
    this.#worker = worker;
    await until('the worker polls', async () => {
      if (!worker.alive) throw new Error(`the worker ended: ${worker.lastLines()}`);
      return existsSync(ready) ? true : undefined;
    });
  }

  async killWorker(): Promise<NodeJS.Signals | null> {
    return (await this.#worker!.kill('SIGKILL')).signal;
  }

  /** Starts a job whose CipherTrust Manager is being switched on. */
  async job(change: (request: ProvisionInput['request']) => void = () => {}, machine: { adminUser?: string; customData?: string } = {}): Promise<TrustJob> {
    const address = `172.22.0.${20 + this.#jobs++}`;
    const request = exampleRequest();
    request.cipherTrust.address = address;
    request.hsm.fips = false;
    change(request);
    const target = `trust-${randomUUID()}`;
    await this.#keepSecrets(target);
    const { world } = this.bench.luna;
    const sshPublicKey = readRsaKey(this.bench.luna.kept('ciphertrust-ssh-key')).publicLine;
    await world.machines.cipherTrust({ name: request.cipherTrust.vmName, address, adminUser: 'ksadmin', sshPublicKey, ...machine });
    const input: ProvisionInput = { request, requestedBy: 'olga' };
    const handle = await this.#client.workflow.start(workflowName, { taskQueue: this.#taskQueue, workflowId: target, args: [input] });
    const progress = async () => publishedProgress((await handle.describe()).memo)!;
    return {
      handle,
      address,
      manager: (world.state['cipherTrusts'] as Record<string, ManagerState>)[address]!,
      progress,
      reaches: (what, wanted) =>
        until(
          what,
          async () => {
            const now = await progress();
            return now && wanted(now) ? now : undefined;
          },
          { timeoutMs: 120_000, everyMs: 100 },
        ),
    };
  }

  /** The secrets of the bench’s job, under this job’s name, too; those that the user named stay as they are. */
  async #keepSecrets(target: string): Promise<void> {
    const store = createFileStore({ folder: join(this.#folder, 'secrets'), keyFile: join(this.#folder, 'secrets.key') });
    const { luna } = this.bench;
    for (const [name, value] of luna.values) {
      await store.create(name, value);
      if (name.startsWith(luna.target)) await store.create(name.replace(luna.target, target), value);
    }
  }

  /** Everything that arrived at a manager. */
  arrivedAt(address: string, operation: string) {
    return this.bench.luna.arrived(operation).filter(({ target }) => target === address);
  }

  /** The evidence of `hsm/setup` that a job wrote down. */
  log({ handle }: TrustJob, runId: string): string {
    return readFileSync(join(this.#folder, 'reports', 'transcripts', `${handle.workflowId}-${runId}`, 'set-root-of-trust.txt'), 'utf8');
  }

  async stop(): Promise<void> {
    await this.#worker?.kill('SIGKILL');
    await this.#client.connection.close();
    await this.#temporal.stop();
    await this.bench.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

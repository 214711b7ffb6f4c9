import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sentence } from '../../domain/failure.ts';
import type { IncidentView, Progress } from '../../domain/progress.ts';
import type { Child } from '../../scripts/stack/child.ts';
import { type Stack, type StackError, type StackOptions, startStack } from '../../scripts/stack.ts';
import type { AzureConnection } from '../../stores/azure-connection.ts';
import type { NumberedStore } from '../../stores/record/numbered-store.ts';
import { numberedStoreAt } from '../../stores/record/open-records.ts';
import { sealedStore } from '../../stores/record/sealed-store.ts';
import { openReports } from '../../stores/reports/open-reports.ts';
import type { ReportStore } from '../../stores/reports/report-store.ts';
import { createStore } from '../../stores/secrets/create-store.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import { azureConnection } from '../../systems/azure/connection.ts';
import { createOutbound } from '../../systems/outbound.ts';
import type { Settings } from '../../systems/settings.ts';
import type { ProvisionInput } from '../../temporal/contract.ts';
import { readSettings } from '../../worker/settings.ts';
import { azureStores, isWithoutFolders } from './azure-stores.ts';
import { exampleRequest } from './example.ts';
import { secondWorker } from './second-worker.ts';
import { wholeId } from './short-ids.ts';
import { evidenceOf } from './stack-evidence.ts';
import { until, witnessFailedWaits } from './until.ts';

/** A request log entry, as the simulator’s control interface shows it. */
export interface LedgerEntry {
  seq: number;
  at: string;
  system: string;
  operation: string;
  target: string;
  connection: string;
  destructive: boolean;
  counted: boolean;
  disclosing: boolean;
  outcome: string;
  questions?: number;
  detail?: string;
}

interface BenchOptions extends Partial<StackOptions> {
  isAlone?: boolean;
  inFolders?: boolean;
}

const usual = { timeScale: 3600, ports: 'free' } as const;

export type JobView = Progress & { id: string };
type Body = object | undefined;

export interface Answer<T = Record<string, unknown>> {
  status: number;
  body: T;
}

/** The whole embedded stack in a folder of the test’s own, on free ports, with the API and the simulator’s control interface at hand. */
export class StackBench {
  stack: Stack;
  readonly folder: string;
  readonly #options: Partial<StackOptions>;
  readonly #jobs = new Set<string>();
  readonly #unwitness: () => void;
  #second: Child | undefined;
  #broken: StackError | undefined;
  /** A wait failed: whoever looks for the cause finds everything in the folder. */
  #keepFolder = false;

  /**
   * Where the tests run without shared folders, `isAlone` is for a test that looks at what happens while no worker runs, and `inFolders` for one that reads the
   * stores’ files.
   */
  static async start({ inFolders = !isWithoutFolders, isAlone = inFolders, ...asked }: BenchOptions = {}): Promise<StackBench> {
    const folder = await mkdtemp(join(tmpdir(), 'hsm-stack-'));
    const options = inFolders ? asked : { ...asked, env: { ...azureStores, ...asked.env } };
    const stack = await startStack({ ...usual, ...options, dataFolder: folder });
    const bench = new StackBench(stack, folder, options);
    await bench.keep('ntp-key', 'a-symmetric-ntp-key-for-tests');
    if (!isAlone) await bench.#addWorker();
    return bench;
  }

  /** One that has no folder in common with the stack’s own. */
  async #addWorker(): Promise<void> {
    this.#second = await secondWorker(this, 'second', { env: { HSM_DATA_FOLDER: join(this.folder, 'second') } });
  }

  constructor(stack: Stack, folder: string, options: Partial<StackOptions>) {
    this.stack = stack;
    this.folder = folder;
    this.#options = options;
    this.#watch();
    this.#unwitness = witnessFailedWaits(() => this.#evidence());
  }

  /** A part that ends by itself fails every further request of the test at once, with the end of its log. */
  #watch(): void {
    const { stack } = this;
    void stack.broken.then((error) => {
      if (stack === this.stack) this.#broken = error;
    });
  }

  #evidence(): Promise<string> {
    this.#keepFolder = true;
    return evidenceOf({ temporal: this.stack.temporal, folder: this.folder, jobs: [...this.#jobs] });
  }

  /** The store that the worker’s own settings choose. */
  get store(): SecretStore {
    const { settings, connection } = this.#workerSettings;
    return createStore(settings.secrets, connection);
  }

  /** The target record that the worker’s own settings choose: its entries, sealed with a key among the secrets. */
  get recordEntries(): NumberedStore {
    const { settings, connection } = this.#workerSettings;
    return sealedStore(numberedStoreAt(settings.record, connection), this.store);
  }

  get reports(): ReportStore {
    const { settings, connection } = this.#workerSettings;
    return openReports(settings.reports, connection).reports;
  }

  get #workerSettings(): { settings: Settings; connection: AzureConnection } {
    const settings = readSettings(this.stack.workerEnv);
    return { settings, connection: azureConnection(settings, createOutbound(settings.proxy)) };
  }

  /** Puts a secret of the user’s into the job’s store. */
  async keep(name: string, value: string): Promise<void> {
    await this.store.create(name, value);
  }

  /** Everything is stopped and started again, Temporal and the simulated world included. */
  async restartAll(): Promise<void> {
    await this.#second?.kill('SIGKILL');
    await this.stack.stop();
    this.stack = await startStack({ ...usual, ...this.#options, dataFolder: this.folder });
    this.#watch();
    if (this.#second) await this.#addWorker();
  }

  /** Ends it at once: what its parts would put in order before they leave is thrown away with the folder, unless a wait failed. */
  async stop(): Promise<void> {
    this.#unwitness();
    await this.#second?.kill('SIGKILL');
    const running = (['temporal', 'simulator', 'worker', 'api'] as const).filter((name) => this.stack.pid(name) !== undefined);
    await Promise.all(running.map((name) => this.stack.kill(name, 'SIGKILL')));
    await this.stack.stop();
    if (!this.#keepFolder) await rm(this.folder, { recursive: true, force: true });
  }

  async api<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: Body,
    headers: Record<string, string> = {},
    role: 'operator' | 'approver' = 'operator',
  ): Promise<Answer<T>> {
    this.#whole();
    return ask<T>(this.stack.api, method, path, body, { authorization: `Bearer ${this.stack.tokens[role]}`, ...headers });
  }

  async control<T = Record<string, unknown>>(method: string, path: string, body?: Body): Promise<Answer<T>> {
    this.#whole();
    return ask<T>(this.stack.simulator.control, method, path, body);
  }

  #whole(): void {
    if (this.#broken) throw this.#broken;
  }

  /** Nothing that a job made is there any more; what its stores hold stays, in blobs and vault, too. */
  async emptyWorld(): Promise<void> {
    const stores = async () => (await this.control<{ azure: { vault?: object; blobs?: object } }>('GET', '/world/state')).body;
    const { vault, blobs } = (await stores()).azure;
    await this.control('PUT', '/world', { state: {} });
    if (!vault && !blobs) return;
    const empty = await stores();
    await this.control('PUT', '/world', { state: { ...empty, azure: { ...empty.azure, vault, blobs } } });
  }

  async requestLog(operation = '*'): Promise<LedgerEntry[]> {
    const { body } = await this.control<{ entries: LedgerEntry[] } | LedgerEntry[]>('GET', `/request-log?operation=${encodeURIComponent(operation)}`);
    return Array.isArray(body) ? body : body.entries;
  }

  fault(kind: string, operation: string, more: object = {}): Promise<Answer> {
    return this.control('POST', '/faults', { kind, operation, ...more });
  }

  /** Starts a job and gives its id. */
  async provision(request: ProvisionInput['request'] = exampleRequest()): Promise<string> {
    const { status, body } = await this.api<{ id: string }>('POST', '/v1/provisionings', request, { 'idempotency-key': randomUUID() });
    if (status !== 202) throw new Error(`the job was not taken: ${status} ${JSON.stringify(body)}`);
    this.#jobs.add(body.id);
    return body.id;
  }

  async job(id: string): Promise<JobView> {
    return (await this.api<JobView>('GET', `/v1/jobs/${id}`)).body;
  }

  /** Waits until the job is as wanted; an incident that nobody expects ends the waiting at once. */
  async reaches(id: string, what: string, wanted: (job: JobView) => boolean, { timeoutMs = 120_000, incidents = false } = {}): Promise<JobView> {
    return until(
      what,
      async () => {
        const job = await this.job(id);
        if (!job.job) return undefined;
        if (wanted(job)) return job;
        const open = job.incidents.find(({ closedAt }) => !closedAt);
        if (open && !incidents) throw new Error(`an incident instead of “${what}”: ${describe(open)}`);
        return undefined;
      },
      { timeoutMs, everyMs: 200 },
    );
  }

  approvalAsked(id: string, number = 1): Promise<JobView> {
    return this.reaches(id, `approve-zeroize-${number}`, ({ approvals }) => approvals.length >= number && !approvals[number - 1]!.closedAt);
  }

  /** By the short id, `approve-zeroize-1`, or the whole one. */
  async approve(id: string, approval = 'approve-zeroize-1', decision = 'approve'): Promise<Answer> {
    const approvalId = wholeId(await this.job(id), approval);
    return this.api('POST', `/v1/jobs/${id}/approvals/${approvalId}`, { decision, actor: 'anna' }, { 'idempotency-key': randomUUID() }, 'approver');
  }

  /** By the short id, `incident-1`, or the whole one. */
  async resolve(id: string, incident: string, action: string): Promise<Answer> {
    const incidentId = wholeId(await this.job(id), incident);
    return this.api('POST', `/v1/jobs/${id}/incidents/${incidentId}`, { action, actor: 'otto' }, { 'idempotency-key': randomUUID() });
  }

  ended(id: string, { incidents = false } = {}): Promise<JobView> {
    return this.reaches(id, 'the end of the job', ({ job }) => job.finishedAt !== undefined, { incidents });
  }

  incident(id: string, number = 1): Promise<IncidentView> {
    return this.reaches(id, `incident-${number}`, ({ incidents }) => incidents.length >= number, { incidents: true }).then(
      ({ incidents }) => incidents[number - 1]!,
    );
  }

  /** Waits until the simulator holds a request: received, unanswered. */
  async held(operation: string): Promise<string> {
    return until(
      `${operation} held`,
      async () => {
        const { body } = await this.control<{ id: string; operation: string }[] | { holds: { id: string; operation: string }[] }>('GET', '/holds');
        return (Array.isArray(body) ? body : body.holds).find((hold) => hold.operation.toLowerCase() === operation.toLowerCase())?.id;
      },
      { timeoutMs: 120_000 },
    );
  }

  release(hold: string): Promise<Answer> {
    return this.control('POST', `/holds/${hold}/release`);
  }
}

const describe = ({ step, problem }: IncidentView): string => `${step}: ${sentence(problem)}`;

async function ask<T>(base: string, method: string, path: string, body: Body, headers: Record<string, string> = {}): Promise<Answer<T>> {
  const response = await fetch(new URL(path, base.startsWith('http') ? base : `http://${base}`), {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as T };
}

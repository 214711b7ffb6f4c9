import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { Systems } from '../../../activities/systems.ts';
import type { Endpoints } from '../../../domain/results.ts';
import type { WorldOptions } from '../../../simulator/create-world.ts';
import type { FaultRequest } from '../../../simulator/faults.ts';
import type { PartitionState } from '../../../simulator/luna/state.ts';
import type { Entry } from '../../../simulator/request-log.ts';
import type { FileState, HostState } from '../../../simulator/windows/state.ts';
import { createRecords, type TargetRecord } from '../../../stores/record/record.ts';
import { folderTranscripts } from '../../../stores/reports/transcripts.ts';
import { generateSecret } from '../../../stores/secrets/generate.ts';
import { type Purpose, purposes, type SecretStore, secretName } from '../../../stores/secrets/store.ts';
import { runWithFence } from '../../../systems/fence.ts';
import { Luna } from '../../../systems/lunash/luna.ts';
import { createOutbound } from '../../../systems/outbound.ts';
import { pinOfKey } from '../../../systems/ssh/connection.ts';
import { publicLine } from '../../../systems/ssh/private-key.ts';
import { createWindows } from '../../../systems/windows/windows.ts';
import { readSettings } from '../../../worker/settings.ts';
import { granted } from '../approvals.ts';
import { clocksOfWorker } from '../clocks.ts';
import { type EarlierEntry, enterEarlier } from '../earlier-entries.ts';
import { exampleRequest } from '../example.ts';
import { MemoryFence, openFence, runStep } from '../fence.ts';
import { isSecret } from '../leaks.ts';
import { memoryNumberedStore } from '../numbered-store.ts';
import { azureWithMachines, ownVmId } from '../own-machines.ts';
import { type Stopped, stoppedBy } from '../stopped.ts';
import { until } from '../until.ts';
import { addresses, type LunaWorld, lunaWorld, windowsKey } from './luna-world.ts';

const logger = new DefaultLogger('ERROR');
type Activity<Input, Result> = (systems: Systems) => (input: Input) => Promise<Result>;

/** As the steps enter it that set an HSM up as far as its label. */
const earlierEntries: EarlierEntry<'hsm'>[] = [
  ['initialize-begun', {}],
  ['initialized', {}],
  ['appliance-sign-in', { password: 'kept', outcome: 'accepted' }],
];

/** Steps are named like their functions: `fipsMode` is `fips-mode`. */
const stepOf = ({ name }: { name: string }): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The product's own systems, in this process, over real SSH against a simulated HSM and Windows host: single steps can be run, cut off and run again. */
export class LunaSteps {
  readonly target = 'kylo-luna-hsm-0123456789';
  readonly request = exampleRequest();
  readonly values = new Map<string, string>();
  /** The target record. */
  readonly entries = new Map<string, string>();
  readonly world: LunaWorld;
  readonly systems: Systems;
  readonly hosts: Endpoints;
  isRunning = true;
  /** Of each machine, as Azure tells it. */
  vmId = ownVmId;
  /** What all attempts are one execution of, whichever step they are of; as in a job, each step has one of its own where nothing is said. */
  execution: string | undefined;
  /** Makes the fence of each attempt. */
  fence = () => new MemoryFence();
  /** What the last attempt left for the next one, as Temporal passes it on. */
  #detail: unknown;
  readonly #folder: string;

  /** `left` is what an earlier run left behind: its world and its secrets. */
  static async start(
    options: Partial<Omit<WorldOptions, 'state'>> = {},
    env: Record<string, string> = {},
    left?: { state: Record<string, unknown>; values: Map<string, string> },
  ): Promise<LunaSteps> {
    const steps = new LunaSteps(await lunaWorld(options, left?.state), await mkdtemp(join(tmpdir(), 'hsm-luna-steps-')), env);
    if (left) {
      for (const [name, value] of left.values) steps.values.set(name, value);
      steps.enterEarlier(...earlierEntries);
      return steps;
    }
    for (const purpose of purposes) if (!/-key$|^client-certificate$/.test(purpose)) steps.keep(purpose, await generateSecret(purpose));
    steps.keep('windows-ssh-key', windowsKey);
    return steps;
  }

  private constructor(world: LunaWorld, folder: string, env: Record<string, string>) {
    this.world = world;
    this.#folder = folder;
    const { values } = this;
    const secrets: SecretStore = {
      get: async (name) => values.get(name),
      async create(name, value) {
        if (!values.has(name)) values.set(name, value);
        return values.get(name)!;
      },
    };
    const settings = readSettings({ HSM_PROXY: `socks5://127.0.0.1:${world.socks.port}`, HSM_COMMAND_MS: '1000', ...env });
    const outbound = createOutbound(settings.proxy);
    const transcripts = folderTranscripts(folder);
    const windows = createWindows(outbound, secrets);
    const records = createRecords(memoryNumberedStore(this.entries));
    const luna = new Luna({ settings, outbound, secrets, windows, transcripts, records });
    const azure = azureWithMachines(() => this.vmId);
    this.systems = { settings, outbound, secrets, records, transcripts, windows, luna, azure, clocks: clocksOfWorker() } as unknown as Systems;
    const hsmPin = pinOfKey(Buffer.from(publicLine(world.appliance.state.hostKeyPem).split(' ')[1]!, 'base64'));
    this.hosts = { windows: { address: addresses.windows, pin: world.windowsPin }, hsm: { address: addresses.hsm, pin: hsmPin } };
  }

  async stop(): Promise<void> {
    this.isRunning = false;
    await this.world.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get job() {
    return { target: this.target, runId: 'run-1', request: this.request };
  }

  keep(purpose: Purpose, value: string): void {
    this.values.set(secretName(this.target, purpose), value);
  }

  kept(purpose: Purpose): string {
    return this.values.get(secretName(this.target, purpose))!;
  }

  /** What nobody may see. */
  get secrets(): [string, string][] {
    return [...this.values].filter(([name]) => isSecret(name));
  }

  /** What an earlier job entered in the record of the HSM. */
  enterEarlier(...events: EarlierEntry<'hsm'>[]): void {
    enterEarlier(this.entries, this.target, 'hsm', events);
  }

  /**
   * Sets the HSM up as far as its own half of the runbook goes: kept passwords, a partition of the request's name, NTLS bound and running. An earlier job did
   * that, and entered it, unless somebody else did.
   */
  setUpHsm(by: 'an earlier job' | 'somebody else' = 'an earlier job'): PartitionState {
    const { state } = this.world.appliance;
    const { label, partition } = this.request.hsm;
    const serial = '1234567890123';
    if (by === 'an earlier job') this.enterEarlier(...earlierEntries, ['partition-created', { serial, name: partition.name, sizeBytes: partition.sizeBytes }]);
    Object.assign(state.users[0]!, { password: this.kept('appliance-password'), mustChange: false });
    Object.assign(state.hsm, { label, zeroized: false, soPassword: this.kept('hsm-so-password'), domain: this.kept('hsm-domain') });
    state.hsm.partitions.push({
      serial,
      name: partition.name,
      label: '',
      sizeBytes: partition.sizeBytes,
      objects: [],
      poAttemptsLeft: 10,
      coMustChange: false,
      coAttemptsLeft: 10,
    });
    Object.assign(state.ntls, { device: 'eth0', running: true, active: { device: 'eth0', certificatePem: state.server.certificatePem } });
    return this.partition;
  }

  get partition(): PartitionState {
    return this.world.appliance.state.hsm.partitions.find(({ name }) => name === this.request.hsm.partition.name)!;
  }

  /** The record of the HSM as some attempt of this job reads and writes it. */
  record(): TargetRecord<'hsm'> {
    return this.systems.records.of(this.target, 'hsm', { jobId: this.target, runId: this.job.runId, execution: 'look', attempt: 1, retry: 1 });
  }

  /** A person approved this: as the engine enters it. */
  granted(approvalId: string, digest: string) {
    return granted(this.systems.records, this.job, approvalId, digest);
  }

  /** What the crypto officer sees in the partition. */
  contents(): Promise<string[]> {
    const { luna } = this.systems;
    const at = { step: 'contents', order: 'look', number: 1, signal: AbortSignal.timeout(30_000), record: this.record() };
    return runWithFence(openFence, () => luna.partitionContents({ ...this.job, ...this.hosts }, this.partition.serial, at));
  }

  /** One attempt of a step, as Temporal makes it. */
  attempt<Input, Result>(activity: Activity<Input, Result>, input: Input, number = 1): Promise<Result> {
    const environment = new MockActivityEnvironment(
      {
        activityType: stepOf(activity),
        activityId: this.execution ?? stepOf(activity),
        attempt: number,
        startToCloseTimeoutMs: 60_000,
        heartbeatDetails: this.#detail,
      },
      { logger },
    );
    this.#detail = undefined;
    environment.on('heartbeat', (detail: unknown) => {
      this.#detail = detail;
    });
    return runStep(environment, activity(this.systems), input, this.fence());
  }

  /**
   * Begins an attempt and cuts it off while the simulator holds what it sent: its connections are gone, as a killed worker’s are, and what it began goes on
   * when it is released.
   */
  async cutOffAt<Input, Result>(operation: string, activity: Activity<Input, Result>, input: Input): Promise<{ release(): void }> {
    this.fault('hold', operation);
    const environment = new MockActivityEnvironment(
      { activityType: stepOf(activity), activityId: this.execution ?? stepOf(activity), startToCloseTimeoutMs: 60_000 },
      { logger },
    );
    const ended = runStep(environment, activity(this.systems), input).then(
      () => assert.fail(`it ended before ${operation}`),
      () => {},
    );
    const held = await Promise.race([until(`${operation} held`, async () => this.world.faults.held()[0]), ended]);
    assert.ok(held, `it failed before ${operation}`);
    environment.cancel();
    await ended;
    return { release: () => void this.world.faults.release(held.id) };
  }

  /** A whole step: attempted again while it says that it is not ready, or that something passing was in the way. */
  async step<Input, Result>(activity: Activity<Input, Result>, input: Input): Promise<Result> {
    for (let number = 1; ; number++) {
      try {
        return await this.attempt(activity, input, number);
      } catch (error) {
        if (!(error instanceof ApplicationFailure) || error.nonRetryable) throw error;
        assert.ok(number < 100, `too many attempts: ${error.message}`);
        await pause(20);
      }
    }
  }

  /** The problem that a step stops with; nothing secret is in it. */
  async problemOf(stopped: Promise<unknown>): Promise<Stopped> {
    const failure = await stopped.then(
      () => assert.fail('the step is done'),
      (error: unknown) => error,
    );
    if (!(failure instanceof ApplicationFailure)) throw failure;
    const told = JSON.stringify([failure.message, failure.details]);
    for (const [name, secret] of this.secrets) assert.ok(!told.includes(JSON.stringify(secret).slice(1, -1)), `${name} is in ${told}`);
    return stoppedBy(failure);
  }

  fault(kind: FaultRequest['kind'], operation: string, more: Partial<FaultRequest> = {}): void {
    this.world.faults.add({ kind, operation, ...more });
  }

  /** What the Windows host remembers. */
  get host(): HostState {
    return (this.world.state['windowsHosts'] as Record<string, HostState>)[addresses.windows]!;
  }

  /** The script files that are on the Windows host. */
  get scripts(): FileState[] {
    return Object.values(this.host.files).filter(({ path }) => path.endsWith('.lunacm'));
  }

  arrived(operation: string, outcome?: string): Entry[] {
    return this.world.requestLog.entries.filter((entry) => entry.operation === operation && (outcome === undefined || entry.outcome === outcome));
  }
}

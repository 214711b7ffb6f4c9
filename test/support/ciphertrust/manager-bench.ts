import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { adminPassword } from '../../../activities/ciphertrust/admin-password.ts';
import { firstBoot } from '../../../activities/ciphertrust/first-boot.ts';
import { license } from '../../../activities/ciphertrust/license.ts';
import { resetPassword } from '../../../activities/root-of-trust/reset-password.ts';
import { setRootOfTrust } from '../../../activities/root-of-trust/set-root-of-trust.ts';
import { verifyRootOfTrust } from '../../../activities/root-of-trust/verify-root-of-trust.ts';
import type { Systems } from '../../../activities/systems.ts';
import type { ManagerEndpoint, StepInput } from '../../../domain/results.ts';
import { selfSigned } from '../../../simulator/certificates.ts';
import type { ManagerState } from '../../../simulator/ciphertrust/state.ts';
import { createWorld, type RunningWorld, type WorldOptions } from '../../../simulator/create-world.ts';
import type { FaultRequest } from '../../../simulator/faults.ts';
import { createSocks, type Socks } from '../../../simulator/network/socks.ts';
import { createRecords } from '../../../stores/record/record.ts';
import { folderTranscripts } from '../../../stores/reports/transcripts.ts';
import { generateSecret } from '../../../stores/secrets/generate.ts';
import { type SecretStore, secretName } from '../../../stores/secrets/store.ts';
import { seenOf } from '../../../systems/certificates.ts';
import { createCipherTrust } from '../../../systems/ciphertrust/ciphertrust.ts';
import type { Fence } from '../../../systems/fence.ts';
import { createOutbound } from '../../../systems/outbound.ts';
import { readRsaKey } from '../../../systems/ssh/private-key.ts';
import { granted } from '../approvals.ts';
import { enterEarlier } from '../earlier-entries.ts';
import { exampleRequest } from '../example.ts';
import { runStep } from '../fence.ts';
import { memoryNumberedStore } from '../numbered-store.ts';
import { azureWithMachines, managerCreated } from '../own-machines.ts';
import { type Stopped, stoppedBy } from '../stopped.ts';
import { hsmAddress, managerAddress, officerPassword, partition, stubAppliance } from '../stub-appliance.ts';
import { quickKeys } from './options.ts';

export const target = 'kylo-luna-hsm-0123456789';
export const changePassword = 'ciphertrust:PATCH /v1/auth/changepw';
export const setup = 'ciphertrust:POST /v1/system/hsm/setup';
const keySecret = secretName(target, 'client-certificate-key');
const pins = { windows: { address: '172.22.0.4', pin: 'SHA256:windows' }, hsm: { address: hsmAddress, pin: 'SHA256:hsm' } };
const logger = new DefaultLogger('ERROR');
const trueTime = Date.now;

/** Made once for all tests of a process: keys take their time. */
const [sshKey, certificates] = await Promise.all([
  generateSecret('windows-ssh-key').then(readRsaKey),
  Promise.all([selfSigned({ commonName: 'local_host' }), selfSigned({ commonName: managerAddress })]).then(([server, client]) => ({ server, client })),
]);

interface SwitchedOn extends Partial<WorldOptions> {
  adminUser?: string;
  customData?: string;
}

/**
 * The product’s CipherTrust steps in this process, through its SOCKS proxy, against a simulated manager that knows one partition of one HSM, and nothing else.
 * Where the HSM itself matters, `TrustBench` has one.
 */
export class ManagerBench {
  readonly request = exampleRequest();
  /** The secret store. */
  readonly values = new Map([
    [secretName(target, 'ciphertrust-admin-password'), 'Kept-Password-1'],
    [secretName(target, 'crypto-officer-password'), officerPassword],
    [keySecret, certificates.client.privateKeyPem],
    [secretName(target, 'ciphertrust-ssh-key'), sshKey.privatePem],
    ['ntp-key', 'a-symmetric-ntp-key'],
  ]);
  /** Labels of the objects in the partition. */
  readonly objects: string[] = [];
  readonly publicKey = sshKey.publicLine;
  readonly keySecret = keySecret;
  /** The target record. */
  readonly entries = new Map<string, string>();
  /** How many connections to a manager were opened. */
  connections = 0;
  world!: RunningWorld;
  systems!: Systems;
  /** Of another worker, with a reports folder of its own: they share the secrets and the target record alone. */
  worker!: (name: string) => Systems;
  #socks: Socks | undefined;
  #folder = '';
  /** What the last attempt left for the next one, as Temporal passes it on. */
  #heartbeat: unknown;
  #steps = 0;

  /** Switches a manager on. */
  async switchOn({ adminUser = 'ksadmin', customData, variants, ...options }: SwitchedOn = {}): Promise<void> {
    const machines = { appliance: async () => stubAppliance(certificates, this.objects) };
    this.world = await createWorld({ timeScale: 1200, machines, ...options, variants: { ...quickKeys, ...variants } });
    this.#socks = await createSocks(this.world);
    this.#folder = await mkdtemp(join(tmpdir(), 'hsm-ciphertrust-'));
    await this.world.machines.appliance({ name: 'kylo-luna-hsm', address: hsmAddress });
    await this.world.machines.cipherTrust({
      name: 'mycompany-ciphertrust',
      address: managerAddress,
      adminUser,
      sshPublicKey: sshKey.publicLine,
      ...(customData ? { customData: Buffer.from(customData).toString('base64') } : {}),
    });
    const secrets: SecretStore = { get: async (name) => this.values.get(name), create: () => assert.fail('these steps only read') };
    const outbound = createOutbound(`socks5://127.0.0.1:${this.#socks.port}`);
    const counted: typeof outbound = Object.create(outbound, {
      socket: {
        value: (...to: Parameters<typeof outbound.socket>) => {
          this.connections++;
          return outbound.socket(...to);
        },
      },
    });
    this.worker = (name) =>
      ({
        secrets,
        settings: { commandMs: 1_250, pollIntervalMs: 20 },
        transcripts: folderTranscripts(join(this.#folder, name)),
        records: createRecords(memoryNumberedStore(this.entries)),
        azure: azureWithMachines(),
        luna: { partitionContents: async () => this.objects },
        cipherTrust: createCipherTrust(counted, {} as Systems['windows']),
      }) as unknown as Systems;
    this.systems = this.worker('first');
    if (this.entries.size === 0) enterEarlier(this.entries, target, 'ciphertrust', managerCreated(this.request));
  }

  async stop(): Promise<void> {
    await this.world?.stop();
    await this.#socks?.stop();
    if (this.#folder) await rm(this.#folder, { recursive: true });
  }

  /** Of the job. */
  runId = 'run-1';
  readonly job = () => ({ target, runId: this.runId, request: this.request });

  /** What was entered about the manager, in order, but for whose it is and what it was given. */
  get recorded(): string[] {
    const own = [...this.entries].filter(([name]) => name.startsWith(`${target}/ciphertrust/`));
    return own.map(([, text]) => (JSON.parse(text) as { event: string }).event).filter((event) => !/^machine-|^secret-given$/.test(event));
  }

  /** One attempt of a step, as Temporal makes it. */
  attempt<Input, Result>(step: (input: Input) => Promise<Result>, input: Input, number = 1, order = 'order'): Promise<Result> {
    return this.#attempt({ number, order }, step, input);
  }

  /** The same, under a fence of the test's own. */
  attemptUnder<Input, Result>(fence: Fence, step: (input: Input) => Promise<Result>, input: Input): Promise<Result> {
    return this.#attempt({ number: 1, order: 'order', fence }, step, input);
  }

  #attempt<Input, Result>(
    { number, order, fence }: { number: number; order: string; fence?: Fence },
    step: (input: Input) => Promise<Result>,
    input: Input,
  ): Promise<Result> {
    // Temporal's own clock is right, whatever this machine's says.
    const info = { startToCloseTimeoutMs: 60_000, currentAttemptScheduledTimestampMs: trueTime() };
    const environment = new MockActivityEnvironment({ ...info, attempt: number, activityId: order, heartbeatDetails: this.#heartbeat }, { logger });
    this.#heartbeat = undefined;
    environment.on('heartbeat', (details) => {
      this.#heartbeat = details;
    });
    return runStep(environment, step, input, fence);
  }

  /** A whole step, under an order of its own if none is named: attempted again while it says that it is not ready or that something passing was in the way. */
  async step<Input, Result>(activity: (systems: Systems) => (input: Input) => Promise<Result>, input: Input, order = `step ${++this.#steps}`): Promise<Result> {
    this.#heartbeat = undefined;
    const run = activity(this.systems);
    for (let number = 1; ; number++) {
      try {
        return await this.attempt(run, input, number, order);
      } catch (error) {
        if (!(error instanceof ApplicationFailure) || error.nonRetryable) throw error;
        assert.ok(number < 500, `too many attempts: ${error.message}`);
        await pause(20);
      }
    }
  }

  readonly booted = async (): Promise<ManagerEndpoint> => (await this.step(firstBoot, { ...this.job(), reachable: managerAddress })).cipherTrust;

  async licensed(): Promise<ManagerEndpoint> {
    const cipherTrust = await this.booted();
    await this.step(adminPassword, { ...this.job(), cipherTrust });
    await this.step(license, { ...this.job(), cipherTrust });
    return cipherTrust;
  }

  readonly rootInput = (cipherTrust: ManagerEndpoint) => ({
    ...this.job(),
    cipherTrust,
    hsmAddress,
    partitionSerial: partition.serial,
    serverCertificate: seenOf(certificates.server.certificatePem),
    clientCertificate: seenOf(certificates.client.certificatePem),
    keySecret,
    fresh: true,
  });

  /** A person approved this: as the engine enters it. */
  granted(approvalId: string, digest: string) {
    return granted(this.systems.records, this.job(), approvalId, digest);
  }

  set(cipherTrust: ManagerEndpoint, order?: string) {
    return this.step(setRootOfTrust, this.rootInput(cipherTrust), order);
  }

  reset({ cipherTrust, openSince }: Awaited<ReturnType<ManagerBench['set']>>, more: Pick<StepInput<'reset-password'>, 'exposures'> = {}) {
    return this.step(resetPassword, { ...this.job(), cipherTrust, partitionSerial: partition.serial, ...(openSince ? { openSince } : {}), ...more });
  }

  /** What comes after the wipe. */
  async verified(wiped: Awaited<ReturnType<ManagerBench['set']>>) {
    const { cipherTrust } = await this.reset(wiped);
    return this.step(verifyRootOfTrust, { ...this.job(), ...pins, cipherTrust, partitionSerial: partition.serial });
  }

  /** The manager itself. */
  get manager(): ManagerState {
    return (this.world.state['cipherTrusts'] as Record<string, ManagerState>)[managerAddress]!;
  }

  get summary(): Record<string, unknown> {
    return this.world.cipherTrusts.get(managerAddress)!.summary();
  }

  arrived(operation: string, outcome?: string) {
    return this.world.requestLog.entries.filter((entry) => entry.operation === operation && (outcome === undefined || entry.outcome === outcome));
  }

  fault(kind: FaultRequest['kind'], operation: string, more: Partial<FaultRequest> = {}) {
    return this.world.faults.add({ kind, operation, ...more });
  }

  /** The problem that a step stops with; nothing secret is in it. */
  async problemOf(stopped: Promise<unknown>): Promise<Stopped> {
    const failure = await stopped.then(
      () => assert.fail('the step is done'),
      (error: unknown) => error,
    );
    assert.ok(failure instanceof ApplicationFailure, String(failure));
    const told = JSON.stringify([failure.message, failure.details]);
    for (const secret of this.values.values()) assert.ok(!told.includes(JSON.stringify(secret).slice(1, -1)));
    return stoppedBy(failure);
  }
}

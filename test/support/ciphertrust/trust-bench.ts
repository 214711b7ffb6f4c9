import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { adminPassword } from '../../../activities/ciphertrust/admin-password.ts';
import { firstBoot } from '../../../activities/ciphertrust/first-boot.ts';
import { license } from '../../../activities/ciphertrust/license.ts';
import { ntp } from '../../../activities/ciphertrust/ntp.ts';
import { connectClient } from '../../../activities/partition/connect-client.ts';
import { cryptoOfficer } from '../../../activities/partition/crypto-officer.ts';
import { initializePartition } from '../../../activities/partition/initialize-partition.ts';
import { clientCertificate } from '../../../activities/root-of-trust/client-certificate.ts';
import { registerClient } from '../../../activities/root-of-trust/register-client.ts';
import { resetPassword } from '../../../activities/root-of-trust/reset-password.ts';
import { setRootOfTrust } from '../../../activities/root-of-trust/set-root-of-trust.ts';
import { verifyRootOfTrust } from '../../../activities/root-of-trust/verify-root-of-trust.ts';
import type { Systems } from '../../../activities/systems.ts';
import { type Problem, wordsOf } from '../../../domain/failure.ts';
import type { ManagerContents, ManagerEndpoint, StepInput, StepResult } from '../../../domain/results.ts';
import type { ManagerState } from '../../../simulator/ciphertrust/state.ts';
import type { Entry } from '../../../simulator/request-log.ts';
import { createRecords } from '../../../stores/record/record.ts';
import { generateSecret } from '../../../stores/secrets/generate.ts';
import { createCipherTrust } from '../../../systems/ciphertrust/ciphertrust.ts';
import { readRsaKey } from '../../../systems/ssh/private-key.ts';
import { enterEarlier } from '../earlier-entries.ts';
import { runStep } from '../fence.ts';
import { LunaSteps } from '../luna/luna-steps.ts';
import { addresses } from '../luna/luna-world.ts';
import { memoryNumberedStore } from '../numbered-store.ts';
import { azureWithMachines, managerCreated } from '../own-machines.ts';
import { until } from '../until.ts';

const logger = new DefaultLogger('ERROR');

/** What the steps before found out about the HSM's side. */
type HsmSide = Pick<
  StepInput<'set-root-of-trust'>,
  'windows' | 'hsm' | 'hsmAddress' | 'partitionSerial' | 'serverCertificate' | 'clientCertificate' | 'keySecret'
>;

interface Ready {
  state: Record<string, unknown>;
  values: Map<string, string>;
  side: HsmSide;
}

/** On a machine that has much else to do a wipe takes its time, even at this scale. */
const settings = { HSM_POLL_INTERVAL_MS: '20', HSM_COMMAND_MS: '1000' };

let ready: Promise<Ready> | undefined;

/** An HSM whose partition waits for its CipherTrust Manager: carried out once by the product’s own steps, copied for every run. */
async function makeReady(): Promise<Ready> {
  const luna = await LunaSteps.start();
  const { serial: partitionSerial } = luna.setUpHsm();
  Object.assign(luna.systems, { cipherTrust: {} });
  luna.request.certificate = 'generated';
  const base = { ...luna.job, ...luna.hosts, partitionSerial };
  await luna.step(connectClient, base);
  await luna.step(initializePartition, base);
  await luna.step(cryptoOfficer, base);
  const made = await luna.step(clientCertificate, base);
  const { serverCertificate } = await luna.step(registerClient, { ...base, clientCertificate: made.clientCertificate });
  luna.keep('ciphertrust-ssh-key', await generateSecret('windows-ssh-key'));
  luna.values.set('ntp-key', 'a-symmetric-ntp-key');
  await luna.stop();
  luna.world.requestLog.clear();
  const side = { ...luna.hosts, hsmAddress: addresses.hsm, partitionSerial, serverCertificate, ...made };
  return { state: luna.world.state, values: luna.values, side };
}

/** What went wrong, and what a person did about it. */
export interface Stopped {
  step: string;
  problem: Problem;
}

/** A person who mends what an incident names, before the step is tried again; throws where there is nothing to mend. */
export type Operator = (stopped: Stopped) => void | Promise<void>;

/**
 * The CipherTrust half of the runbook in this process, over the real protocols: a manager that is being switched on, an HSM whose partition waits for it. Steps
 * are attempted as Temporal does it; incidents go to an operator of the test’s.
 */
export class TrustBench {
  readonly luna: LunaSteps;
  readonly side: HsmSide;
  /** Incidents so far, and approvals that were asked for. */
  readonly stopped: Stopped[] = [];
  readonly asked: ManagerContents[] = [];
  /** The most wrong passwords that one attempt showed. */
  wrongPasswords = 0;
  /** Is called before each step. */
  before: (step: string) => void | Promise<void> = () => {};
  /** Is called at each arrival at a simulated system, before anything is done about it. */
  arrived: (entry: Entry) => void = () => {};
  operator: Operator = ({ step, problem }) => assert.fail(`${step} stopped: ${wordsOf(problem)}`);
  /** The target record. */
  readonly entries = new Map<string, string>();
  #orders = 0;

  static async start(variants: Record<string, string> = {}): Promise<TrustBench> {
    const { state, values, side } = await (ready ??= makeReady());
    let bench: TrustBench | undefined;
    const luna = await LunaSteps.start({ variants, arrived: (entry) => bench?.arrived(entry) }, settings, { state, values });
    bench = new TrustBench(luna, structuredClone(side));
    await luna.world.machines.cipherTrust({
      name: luna.request.cipherTrust.vmName,
      address: addresses.cipherTrust,
      adminUser: 'ksadmin',
      sshPublicKey: readRsaKey(luna.kept('ciphertrust-ssh-key')).publicLine,
    });
    return bench;
  }

  private constructor(luna: LunaSteps, side: HsmSide) {
    this.luna = luna;
    this.side = side;
    const { systems } = luna;
    enterEarlier(this.entries, luna.target, 'ciphertrust', managerCreated(luna.request));
    Object.assign(systems, {
      cipherTrust: createCipherTrust(systems.outbound, systems.windows),
      records: createRecords(memoryNumberedStore(this.entries)),
      azure: azureWithMachines(),
    });
  }

  stop(): Promise<void> {
    return this.luna.stop();
  }

  /** The simulated manager itself. */
  get manager(): ManagerState {
    return (this.luna.world.state['cipherTrusts'] as Record<string, ManagerState>)[addresses.cipherTrust]!;
  }

  /** It presents another certificate from now on. */
  async present(web: ManagerState['web']): Promise<void> {
    this.manager.nextWeb = web;
    this.manager.restart = { at: 0, minutes: 0 };
    await until('another certificate to be presented', async () => (this.manager.web === web && !this.manager.restart ? true : undefined), { everyMs: 5 });
  }

  /** Sign-ins with an initial password, as far as the manager says so. */
  get probes(): number {
    return this.luna.world.requestLog.entries.filter(({ detail }) => detail === 'Password change required').length;
  }

  get summary(): Record<string, unknown> {
    return this.luna.world.cipherTrusts.get(addresses.cipherTrust)!.summary();
  }

  /** A whole step, as often as it takes, with a person beside it. */
  async step<Input extends object, Result>(name: string, activity: (systems: Systems) => (input: Input) => Promise<Result>, input: Input): Promise<Result> {
    await this.before(name);
    const run = activity(this.luna.systems);
    for (;;) {
      try {
        return await this.#ordered(run, input);
      } catch (error) {
        if (!(error instanceof ApplicationFailure) || !error.nonRetryable) throw error;
        const stopped = { step: name, problem: error.details![0] as Problem };
        this.stopped.push(stopped);
        const told = JSON.stringify([error.message, error.details]);
        for (const [secret, value] of this.luna.values) assert.ok(!told.includes(JSON.stringify(value).slice(1, -1)), `${secret} is in ${told}`);
        assert.ok(this.stopped.length < 4, `stopped again and again: ${told}`);
        await this.operator(stopped);
      }
    }
  }

  /** All attempts of one order. */
  async #ordered<Input, Result>(run: (input: Input) => Promise<Result>, input: Input): Promise<Result> {
    const activityId = `${++this.#orders}`;
    let heartbeatDetails: unknown;
    for (let attempt = 1; ; attempt++) {
      const info = { attempt, activityId, heartbeatDetails, startToCloseTimeoutMs: 60_000, currentAttemptScheduledTimestampMs: Date.now() };
      const environment = new MockActivityEnvironment(info, { logger });
      heartbeatDetails = undefined;
      environment.on('heartbeat', (details: unknown) => {
        heartbeatDetails = details;
      });
      const arrivals = this.luna.world.requestLog.entries.length;
      try {
        return await runStep(environment, run, input);
      } catch (error) {
        if (!(error instanceof ApplicationFailure) || error.nonRetryable) throw error;
        assert.ok(attempt < 1_000, `too many attempts: ${error.message}`);
        await pause(20);
      } finally {
        const wrong = this.luna.world.requestLog.entries.slice(arrivals).filter(({ operation, outcome, detail = '' }) => {
          return outcome === 'refused' && /auth\/(tokens|changepw)/.test(operation) && /^(Wrong|Password|authentication failed|NCERR|400|401|403)/.test(detail);
        });
        this.wrongPasswords = Math.max(this.wrongPasswords, wrong.length);
      }
    }
  }

  /** “Deploy the Virtual CipherTrust Manager”, from its first boot on. */
  async deployed(): Promise<{ cipherTrust: ManagerEndpoint; fresh: boolean }> {
    const { job } = this.luna;
    const boot = await this.step('first-boot', firstBoot, { ...job, reachable: addresses.cipherTrust });
    const { cipherTrust, openSince } = boot;
    const { exposure } = await this.step('admin-password', adminPassword, { ...job, cipherTrust, ...(openSince ? { openSince } : {}) });
    await this.step('ntp', ntp, { ...job, cipherTrust });
    await this.step('license', license, { ...job, cipherTrust });
    return { cipherTrust, fresh: exposure !== undefined };
  }

  /** “Configuring the HSM partition as the root of trust”: what would be wiped is approved as soon as it is asked. */
  async trusted(deployed: { cipherTrust: ManagerEndpoint; fresh: boolean }): Promise<StepResult<'verify-root-of-trust'> & { cipherTrust: ManagerEndpoint }> {
    const set = async (
      at: ManagerEndpoint,
      fresh: boolean,
      approved: { approvedDigest?: string; approvalId?: string } = {},
    ): Promise<StepResult<'set-root-of-trust'>> => {
      const publicKey = readRsaKey(this.luna.kept('ciphertrust-ssh-key')).publicLine;
      const input = () => ({ ...this.luna.job, ...this.side, cipherTrust: at, fresh, publicKey, ...approved });
      // The operator may mend what stands in the input, too.
      const result = await this.step('set-root-of-trust', (systems) => () => setRootOfTrust(systems)(input()), {});
      if (!result.needsApproval) return result;
      this.asked.push(result.needsApproval);
      return set(at, fresh, await this.luna.granted(`approve-wipe-${this.asked.length}`, result.needsApproval.digest));
    };
    let wiped = await set(deployed.cipherTrust, deployed.fresh);
    let cipherTrust = await this.#reset(wiped);
    while (wiped.failed) {
      wiped = await set(cipherTrust, true);
      cipherTrust = await this.#reset(wiped);
    }
    const { partitionSerial } = this.side;
    const { windows, hsm } = this.side;
    const proof = { ...this.luna.job, windows: windows!, hsm: hsm!, cipherTrust, partitionSerial };
    return { ...(await this.step('verify-root-of-trust', verifyRootOfTrust, proof)), cipherTrust };
  }

  async #reset({ cipherTrust, openSince }: StepResult<'set-root-of-trust'>): Promise<ManagerEndpoint> {
    const { partitionSerial } = this.side;
    const input = { ...this.luna.job, cipherTrust, partitionSerial, ...(openSince ? { openSince } : {}) };
    return (await this.step('reset-password', resetPassword, input)).cipherTrust;
  }

  /** How often `hsm/setup` arrived, and how often it took effect. */
  get setups(): { arrived: number; done: number } {
    const operation = 'ciphertrust:POST /v1/system/hsm/setup';
    return { arrived: this.luna.arrived(operation).length, done: this.luna.arrived(operation, 'done').length };
  }
}

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createActivities } from '../../activities/registry.ts';
import type { Systems } from '../../activities/systems.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { StepContext, StepResult, StepTypes } from '../../domain/results.ts';
import type { ActivityId } from '../../domain/steps.ts';
import { createAzure, type Azure as SimulatedAzure } from '../../simulator/azure/azure.ts';
import { createWorld, type RunningWorld, type WorldOptions } from '../../simulator/create-world.ts';
import type { FaultRequest } from '../../simulator/faults.ts';
import type { Entry } from '../../simulator/request-log.ts';
import { type Azure, type AzureClients, createAzure as createClients } from '../../systems/azure/azure.ts';
import type { Fence } from '../../systems/fence.ts';
import { readSettings } from '../../worker/settings.ts';
import { createSystems } from '../../worker/systems.ts';
import { exampleRequest } from './example.ts';
import { openFence, runStep } from './fence.ts';
import { type Stopped, stoppedBy } from './stopped.ts';

export interface AzureBenchOptions extends Partial<WorldOptions> {
  /** How long one answer is waited for. */
  timeoutMs?: number;
  /** Where every exchange is written down. */
  capture?: string;
}

/** One failed attempt of a step: what it said, and when it wants to be tried again. */
export interface Attempted {
  problem: Stopped;
  retryAfterMs: number | undefined;
}

const logger = new DefaultLogger('ERROR');

/** One attempt of a step, as Temporal makes it, with these systems. */
export function attemptStep<Id extends ActivityId>(
  systems: Systems,
  id: Id,
  input: StepContext & StepTypes[Id]['needs'],
  { number, scheduledAt, fence }: { number: number; scheduledAt: number; fence?: Fence },
): Promise<StepResult<Id>> {
  const activity = createActivities(systems)[id] as unknown as (input: unknown) => Promise<StepResult<Id>>;
  const info = {
    attempt: number,
    activityType: id,
    startToCloseTimeoutMs: 60_000,
    scheduledTimestampMs: scheduledAt,
    currentAttemptScheduledTimestampMs: Date.now(),
  };
  return runStep(new MockActivityEnvironment(info, { logger }), activity, input, fence);
}

/** Pauses are kept, so that what waits as told is seen; longer ones are cut short, so that nobody waits for it. */
const longestPauseMs = 100;

/** The product’s Azure steps, one at a time and without Temporal, against a simulated Azure in this process: what a test of a single step needs. */
export class AzureBench {
  readonly world: RunningWorld;
  readonly azure: SimulatedAzure;
  readonly systems: Systems;
  /** Clients that need no permit. */
  readonly strangers: Azure;
  readonly env: NodeJS.ProcessEnv;
  request: ProvisioningRequest = exampleRequest();
  target = 'kylo-luna-hsm-0123456789';
  /** Every attempt that did not get through. */
  readonly attempts: Attempted[] = [];
  readonly #folder: string;

  static async start({ timeoutMs = 20_000, capture, ...options }: AzureBenchOptions = {}): Promise<AzureBench> {
    const folder = await mkdtemp(join(tmpdir(), 'hsm-azure-'));
    const world = await createWorld({ timeScale: 6000, ...options });
    const azure = await createAzure(world, 0, capture);
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, azure.caPem);
    return new AzureBench(folder, world, azure, {
      HSM_ARM_ENDPOINT: azure.arm,
      AZURE_AUTHORITY_HOST: azure.authority,
      AZURE_TENANT_ID: azure.credentials.tenantId,
      AZURE_CLIENT_ID: azure.credentials.clientId,
      AZURE_CLIENT_SECRET: azure.credentials.clientSecret,
      HSM_CA_FILE: caFile,
      HSM_AZURE_TIMEOUT_MS: `${timeoutMs}`,
      HSM_SECRETS_FOLDER: join(folder, 'secrets'),
      HSM_SECRETS_KEY_FILE: join(folder, 'secrets.key'),
      HSM_REPORTS_FOLDER: join(folder, 'reports'),
      HSM_RECORD_FOLDER: join(folder, 'record'),
      HSM_POLL_INTERVAL_MS: '20',
    });
  }

  constructor(folder: string, world: RunningWorld, azure: SimulatedAzure, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.world = world;
    this.azure = azure;
    this.env = env;
    const settings = readSettings(env);
    this.systems = createSystems(settings);
    this.strangers = createClients(settings, this.systems.outbound, () => openFence);
  }

  async stop(): Promise<void> {
    await this.azure.stop();
    await this.world.stop();
    await rm(this.#folder, { recursive: true });
  }

  /** Another job in the same subscription, or this one in another process. */
  as(other: Partial<Pick<AzureBench, 'request' | 'target' | 'systems'>>): AzureBench {
    return Object.assign(Object.create(Object.getPrototypeOf(this)), this, other) as AzureBench;
  }

  get job(): StepContext {
    return { target: this.target, runId: 'run-1', request: this.request };
  }

  /** Microsoft’s own clients, for what somebody else does in the subscription. */
  clients(): Promise<AzureClients> {
    return this.strangers.clients(this.request.azure);
  }

  fault(kind: FaultRequest['kind'], operation: string, more: Partial<FaultRequest> = {}): void {
    this.world.faults.add({ kind, operation, ...more });
  }

  /** What arrived, by pattern. */
  arrived(pattern: string, outcome?: string): Entry[] {
    const wanted = this.world.faults.matcher(pattern);
    return this.world.requestLog.entries.filter((entry) => wanted(entry.operation) && (outcome === undefined || entry.outcome === outcome));
  }

  /** What exists of a type, by the states of provisioning. */
  states(type: string): string[] {
    return this.azure
      .resources()
      .filter((resource) => resource.type === type)
      .map(({ provisioningState }) => provisioningState);
  }

  /** One attempt of a step, as Temporal makes it. */
  attempt<Id extends ActivityId>(id: Id, needs: StepTypes[Id]['needs'], { number = 1, scheduledAt = Date.now() } = {}): Promise<StepResult<Id>> {
    return attemptStep(this.systems, id, { ...this.job, ...needs }, { number, scheduledAt });
  }

  /** The same, of a step that needs nothing, under a fence of the test's own. */
  attemptUnder(fence: Fence, id: 'resource-group'): Promise<unknown> {
    return attemptStep(this.systems, id, this.job, { number: 1, scheduledAt: Date.now(), fence });
  }

  /** A whole step: attempted again while it says that it is not ready, or that something passing was in the way. */
  async step<Id extends ActivityId>(id: Id, needs: StepTypes[Id]['needs'], { scheduledAt = Date.now() } = {}): Promise<StepResult<Id>> {
    for (let number = 1; ; number++) {
      try {
        return await this.attempt(id, needs, { number, scheduledAt });
      } catch (error) {
        if (!(error instanceof ApplicationFailure) || error.nonRetryable) throw error;
        assert.ok(number < 500, `${id}: too many attempts: ${error.message}`);
        const retryAfterMs = error.nextRetryDelay as number | undefined;
        this.attempts.push({ problem: stoppedBy(error), retryAfterMs });
        await pause(Math.min(retryAfterMs ?? 20, longestPauseMs));
      }
    }
  }

  /** The problem that a step stops with. */
  async stops<Id extends ActivityId>(id: Id, needs: StepTypes[Id]['needs'], options: { scheduledAt?: number } = {}): Promise<Stopped> {
    const failure = await this.step(id, needs, options).then(
      (result) => assert.fail(`${id} is done: ${JSON.stringify(result)}`),
      (error: unknown) => error,
    );
    return stoppedBy(failure);
  }

  /** Up to the network: what deploy-hsm and the machines need. */
  async network(): Promise<StepResult<'virtual-network'>> {
    await this.step('register-providers', {});
    await this.step('resource-group', {});
    return this.step('virtual-network', {});
  }
}

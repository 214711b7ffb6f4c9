import type { Identity } from '../certificates.ts';
import type { Application } from './application.ts';
import type { StoredBlob } from './blob.ts';
import type { Lock } from './locks.ts';
import type { Output } from './templates/outputs.ts';
import type { Prepared, PreparedResource } from './templates/prepare.ts';
import type { Token } from './tokens.ts';
import type { VaultSecret } from './vault.ts';

/** A resource as ARM keeps it; `provisioningState` is worked out from `readyAt` when it is shown. */
export interface Resource {
  id: string;
  name: string;
  type: string;
  location: string;
  tags?: Record<string, string>;
  sku?: Record<string, unknown>;
  plan?: Record<string, unknown>;
  zones?: string[];
  properties: Record<string, unknown>;
  etag: string;
  startedAt: number;
  /** When the operation that made or changed it ends (ms since the epoch). */
  readyAt: number;
  /** Set where that operation ends badly, or has. */
  failure?: { code: string; message: string };
  /** Is the machine behind it to be switched on, or on? */
  machine?: 'wanted' | 'on';
  /** For virtual machines. */
  power?: 'running' | 'stopped' | 'deallocated';
  /** When it is so (ms since the epoch); until then it is on its way. */
  powerAt?: number;
  /** Its group was deleted; it still costs. */
  orphaned?: true;
  /** A deletion that is under way, and why it will not come to pass. */
  deletion?: { endsAt: number; refused?: string };
  /** The guest agent never gets ready. */
  agentIsDead?: true;
}

export interface RunCommand {
  id: string;
  name: string;
  location: string;
  tags?: Record<string, string>;
  script: string;
  parameters: Record<string, string>;
  protectedNames: string[];
  view: { executionState: string; exitCode: number; output: string; error: string; startTime?: string; endTime?: string };
}

export interface DeployedResource extends PreparedResource {
  state: 'Waiting' | 'Running' | 'Succeeded' | 'Failed';
  /** With a status where it was refused at once. */
  failure?: { code: string; message: string; status?: number };
}

export interface Deployment extends Prepared {
  id: string;
  name: string;
  templateHash: string;
  tags?: Record<string, string>;
  state: 'Running' | 'Succeeded' | 'Failed' | 'Canceled';
  correlationId: string;
  operationId: string;
  startedAt: number;
  finishedAt?: number;
  resources: DeployedResource[];
  outputs?: Record<string, Output>;
  outputFailures?: { target: string; message: string }[];
}

export interface Group {
  id: string;
  name: string;
  location: string;
  tags?: Record<string, string>;
  deletion?: { endsAt: number };
}

export interface AzureState {
  identity: Identity & { authorityPem: string };
  port: number;
  credentials: { tenantId: string; clientId: string; clientSecret: string };
  application: Application;
  /** What a process on an App Service shows to its identity endpoint. */
  identityHeader: string;
  /** Those given last. */
  tokens: Token[];
  /** The secrets of the key vault, by lower-cased name. */
  vault?: Record<string, VaultSecret>;
  /** The blobs of the storage account: container → name → blob. */
  blobs?: Record<string, Record<string, StoredBlob>>;
  feature: string;
  /** Namespace → when it is registered; absent: not registered. */
  providers: Record<string, number>;
  groups: Record<string, Group>;
  /** By lower-cased id. */
  resources: Record<string, Resource>;
  deployments: Record<string, Deployment>;
  runCommands: Record<string, RunCommand>;
  /** Scripts that were run by the action of that name, by operation. */
  invocations?: Record<string, RunCommand>;
  /** Management locks, by lower-cased id. */
  locks?: Record<string, Lock>;
  /** Operation id → what it is about. */
  operations: Record<string, { about: string; lied?: boolean; kind: 'resource' | 'run-command' | 'delete'; doneAt: number }>;
  terms: Record<string, boolean>;
  whatIfs: Record<string, unknown>;
  lastPublicAddress: number;
}

export const subscriptionId = 'd44a44b4-f4ce-4bb4-b4bc-444444444444';

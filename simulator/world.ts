import type { Clock } from './clock.ts';
import type { Durations } from './durations.ts';
import type { Faults } from './faults.ts';
import type { ApplianceState, PartitionState } from './luna/state.ts';
import type { VirtualNetwork } from './network/network.ts';
import type { RequestLog } from './request-log.ts';

/** A machine that is switched on: it listens on loopback and is attached to the virtual network. */
export interface Machine {
  /** Its private address in the virtual network. */
  readonly address: string;
  /** Loopback listeners by the port that they stand for: 22, 443 … */
  readonly ports: Readonly<Record<number, number>>;
  /** Also reachable at this (public) address. */
  attach(publicAddress: string): void;
  stop(): Promise<void>;
}

/** What an NTLS connection to the appliance presents. All of it is really checked. */
export interface NtlsAttempt {
  clientCertificatePem: string;
  clientPrivateKeyPem: string;
  /** The address that the appliance sees. */
  clientAddress: string;
  /** The server certificate that the client trusts. */
  serverCertificatePem: string;
}

export interface PartitionView {
  serial: string;
  name: string;
  label: string;
  objects: string[];
}

export type Checked<Good> = ({ ok: true } & Good) | { ok: false; why: string };

export interface Appliance extends Machine {
  readonly serial: string;
  /** Every command line that it was ever given while it is on, by anybody. They may hold passwords: they are shown to nobody but tests. */
  readonly commandLines: readonly string[];
  /** The partitions that this client may see, or why the connection is refused (NTLS not bound or stopped, unknown or unassigned client, wrong certificate, clock). */
  ntls(attempt: NtlsAttempt): Checked<{ partitions: PartitionView[] }>;
  /** Signs in as crypto officer over NTLS; a wrong password counts. */
  cryptoOfficerSignIn(attempt: NtlsAttempt, partitionSerial: string, password: string): Checked<{ partition: PartitionView }>;
  /** Adds objects with these labels to a partition, after a crypto officer signed in. */
  addObjects(partitionSerial: string, labels: string[]): void;
  readonly zeroized: boolean;
  /** A partition itself: what lunacm works on. */
  partition(serial: string): PartitionState | undefined;
  readonly state: ApplianceState;
  /** What a person may see of it; no secrets. */
  summary(): Record<string, unknown>;
}

export interface WindowsHost extends Machine {
  /** What the Azure guest agent does with a PowerShell script: runs it as SYSTEM. `say` is told what it has written so far. */
  runScript(script: string, parameters: Record<string, string>, say?: (output: string) => void): Promise<{ exitCode: number; output: string; error: string }>;
}

export interface CipherTrust extends Machine {
  summary(): Record<string, unknown>;
}

/** How the Azure side switches machines on when their resource is ready. */
export interface Machines {
  appliance(spec: { name: string; address: string }): Promise<Appliance>;
  windowsHost(spec: { name: string; address: string; adminUser: string; adminPassword: string }): Promise<WindowsHost>;
  cipherTrust(spec: { name: string; address: string; adminUser: string; sshPublicKey: string; customData?: string }): Promise<CipherTrust>;
}

/**
 * Everything there is. `state` is one JSON tree that survives a restart of the simulator: each part keeps its facts there (no functions, no timers; what
 * takes time is kept as the time stamp at which it is done) and calls `changed()` after a change.
 */
export interface World {
  readonly clock: Clock;
  readonly durations: Durations;
  readonly requestLog: RequestLog;
  readonly faults: Faults;
  readonly network: VirtualNetwork;
  /** Named options for facts that nobody has verified; each part declares its own with the default it starts from. */
  readonly variants: Record<string, string>;
  /** What can be downloaded from inside the simulated network, by URL. */
  readonly downloads: Map<string, Buffer>;
  readonly state: Record<string, unknown>;
  changed(): void;
  readonly machines: Machines;
  /** Switches a machine off for good: what it held is gone. */
  scrap(address: string): void;
  readonly appliances: Map<string, Appliance>;
  readonly windowsHosts: Map<string, WindowsHost>;
  readonly cipherTrusts: Map<string, CipherTrust>;
}

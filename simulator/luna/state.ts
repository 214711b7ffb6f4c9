import { randomInt } from 'node:crypto';
import type { Identity } from '../certificates.ts';

export interface PartitionState {
  serial: string;
  name: string;
  label: string;
  sizeBytes: number;
  objects: string[];
  domain?: string;
  poPassword?: string;
  poAttemptsLeft: number;
  coPassword?: string;
  coMustChange: boolean;
  coAttemptsLeft: number;
}

export interface ClientState {
  name: string;
  ip?: string;
  hostname?: string;
  /** Where a host name was mapped to an address. */
  mappedIp?: string;
  certificatePem: string;
  partitions: string[];
  /** How many of its connections are refused before NTLS takes notice of it. */
  unnoticed?: number;
}

export interface UserState {
  name: string;
  password: string;
  mustChange: boolean;
}

export interface HsmState {
  serial: string;
  label: string;
  zeroized: boolean;
  soPassword?: string;
  domain?: string;
  soAttemptsLeft: number;
  fips: boolean;
  partitions: PartitionState[];
  /** Counts how often it was initialized or erased: a sign-in of the SO does not outlive either. */
  generation?: number;
}

/** What was done to an HSM since it was delivered, whoever did it: what no later look at it can tell any more. */
export interface HsmCounts {
  inits: number;
  policyChanges: number;
  zeroizations: number;
  partitionsCreated: number;
  /** Partitions that were there when something erased the HSM. */
  partitionsErased: number;
  soRefused: number;
  /** The lowest that the SO’s attempts ever were; 0 where they were used up. */
  fewestSoAttempts: number;
}

/** Everything that an appliance remembers. */
export interface ApplianceState {
  name: string;
  address: string;
  /** What `network show` tells of eth0, where it is not the address. */
  eth0?: string;
  hostname: string;
  hostKeyPem: string;
  users: UserState[];
  files: Record<string, string>;
  hsm: HsmState;
  counts: HsmCounts;
  clients: ClientState[];
  server: Identity;
  /** What the running service uses; the settings count only after a restart. */
  ntls: { device: string | null; running: boolean; active?: { device: string; certificatePem: string }; ipCheck: boolean };
  clock: { skewMinutes: number; zone: string };
}

export const storageBytes = 33_554_432;
/** One RSA-2048 pair took 1660 bytes on a 6.2 unit: half of it for each object. */
const objectBytes = 830;

export const usedBytes = (partition: PartitionState): number => partition.objects.length * objectBytes;
export const newSerial = (digits: number): string => `1${Array.from({ length: digits - 1 }, () => randomInt(10)).join('')}`;

export const newCounts = (): HsmCounts => ({
  inits: 0,
  policyChanges: 0,
  zeroizations: 0,
  partitionsCreated: 0,
  partitionsErased: 0,
  soRefused: 0,
  fewestSoAttempts: 3,
});

/** Every partition goes, with the assignments of clients to it. */
export function erasePartitions({ hsm, counts, clients }: Pick<ApplianceState, 'hsm' | 'counts' | 'clients'>): void {
  counts.partitionsErased += hsm.partitions.length;
  hsm.partitions = [];
  for (const client of clients) client.partitions = [];
}

/** The HSM forgets everything: what three wrong passwords of the SO do. */
export function zeroize(state: Pick<ApplianceState, 'hsm' | 'counts' | 'clients'>): void {
  erasePartitions(state);
  state.counts.zeroizations += 1;
  Object.assign(state.hsm, { label: '', zeroized: true, soAttemptsLeft: 3, fips: false, generation: generationOf(state) + 1 } satisfies Partial<HsmState>);
  delete state.hsm.soPassword;
  delete state.hsm.domain;
}

export const generationOf = ({ hsm }: Pick<ApplianceState, 'hsm'>): number => hsm.generation ?? 0;

/** The HSM gets an SO, a domain and a label; what was in it is gone. */
export function initialize(state: Pick<ApplianceState, 'hsm' | 'counts' | 'clients'>, given: { label: string; soPassword: string; domain: string }): void {
  erasePartitions(state);
  Object.assign(state.hsm, { ...given, zeroized: false, soAttemptsLeft: 3, generation: generationOf(state) + 1 } satisfies Partial<HsmState>);
}

/** A wrong password of the SO: one attempt less, and the third in a row zeroizes. */
export function refuseSo(state: Pick<ApplianceState, 'hsm' | 'counts' | 'clients'>): void {
  const { hsm, counts } = state;
  hsm.soAttemptsLeft -= 1;
  counts.soRefused += 1;
  counts.fewestSoAttempts = Math.min(counts.fewestSoAttempts, hsm.soAttemptsLeft);
  if (hsm.soAttemptsLeft === 0) zeroize(state);
}

export const newPartition = (name: string, sizeBytes: number): PartitionState => ({
  serial: newSerial(13),
  name,
  label: '',
  sizeBytes,
  objects: [],
  poAttemptsLeft: 10,
  coMustChange: false,
  coAttemptsLeft: 10,
});

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
}

/** Everything that an appliance remembers. */
export interface ApplianceState {
  name: string;
  address: string;
  hostname: string;
  hostKeyPem: string;
  users: UserState[];
  files: Record<string, string>;
  hsm: HsmState;
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

export function eraseHsm(hsm: HsmState): void {
  Object.assign(hsm, { label: '', zeroized: true, soAttemptsLeft: 3, partitions: [], fips: false } satisfies Partial<HsmState>);
  delete hsm.soPassword;
  delete hsm.domain;
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

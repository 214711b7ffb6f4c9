import { createHash } from 'node:crypto';
import type { HsmState, PartitionSeen } from '../../domain/results.ts';

/** Parsers of what LunaSH prints; tolerant in spaces and case, for 5.x to 7.x forms (docs/reference/luna.md#wording). */

const field = (text: string, name: string): string | undefined => new RegExp(`^\\s*${name}[ \\t]*:[ \\t]*(.*?)[ \\t]*$`, 'im').exec(text)?.[1];

export type HsmShown = Omit<HsmState, 'partitions' | 'digest'> & {
  partitions: { serial: string; name: string }[];
  /** As it counts them; undefined where no number is told, or something else is said than that there are none. */
  partitionsCreated?: number;
};

/** `hsm show`. Undefined where the text is none: then nothing is known, and nothing may be done. */
export function parseHsmShow(text: string): HsmShown | undefined {
  const [serial, attempts] = [field(text, 'Serial #'), field(text, 'HSM Admin login attempts left')];
  const fips = /The HSM is (NOT )?in FIPS 140-\d approved operation mode/i.exec(text);
  const bytesInUse = Number(field(text, 'Space In Use \\(Bytes\\)'));
  if (!serial || !attempts || !fips || !Number.isFinite(bytesInUse)) return undefined;
  const zeroized = /ZEROIZED !+/i.test(attempts);
  const left = /^(\d+) before/i.exec(attempts);
  if (!zeroized && !left) return undefined;
  const label = field(text, 'HSM Label') ?? '';
  const created = field(text, 'Number of partitions created') ?? (/There are no partitions/i.test(text) ? '0' : '');
  return {
    serial,
    zeroized,
    bytesInUse,
    label: /^no label$/i.test(label) ? '' : label,
    firmware: field(text, 'Firmware') ?? '',
    software: field(text, 'Software Version') ?? '',
    fips: fips[1] === undefined,
    soAttemptsLeft: left ? Number(left[1]) : 0,
    partitions: [...text.matchAll(/Partition:\s*(\d+),\s*Name:\s*(\S.*?)\s*$/gim)].map(([, number, name]) => ({ serial: number!, name: name! })),
    ...(/^\d+$/.test(created) ? { partitionsCreated: Number(created) } : {}),
  };
}

export interface Capacity {
  partitionsAllowed?: number;
  freeBytes?: number;
}

/** What `hsm show` tells of the room on the HSM. */
export function parseCapacity(text: string): Capacity {
  const number = (name: string): number | undefined => {
    const value = field(text, name);
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
  };
  const [partitionsAllowed, freeBytes] = [number('Number of partitions allowed'), number('Free Space Left \\(Bytes\\)')];
  return { ...(partitionsAllowed === undefined ? {} : { partitionsAllowed }), ...(freeBytes === undefined ? {} : { freeBytes }) };
}

export interface PartitionRow extends PartitionSeen {
  totalBytes: number;
}

/** `partition list`. */
export const parsePartitionList = (text: string): PartitionRow[] =>
  [...text.matchAll(/^\s*(\d{6,14})\s+(.+?)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$/gm)].map(([, serial, name, objects, total, used]) => ({
    serial: serial!,
    name: name!,
    objects: Number(objects),
    totalBytes: Number(total),
    usedBytes: Number(used),
  }));

/** What an approval is bound to: everything that would be lost, and what it would be lost from. */
export function digestOf({ serial, label, fips, bytesInUse }: Omit<HsmShown, 'partitions'>, partitions: readonly PartitionSeen[]): string {
  const sorted = [...partitions]
    .sort((a, b) => a.serial.localeCompare(b.serial))
    .map(({ serial: number, name, objects, usedBytes }) => [number, name, objects, usedBytes]);
  return createHash('sha256')
    .update(JSON.stringify([serial, label, fips, bytesInUse, sorted]))
    .digest('hex');
}

export interface ClientShown {
  name: string;
  /** How it is registered. */
  by: 'ip' | 'hostname';
  host: string;
  partitions: string[];
}

/** `client show`; undefined for a client that does not exist. */
export function parseClientShow(text: string): ClientShown | undefined {
  const name = field(text, 'ClientID');
  if (!name) return undefined;
  const partitions = field(text, 'Partitions') ?? '';
  return {
    name,
    by: field(text, 'IPAddress') ? 'ip' : 'hostname',
    host: field(text, 'IPAddress') ?? field(text, 'Hostname') ?? '',
    partitions: [...partitions.matchAll(/"([^"]+)"/g)].map(([, partition]) => partition!),
  };
}

/** `client list`. */
export const parseClientList = (text: string): string[] => [...text.matchAll(/^\s*registered client \d+:\s*(.+?)\s*$/gim)].map(([, name]) => name!);

/** `client fingerprint`: hex with colons, of either length. */
export const parseFingerprint = (text: string): string | undefined => /fingerprint:\s*((?:[0-9A-F]{2}:){15,31}[0-9A-F]{2})/i.exec(text)?.[1]?.toUpperCase();

/** Hours from UTC of zones that appliances may show (docs/reference/luna.md#status-date). */
const zones: Record<string, number> = { UTC: 0, GMT: 0, EDT: -4, EST: -5, CDT: -5, CST: -6, MDT: -6, MST: -7, PDT: -7, PST: -8, CET: 1, CEST: 2, BST: 1 };

/** `status date`, such as `Tue Feb 12 08:01:02 EDT 2019` or `… 08:01:02 PM EDT 2019`, as an instant; undefined where the form or the zone is not known. */
export function parseDate(text: string): { at: Date; zone: string; zoneHours: number } | undefined {
  const [, month, day, time, half, year] = /\w{3}\s+(\w{3})\s+(\d{1,2})\s+(\d{2}:\d{2}:\d{2})\s+(?:(AM|PM)\s+)?[A-Z+\-\d:]*\s*(\d{4})/.exec(text) ?? [];
  const zone = /\d{2}:\d{2}:\d{2}\s+(?:(?:AM|PM)\s+)?([A-Z]{3,4}|[+-]\d{2}:?\d{2})/.exec(text)?.[1];
  const zoneHours = zone === undefined ? undefined : (zones[zone] ?? offset(zone));
  if (!month || !day || !time || !year || zone === undefined || zoneHours === undefined) return undefined;
  const at = new Date(Date.parse(`${day} ${month} ${year} ${time} ${half ?? ''} UTC`) - zoneHours * 3_600_000);
  return Number.isNaN(at.getTime()) ? undefined : { at, zone, zoneHours };
}

function offset(zone: string): number | undefined {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  return sign ? (sign === '-' ? -1 : 1) * (Number(hours) + Number(minutes) / 60) : undefined;
}

/** `ntls show`: the device that NTLS is bound to, `all` for every one, `none`; undefined where it is not understood. */
export function parseNtlsDevice(text: string): string | undefined {
  if (/not bound/i.test(text)) return 'none';
  return /\b(eth\d|bond\d|all)\b/i.exec(text)?.[1]?.toLowerCase();
}

/** `network show`: the address of eth0. */
export const parseEth0 = (text: string): string | undefined => /^\s*eth0\b(?:(?!\b(?:eth[1-9]|bond\d)\b)[\s\S])*?(\d{1,3}(?:\.\d{1,3}){3})/im.exec(text)?.[1];

/** `service status ntls`. */
export const parseRunning = (text: string): boolean => /ntls is running/i.test(text);

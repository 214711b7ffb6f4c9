import { isIP } from 'node:net';
import { Context } from '@temporalio/activity';
import type { Endpoints, StepContext } from '../domain/results.ts';
import type { Azure } from '../systems/azure/azure.ts';
import { armTime } from '../systems/azure/server-time.ts';
import type { CipherTrust } from '../systems/ciphertrust/ciphertrust.ts';
import { managerTime } from '../systems/ciphertrust/server-time.ts';
import { lastHeard } from './server-time.ts';

/** A clock of another machine, against this worker’s. */
export interface Witness {
  name: string;
  /** Its time less the worker’s. */
  aheadSeconds: number;
}

/** This worker’s clock, and those that can say whether it is right. */
export interface Clocks {
  /** This worker’s, in ms since the epoch. */
  worker(): number;
  /** Looks at the clocks of other machines, without changing anything or signing in; those that do not tell are left out. */
  witnesses(job: StepContext & Endpoints, signal: AbortSignal): Promise<Witness[]>;
}

/** A `Date` header has whole seconds, and Temporal’s last word on an attempt may be one heartbeat old. */
export const witnessToleranceSeconds = 60;
const neededWitnesses = 2;

/** Do enough other machines agree with this worker, so that its time may be set elsewhere? */
export const isConfirmed = (witnesses: readonly Witness[]): boolean =>
  witnesses.filter(({ aheadSeconds }) => Math.abs(aheadSeconds) <= witnessToleranceSeconds).length >= neededWitnesses;

interface Parts {
  azure: Azure;
  cipherTrust: CipherTrust;
  /** Of the Temporal server, `host:port`. */
  temporalAddress?: string;
}

export const createClocks = ({ azure, cipherTrust, temporalAddress }: Parts, now: () => number = Date.now): Clocks => ({
  worker: now,
  async witnesses(job, signal) {
    const place = { address: job.request.cipherTrust.address, through: job.windows };
    const witness = async (name: string, time: Promise<number | undefined>): Promise<Witness[]> => {
      const told = await time;
      return told === undefined ? [] : [{ name, aheadSeconds: Math.round((told - now()) / 1000) }];
    };
    const found = await Promise.all([
      witness('Azure Resource Manager', armTime(azure, job.request, signal)),
      witness('CipherTrust Manager', managerTime(cipherTrust, job, place, signal)),
      ...(isElsewhere(temporalAddress)
        ? [
            witness(
              'Temporal',
              temporalTime().catch(() => undefined),
            ),
          ]
        : []),
    ]);
    return found.flat();
  },
});

/** A server on this machine has this machine’s clock; where it is unknown, it counts for none. */
export function isElsewhere(address: string | undefined): boolean {
  const host = address
    ?.replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  if (!host || host === 'localhost' || host.endsWith('.localhost')) return false;
  return !(isIP(host) && (host.startsWith('127.') || host === '::1' || host === '0.0.0.0' || host === '::'));
}

/** The server's last word on this attempt: at its start, or at a heartbeat after that, which is seconds ago. */
const temporalTime = async (): Promise<number | undefined> => (await lastHeard(Context.current()))?.latest;

const inWords = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** All clocks at one moment, each with its difference from this worker’s, for a person. */
export function allClocks(workerMs: number, hsm: Witness & { zone: string }, witnesses: readonly Witness[]): string {
  const shown = ({ name, aheadSeconds }: Witness, zone = '') => `${name} ${inWords(workerMs + aheadSeconds * 1000)}${zone} (${difference(aheadSeconds)})`;
  return [`worker ${inWords(workerMs)}`, shown(hsm, ` (zone ${hsm.zone})`), ...witnesses.map((witness) => shown(witness))].join('; ');
}

function difference(seconds: number): string {
  const size = Math.abs(seconds);
  const amount = size < 120 ? `${size} s` : `${Math.round(size / 60)} min`;
  return seconds === 0 ? 'the same' : `${amount} ${seconds > 0 ? 'ahead' : 'behind'}`;
}

import { type ProblemOf, unsafe } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import type { Entry } from '../../stores/record/events.ts';
import type { TargetRecord } from '../../stores/record/record.ts';
import { seenOf } from '../../systems/certificates.ts';
import { changeOnRecord } from '../../systems/lunash/on-record.ts';
import { parseClientList, parseDate, parseNtlsDevice, parseRunning } from '../../systems/lunash/parse.ts';
import type { LunashSession } from '../../systems/lunash/session.ts';
import { allClocks, isConfirmed, type Witness } from '../clocks.ts';
import { type Attempt, act, converge, done, halt, refuse } from '../converge.ts';
import { leaving } from '../end-predecessor.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'prepare-ntls'>;

export interface Seen {
  /** Appliance time less this worker’s; undefined where it cannot be read. */
  skewSeconds: number | undefined;
  zone: string;
  zoneHours: number;
  /** This worker’s time (ms since the epoch), and other machines’; these are only asked where the appliance’s is off. */
  workerMs: number;
  witnesses: Witness[];
  clients: string[];
  /** `none` where it is bound to none; undefined where that is not understood. */
  device: string | undefined;
  running: boolean;
  serverCertificate: string;
  /** By the record this run replaced the certificate that was there: an attempt before this one may not have come further. */
  isReplaced: boolean;
  /** Did this attempt make binding and restart already, and the certificate if it was not replaced? */
  prepared: boolean;
}

const device = 'eth0';
/** More than this, and certificates are “not yet valid”. */
const allowedSkewSeconds = 300;

export const decidePrepareNtls = (seen: Seen, { request }: Pick<Input, 'request'>) => {
  const { skewSeconds, clients, running, isReplaced, prepared, serverCertificate } = seen;
  if (isOff(skewSeconds)) return request.allowClockChange && isConfirmed(seen.witnesses) ? act('set-clock') : refuse(clockOff(seen, request));
  if (clients.length === 0 && !prepared) return act(isReplaced ? 'bind' : 'prepare');
  // Nothing is made once more where the binding is not as wanted, or not told: each new certificate cuts off who trusts the one before.
  if (seen.device !== undefined && seen.device !== device && seen.device !== 'all')
    return clients.length > 0 ? refuse(notBound(clients)) : halt(notTaken(seen.device));
  if (!running) return act('restart');
  return done<StepResult<'prepare-ntls'>>({
    serverCertificate: seenOf(serverCertificate),
    skewSeconds: skewSeconds ?? 0,
    warnings: warnings(seen),
  });
};

const warnings = ({ skewSeconds, device: bound }: Seen): string[] => [
  ...(skewSeconds === undefined ? ['The appliance’s clock could not be read: a skew of more than 5 minutes breaks the trust link.'] : []),
  ...(bound === undefined ? ['What NTLS is bound to could not be read from ntls show.'] : []),
];

const isOff = (skewSeconds: number | undefined): skewSeconds is number => skewSeconds !== undefined && Math.abs(skewSeconds) > allowedSkewSeconds;

/** Which clock is wrong is for a person to say: this worker’s may be. */
function clockOff({ skewSeconds = 0, zone, workerMs, witnesses }: Seen, { allowClockChange }: Input['request']): ProblemOf<'Refused'> {
  const setIt = 'set the HSM’s clock (sysconf time HH:MM YYYYMMDD, in its own zone)';
  const unproven = 'The HSM’s clock was not set: no two other machines confirm this worker’s time.';
  return {
    code: 'HSM_CLOCK_OFF',
    tried: 'checking the clock of the HSM',
    summary: `the clocks differ: ${allClocks(workerMs, { name: 'HSM', aheadSeconds: skewSeconds, zone }, witnesses)}`,
    remedy: allowClockChange
      ? `${unproven} If the worker’s clock is wrong, fix it (NTP); else ${setIt}. Then retry.`
      : `If the worker’s clock is wrong, fix it (NTP); otherwise ${setIt}. Then retry. To let this job set the HSM’s clock, retry with an amendment of /allowClockChange to true.`,
  };
}

const notBound = (clients: string[]): ProblemOf<'Refused'> => ({
  code: 'HSM_NTLS_NOT_BOUND',
  tried: 'checking NTLS',
  summary: `it is not bound to ${device}, though ${clients.join(', ')} are registered`,
  remedy: 'A new certificate would disconnect these clients. Bind NTLS yourself (ntls bind eth0, service restart ntls), then retry.',
});

const notTaken = (bound: string): ProblemOf<'Unsafe'> => ({
  code: 'HSM_NTLS_NOT_BOUND',
  tried: `ntls bind ${device}`,
  summary: `success was reported, but NTLS is bound to ${bound}`,
  remedy: 'Bind NTLS yourself (ntls bind eth0, service restart ntls), then retry.',
});

/** With the address as its name; not every version is known to take one. On record each time before it is sent. */
async function regenerate(session: LunashSession, { address, before }: { address: string; before: string }, record: TargetRecord<'hsm'>): Promise<boolean> {
  // In this session, and after the entry, which may take seconds: who registered meanwhile would be cut off.
  const isUnusedAfterEntry = async () => {
    await record.append('server-certificate-replace-begun', { before });
    return parseClientList(await session.read('client list')).length === 0;
  };
  if (!(await isUnusedAfterEntry())) return false;
  const named = await session.raw(`sysconf regenCert ${address}`, { proceed: true });
  const takesNoName = named.result !== 0 && /argument|syntax|usage/i.test(`${named.errors} ${named.text}`);
  if (!takesNoName) {
    session.mustHaveSucceeded('sysconf regenCert', named, 'sysconf regenCert');
    return true;
  }
  if (!(await isUnusedAfterEntry())) return false;
  await session.change('sysconf regenCert', { proceed: true }, 'sysconf regenCert');
  return true;
}

/** Did this run begin to replace the certificate that was there, and is another one there now? */
function isReplacedIn(entries: Entry<'hsm'>[], runId: string, fingerprint: string): boolean {
  const begun = entries.filter((entry) => entry.event === 'server-certificate-replace-begun' && entry.runId === runId);
  const [first] = begun.flatMap(({ data }) => ('before' in data && data.before !== undefined ? [data.before] : []));
  return first !== undefined && first !== fingerprint;
}

async function bind(session: LunashSession, record: TargetRecord<'hsm'>): Promise<void> {
  await changeOnRecord(session, record, `ntls bind ${device}`, { proceed: true });
  await session.change('service restart ntls', { proceed: true });
}

/** A certificate of its own, bound to eth0, and a restart; only while no client is registered, since a new certificate cuts all of them off. */
export const prepareNtls = (systems: Systems) => {
  const { luna, clocks } = systems;
  const preparedBy = new WeakSet<Attempt>();
  const record = (input: Input, attempt: Attempt) => recordOf(systems, input, attempt, 'hsm');
  return converge<Input, Seen, StepResult<'prepare-ntls'>, 'set-clock' | 'prepare' | 'bind' | 'restart'>({
    ...leaving(systems, 'lunash-command', 'lunash-certificate-replacement'),
    observe: async (input, attempt) => {
      const entries = await record(input, attempt).read();
      const serverCertificate = await luna.fetch(input, 'server.pem', attempt);
      const seen = await luna.shell(input, attempt, async (session) => {
        const date = parseDate(await session.read('status date'));
        const workerMs = clocks.worker();
        return {
          skewSeconds: date && Math.round((date.at.getTime() - workerMs) / 1000),
          zone: date?.zone ?? '',
          zoneHours: date?.zoneHours ?? 0,
          workerMs,
          clients: parseClientList(await session.read('client list')),
          device: parseNtlsDevice(await session.read('ntls show')),
          running: parseRunning(await session.read('service status ntls')),
          serverCertificate,
          isReplaced: isReplacedIn(entries, input.runId, seenOf(serverCertificate).fingerprint),
          prepared: preparedBy.has(attempt),
        };
      });
      return { ...seen, witnesses: isOff(seen.skewSeconds) ? await clocks.witnesses(input, attempt.signal) : [] };
    },
    decide: decidePrepareNtls,
    act: {
      'set-clock': (input, { zoneHours }, attempt) =>
        luna.shell(input, attempt, async (session) => {
          const there = new Date(clocks.worker() + zoneHours * 3_600_000).toISOString();
          const command = `sysconf time ${there.slice(11, 16)} ${there.slice(0, 10).replaceAll('-', '')}`;
          await changeOnRecord(session, record(input, attempt), command, { proceed: true });
        }),
      async prepare(input, { serverCertificate }, attempt) {
        const made = await luna.shell(input, attempt, async (session) => {
          const before = seenOf(serverCertificate).fingerprint;
          if (!(await regenerate(session, { address: input.hsm.address, before }, record(input, attempt)))) return false;
          await bind(session, record(input, attempt));
          return true;
        });
        if (!made) return;
        if ((await luna.fetch(input, 'server.pem', attempt)) === serverCertificate)
          throw unsafe({
            code: 'HSM_COMMAND_FAILED',
            tried: 'sysconf regenCert',
            summary: 'success was reported, but server.pem is the old one',
            remedy: 'Check server.pem on the appliance, then retry.',
          });
        preparedBy.add(attempt);
      },
      async bind(input, _, attempt) {
        await luna.shell(input, attempt, (session) => bind(session, record(input, attempt)));
        preparedBy.add(attempt);
      },
      restart: (input, _, attempt) =>
        luna.shell(input, attempt, (session) => changeOnRecord(session, record(input, attempt), 'service restart ntls', { proceed: true })),
    },
    fingerprint: ({ device: bound, running, skewSeconds, clients, prepared }) => [bound, running, isOff(skewSeconds), clients, prepared],
  });
};

import { X509Certificate } from 'node:crypto';
import { Type } from 'typebox';
import type { Problem } from '../../domain/failure.ts';
import type { CodeOf } from '../../domain/failure-codes.ts';
import type { CertificateInfo, Endpoints, StepContext } from '../../domain/results.ts';
import { belongTogether } from '../certificates.ts';
import { isFields, readFields } from '../foreign.ts';
import type { CountedSignIn, Luna, StepAttempt } from '../lunash/luna.ts';
import { parseDate } from '../lunash/parse.ts';
import { type Registration, readRegistration } from '../lunash/registration.ts';
import { listedIn, type Manager, totalOf } from './manager.ts';

/** What is looked at: certificates and partition as they are about to be sent. Jobs that began before the HSM’s side was looked at bring no hosts along. */
type Input = StepContext &
  Partial<Endpoints> & {
    hsmAddress: string;
    partitionSerial: string;
    clientCertificate: Pick<CertificateInfo, 'pem'>;
    serverCertificate: Pick<CertificateInfo, 'pem'>;
  };

/** The two keys that CipherTrust Manager keeps in its root of trust, whatever their handles are. */
export const rootKeys = ['DARKSTARKEY-mac-key', 'DARKSTARKEY-encryption-key'];

/** What must hold before `hsm/setup` is sent. Undefined is what could not be found out, and speaks against nothing. */
export interface BeforeSetup {
  /** ms since the epoch. */
  now: number;
  certificatePem: string;
  serverCertificatePem: string;
  keyBelongs: boolean;
  /** Manager’s time less the HSM’s, in seconds. */
  clockDifferenceSeconds?: number;
  /** Is a license or a trial active? */
  licensed?: boolean;
  /** Can the manager reach NTLS on the HSM? */
  portOpen?: boolean;
  registration?: Registration | 'none';
  partitionName: string;
  /** Labels of the objects in the partition, read with the crypto officer’s password. */
  objects?: string[];
}

type Stop = Omit<Problem, 'kind'> & { kind: 'Refused' | 'Unsafe' /** A person who knows better may order to go on. */; mayGoOn?: true };

/** More than this, and one side finds the other’s certificate or message out of time. */
const allowedSeconds = 300;

/** Why it must not be sent yet. */
export function problemBeforeSetup(facts: BeforeSetup): Stop | undefined {
  const { now, keyBelongs, clockDifferenceSeconds, licensed, portOpen, registration, partitionName, objects } = facts;
  const tried = 'checking what hsm/setup needs';
  const refused = (code: CodeOf<'Refused'>, summary: string, remedy: string): Stop => ({ kind: 'Refused', code, tried, summary, remedy });
  const unsafe = (code: CodeOf<'Unsafe'>, summary: string, remedy: string): Stop => ({ kind: 'Unsafe', code, tried, summary, remedy });
  if (!keyBelongs)
    return refused(
      'CIPHERTRUST_CERTIFICATE_UNUSABLE',
      'the client’s key does not belong to its certificate',
      'Look at the secrets of this job: one of them is not what was kept.',
    );
  const outOfDate = [facts.certificatePem, facts.serverCertificatePem].map((pem) => new X509Certificate(pem)).find((one) => one.validToDate.getTime() < now);
  if (outOfDate)
    return refused(
      'CIPHERTRUST_CERTIFICATE_UNUSABLE',
      `the certificate of ${outOfDate.subject} ended at ${outOfDate.validTo}`,
      'Make a new one, register it, then retry.',
    );
  if (clockDifferenceSeconds !== undefined && Math.abs(clockDifferenceSeconds) > allowedSeconds)
    return refused(
      'HSM_CLOCK_OFF',
      `the clocks of CipherTrust Manager and the HSM are ${Math.round(Math.abs(clockDifferenceSeconds) / 60)} minutes apart`,
      'Set the one that is wrong (NTP servers of CipherTrust Manager; sysconf time on the HSM), then retry.',
    );
  if (registration === 'none')
    return refused('HSM_CLIENT_NOT_REGISTERED', 'CipherTrust Manager is not registered with the HSM any more', 'Register it (client register), then retry.');
  if (registration && !registration.certificateIsOurs)
    return unsafe('HSM_CLIENT_FOREIGN', 'it is registered with another certificate', 'Find out who changed it (client show, client fingerprint), then retry.');
  if (registration && !registration.partitions.includes(partitionName))
    return refused('HSM_CLIENT_NOT_REGISTERED', `the partition ${partitionName} is not assigned to it`, 'Assign it (client assignPartition), then retry.');
  const others = (objects ?? []).filter((label) => !rootKeys.includes(label));
  if (others.length > 0)
    return unsafe(
      'HSM_PARTITION_FOREIGN',
      `the partition holds ${others.length} object(s) that are no root keys: ${others.slice(0, 5).join(', ')}`,
      'A root of trust shares its partition with nobody: move them away, or choose another partition, then retry.',
    );
  if (licensed === false)
    return {
      ...refused(
        'CIPHERTRUST_LICENSE_MISSING',
        'no license and no trial is active: a Community Edition refuses an HSM as root of trust',
        'Activate the trial or install a license by hand, then retry; a retry sends hsm/setup whatever is listed.',
      ),
      mayGoOn: true,
    };
  if (portOpen === false)
    return {
      ...refused(
        'CIPHERTRUST_PORT_CLOSED',
        'the port check of CipherTrust Manager does not reach port 1792 of the HSM',
        'Open it (outbound rule, route), then retry; a retry sends hsm/setup whatever it says.',
      ),
      mayGoOn: true,
    };
  return undefined;
}

/**
 * Finds out what can be found out. A look that fails for a passing reason fails the attempt; nothing has been sent then. The look at the port is the exception:
 * how it is asked is unknown (docs/reference/ciphertrust.md#port-check), and a box may answer anything to it, or wait until nobody listens any more.
 */
export async function readBeforeSetup(
  { manager, luna }: { manager: Manager; luna: Luna },
  input: Input,
  keyPem: string,
  counted: CountedSignIn,
): Promise<BeforeSetup> {
  const { request, clientCertificate, serverCertificate, hsmAddress } = input;
  const hosts = hostsOf(input);
  const atHsm = hosts && (await readAtHsm(luna, { ...input, ...hosts }, counted));
  const info = await manager.whereKnown('GET', '/v1/system/info');
  // Both as of one moment of this process: they were read one after the other, and its own clock may jump.
  const managerStart = Date.parse(readFields({ system_time: Type.String() }, info).system_time ?? '') - performance.now();
  const clockDifferenceSeconds = Math.round((managerStart - (atHsm?.startMs ?? Number.NaN)) / 1000);
  const licensed = await isLicensed(manager);
  const portOpen = portOf(await manager.ifTold('POST', '/v1/system/network/checkport', { host: hsmAddress, port: 1792 }));
  return {
    now: Date.now(),
    certificatePem: clientCertificate.pem,
    serverCertificatePem: serverCertificate.pem,
    keyBelongs: belongTogether(clientCertificate.pem, keyPem),
    partitionName: request.hsm.partition.name,
    ...(Number.isNaN(clockDifferenceSeconds) ? {} : { clockDifferenceSeconds }),
    ...(licensed === undefined ? {} : { licensed }),
    ...(portOpen === undefined ? {} : { portOpen }),
    ...(atHsm ? { registration: atHsm.registration ?? 'none' } : {}),
    ...(hosts ? { objects: await luna.partitionContents({ ...input, ...hosts }, input.partitionSerial, counted) } : {}),
  };
}

const hostsOf = ({ windows, hsm }: Input): Endpoints | undefined => (windows && hsm ? { windows, hsm } : undefined);

const readAtHsm = (luna: Luna, input: Input & Endpoints, attempt: StepAttempt) =>
  luna.shell(input, { ...attempt, step: `${attempt.step}-checks` }, async (session) => {
    const date = parseDate(await session.read('status date'));
    return {
      startMs: date && date.at.getTime() - performance.now(),
      registration: await readRegistration(session, input.request.cipherTrust.vmName, input.clientCertificate.pem),
    };
  });

/** Undefined where neither list is told. */
async function isLicensed(manager: Manager): Promise<boolean | undefined> {
  const trials = await manager.whereKnown('GET', '/v1/licensing/trials/');
  const licenses = await manager.whereKnown('GET', '/v1/licensing/licenses/');
  if (trials === undefined || licenses === undefined) return undefined;
  return totalOf(licenses) > 0 || listedIn(trials).some((trial) => isFields(trial) && trial['status'] === 'activated');
}

/** What the answer says in any of the words that it may have: its form is unknown, so only a plain no counts as one. */
function portOf(body: unknown): boolean | undefined {
  const values = Object.entries(isFields(body) ? body : {});
  const says = (words: RegExp) => values.some(([, value]) => typeof value === 'string' && words.test(value));
  if (values.some(([name, value]) => ['open', 'reachable', 'connected'].includes(name) && value === false)) return false;
  if (says(/^(closed|refused|unreachable|filtered)$/i)) return false;
  return values.some(([, value]) => value === true) || says(/^(open|reachable|connected)$/i) ? true : undefined;
}

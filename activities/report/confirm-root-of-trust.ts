import type { HsmState, StepInput, StepResult } from '../../domain/results.ts';
import { rootKeys } from '../../systems/ciphertrust/before-setup.ts';
import { type HsmServer, isServerOf, nameOf, readServers } from '../../systems/ciphertrust/holds.ts';
import { readHsm } from '../../systems/lunash/read-hsm.ts';
import { converge, done, halt, wait } from '../converge.ts';
import { signedIn, type Visitor } from '../manager.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'confirm-root-of-trust'>;

export interface Seen {
  hsm: HsmState;
  /** The HSMs that CipherTrust Manager lists. It is asked only where it presents the pinned certificate. */
  manager: { is: 'pinned'; servers: HsmServer[] } | { is: 'other' | 'restarting' };
}

type Wanted = Pick<Input, 'request' | 'partitionSerial' | 'ownCertificateSkipped'>;

/** As far as it can be reached. */
export type Looked = Partial<Seen>;

/** What of the HSM is not there any more. The partition holds CipherTrust Manager’s root keys at least. */
function lostAt({ serial, zeroized, label, partitions }: HsmState, { request, partitionSerial }: Wanted): string[] {
  if (zeroized) return [`The HSM ${serial} is zeroized.`];
  const partition = partitions.find((one) => one.serial === partitionSerial);
  return [
    ...(label === request.hsm.label ? [] : [`The HSM ${serial} has the label “${label}”, not “${request.hsm.label}”.`]),
    ...(partition ? [] : [`The partition ${partitionSerial} does not exist any more.`]),
    ...(partition && partition.objects < rootKeys.length ? [`The partition ${partitionSerial} holds ${partition.objects} objects.`] : []),
  ];
}

const unlisted = (servers: HsmServer[], partitionSerial: string): string[] =>
  servers.some((server) => isServerOf(server, partitionSerial))
    ? []
    : [`System > HSMs lists ${servers.map(nameOf).join(', ') || 'no HSM'}, not the partition ${partitionSerial}.`];

/** What speaks against calling the job completed; nothing where all that was looked at is there. */
export function faultOfRootOfTrust({ hsm, manager }: Looked, wanted: Wanted) {
  if (manager?.is === 'restarting') return wait('CipherTrust Manager’s web service restarts.');
  const lost = [
    ...(hsm ? lostAt(hsm, wanted) : []),
    ...(manager?.is === 'pinned' ? unlisted(manager.servers, wanted.partitionSerial) : []),
    // Who skipped the step for it may have given it a certificate by hand: what it presents then proves nothing.
    ...(manager?.is === 'other' && !wanted.ownCertificateSkipped ? ['CipherTrust Manager presents another certificate than the pinned one.'] : []),
  ];
  if (lost.length === 0) return undefined;
  return halt({
    code: 'CIPHERTRUST_ROOT_OF_TRUST_WRONG',
    tried: 'checking the root of trust again before completing the job',
    summary: lost.join(' '),
    remedy:
      'The root of trust was verified before. Find out what changed it since. If it cannot be restored, abort, delete the CipherTrust Manager’s VM, and send the request again.',
  });
}

export const decideConfirmRootOfTrust = (seen: Seen, wanted: Wanted) =>
  faultOfRootOfTrust(seen, wanted) ??
  done<StepResult<'confirm-root-of-trust'>>({
    hsm: seen.hsm,
    warnings: seen.manager.is === 'other' ? ['CipherTrust Manager was not read again at the end: it presents a certificate that this job does not know.'] : [],
  });

/** Reads System > HSMs. */
async function readManager(visitor: Visitor & { input: Input }): Promise<Seen['manager']> {
  const { systems, input, attempt } = visitor;
  const leaf = await systems.cipherTrust.leaf(input, input.cipherTrust, attempt.signal);
  if (!leaf) return { is: 'restarting' };
  if (leaf.fingerprint !== input.cipherTrust.pin) return { is: 'other' };
  return { is: 'pinned', servers: await readServers(await signedIn(visitor, input.cipherTrust, { presented: leaf })) };
}

/** Reads HSM and manager. */
export const readRootOfTrust = async (visitor: Visitor & { input: Input }): Promise<Seen> => ({
  hsm: await visitor.systems.luna.shell(visitor.input, visitor.attempt, readHsm),
  manager: await readManager(visitor),
});

/** A look at the HSM and at System > HSMs, by reads alone, before the way to them is closed: nothing is called completed over an HSM that was erased meanwhile. */
export const confirmRootOfTrust = (systems: Systems) =>
  converge<Input, Seen, StepResult<'confirm-root-of-trust'>, never>({
    observe: (input, attempt) => readRootOfTrust({ systems, input, attempt }),
    decide: decideConfirmRootOfTrust,
    act: {},
  });

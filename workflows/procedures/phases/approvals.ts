import type { ApprovalView } from '../../../domain/progress.ts';
import type { ProvisioningRequest } from '../../../domain/request.ts';
import type { ApprovalGranted, HsmState, ManagerContents } from '../../../domain/results.ts';
import { catalog, type StepId } from '../../../domain/steps.ts';
import type { Ask } from '../../engine/procedure.ts';

/** Turning FIPS mode on erases exactly this HSM. */
export const askToZeroize = (hsm: HsmState, { hsm: { partition } }: ProvisioningRequest): Ask<StepId> => ({
  kind: 'zeroize',
  shows: ['/hsm/name', '/hsm/label', '/hsm/fips', '/hsm/partition'],
  allows: 'fips-mode',
  hsm,
  question: `Turn on FIPS 140-2 approved operation of the HSM “${hsm.label}” (serial ${hsm.serial})? Afterwards the partition “${partition.name}” of ${partition.sizeBytes} bytes is created.`,
  loses: `${catalog['fips-mode'].destroys} Now: ${hsm.partitions.length} partition(s), ${hsm.partitions.reduce((sum, { objects }) => sum + objects, 0)} object(s), ${hsm.bytesInUse} byte(s) in use.`,
});

/** Setting the root of trust wipes exactly what this CipherTrust Manager holds. */
export const askToWipe = (manager: ManagerContents): Ask<StepId> => ({
  kind: 'wipe',
  shows: ['/cipherTrust/vmName', '/cipherTrust/address'],
  allows: 'set-root-of-trust',
  manager,
  question: `Wipe the CipherTrust Manager “${manager.name}” at ${manager.address} to set its root of trust?`,
  loses: `Erases all its data. Now: ${[
    `users besides admin: ${manager.users.join(', ') || 'none'}`,
    `keys: ${manager.keys ?? 'not told'}${manager.keysRead === undefined ? '' : ` (only ${manager.keysRead} of them were read one by one: of the others a change of their number is noticed, and no other)`}`,
    `domains: ${manager.domains.join(', ') || 'none'}`,
    `HSMs: ${manager.hsms.join(', ') || 'none'}`,
    ...(manager.clustered ? ['it is a node of a cluster'] : []),
  ].join(
    '; ',
  )}.${manager.untold.length > 0 ? ` It does not tell of its ${manager.untold.join(' and ')}.` : ''} Groups, connections, certificate authorities, CTE clients and whatever else it holds are erased, too, and are not listed here.`,
});

/** What the target record is told of an approval that counts: which, by whom, and the digest of what was shown. */
export const approvalGranted = ({ id, hsm, manager, decision }: ApprovalView): ApprovalGranted => ({
  approvalId: id,
  digest: hsm?.digest ?? manager?.digest ?? '',
  actor: decision?.actor ?? 'unknown',
});

import { wantsOwnFace } from '../../../domain/request-parts.ts';
import type { ManagerEndpoint, StepResult, StepTypes } from '../../../domain/results.ts';
import type { ProvisionJob } from '../provision.ts';
import { askToWipe } from './approvals.ts';
import type { Manager } from './ciphertrust.ts';
import type { ReadyPartition } from './partition.ts';

/** “Configuring the HSM Partition as the Root of Trust for Virtual CipherTrust Manager”. Setting it wipes the manager: its password is set again at once. */
export async function rootOfTrust(job: ProvisionJob, manager: Manager, { hosts, partitionSerial }: ReadyPartition) {
  const { clientCertificate, keySecret, ...certified } = await job.step('client-certificate', { ...hosts, partitionSerial });
  job.warn(...(certified.warnings ?? []));
  const { serverCertificate } = await job.step('register-client', { ...hosts, partitionSerial, clientCertificate });
  const needs = {
    ...hosts,
    cipherTrust: manager.cipherTrust,
    hsmAddress: hosts.hsm.address,
    partitionSerial,
    serverCertificate,
    clientCertificate,
    keySecret,
    publicKey: manager.publicKey,
    fresh: manager.fresh,
  };
  let wiped = await setRootOfTrust(job, needs);
  let cipherTrust = await resetPassword(job, wiped, partitionSerial);
  // The next one is sent only after a person was told that this one failed.
  while (wiped.failed) {
    wiped = await setRootOfTrust(job, { ...needs, cipherTrust, fresh: true });
    cipherTrust = await resetPassword(job, wiped, partitionSerial);
  }
  const proof = await job.step('verify-root-of-trust', { ...hosts, cipherTrust, partitionSerial });
  job.warn(...proof.warnings);
  return { ...hosts, partitionSerial, ...(await ownCertificate(job, cipherTrust)) };
}

export type RootOfTrust = Awaited<ReturnType<typeof rootOfTrust>>;

/** Gives where the manager is reached from then on. */
async function ownCertificate(job: ProvisionJob, cipherTrust: ManagerEndpoint): Promise<{ cipherTrust: ManagerEndpoint; ownCertificateSkipped?: true }> {
  if (!wantsOwnFace(job.input.request.cipherTrust)) {
    job.notNeeded('web-certificate');
    return { cipherTrust };
  }
  const face = await job.skippableStep('web-certificate', { cipherTrust });
  job.warn(...(face?.warnings ?? []));
  return face ? { cipherTrust: face.cipherTrust } : { cipherTrust, ownCertificateSkipped: true };
}

async function resetPassword(job: ProvisionJob, { cipherTrust: wiped, openSince }: StepResult<'set-root-of-trust'>, partitionSerial: string) {
  const { exposure, exposures = [] } = job.results['reset-password'] ?? {};
  const before = [...exposures, ...(exposure ? [exposure] : [])];
  const { cipherTrust, warnings } = await job.step('reset-password', {
    cipherTrust: wiped,
    partitionSerial,
    ...(openSince === undefined ? {} : { openSince }),
    ...(before.length > 0 ? { exposures: before } : {}),
    ...(job.results.ntp?.others ? { others: job.results.ntp.others } : {}),
    ...(job.results.ntp?.servers ? {} : { ntpSkipped: true }),
  });
  job.warn(...warnings);
  return cipherTrust;
}

/** Only what a new manager has, or what was approved, may be wiped: one that changed meanwhile is asked for again. Most jobs never ask, so the approval is no step of its own. */
async function setRootOfTrust(job: ProvisionJob, needs: StepTypes['set-root-of-trust']['needs']): Promise<StepResult<'set-root-of-trust'>> {
  let result = await job.step('set-root-of-trust', needs);
  while (result.needsApproval) {
    const holds = result.needsApproval;
    const under = await job.stepUnder('set-root-of-trust', {
      at: 'set-root-of-trust',
      ask: () => askToWipe(holds),
      needs: ({ id: approvalId }) => ({ ...needs, approvedDigest: holds.digest, approvalId }),
    });
    result = under.result;
    if (result.needsApproval) job.stale(under.approval);
  }
  return result;
}

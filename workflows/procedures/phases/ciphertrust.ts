import type { PinnedHost } from '../../../domain/results.ts';
import type { ProvisionJob } from '../provision.ts';
import type { Network } from './network.ts';
import type { Permitted } from './permissions.ts';

/**
 * “Deploy the Virtual CipherTrust Manager on Azure”. Until its password is set anyone who reaches it can sign in: these steps follow each other without a pause.
 * Where it is reached through the Windows host, the set-up waits for that host; until then it is reached by nobody outside the network.
 */
export async function cipherTrust(
  job: ProvisionJob,
  { cipherTrustImage: image, cipherTrustPublicKey: publicKey }: Permitted,
  { computeSubnetId }: Network,
  throughHost?: () => Promise<PinnedHost>,
) {
  await job.step('accept-terms', { image });
  const { warnings = [], ...vm } = await job.step('ciphertrust-vm', { computeSubnetId, image, publicKey });
  job.warn(...warnings);
  const since = job.finishedAt('ciphertrust-vm');
  const place = throughHost ? { reachable: vm.privateAddress, through: await throughHost() } : { reachable: vm.reachable };
  const { cipherTrust, openSince } = await job.step('first-boot', { ...place, publicKey, ...(since === undefined ? {} : { since }) });
  const { exposure } = await job.step('admin-password', { cipherTrust, ...(openSince === undefined ? {} : { openSince }) });
  const ntp = await job.skippableStep('ntp', { cipherTrust });
  job.warn(...(ntp?.warnings ?? []));
  await job.step('license', { cipherTrust });
  return { vm, cipherTrust, publicKey, fresh: exposure !== undefined };
}

export type Manager = Awaited<ReturnType<typeof cipherTrust>>;

import type { Job } from '../job.ts';
import type { Network } from './network.ts';
import type { Permitted } from './permissions.ts';

/** “Deploy the Virtual CipherTrust Manager on Azure”. Until its password is set anyone who reaches it can sign in: these steps follow each other without a pause. */
export async function cipherTrust(job: Job, { cipherTrustImage: image, cipherTrustPublicKey }: Permitted, { computeSubnetId }: Network) {
  await job.step('accept-terms', { image });
  const vm = await job.step('ciphertrust-vm', { computeSubnetId, image, publicKey: cipherTrustPublicKey });
  const { cipherTrust, openSince } = await job.step('first-boot', { reachable: vm.reachable, publicKey: cipherTrustPublicKey });
  const { exposure } = await job.step('admin-password', { cipherTrust, ...(openSince === undefined ? {} : { openSince }) });
  const { warnings = [] } = await job.step('ntp', { cipherTrust });
  job.warn(...warnings);
  await job.step('licence', { cipherTrust });
  return { vm, cipherTrust, fresh: exposure !== undefined };
}

export type Manager = Awaited<ReturnType<typeof cipherTrust>>;

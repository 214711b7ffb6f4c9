import type { Job } from '../job.ts';
import type { Network } from './network.ts';

/** “Deploy the Dedicated Luna HSM in the Subnet”. */
export async function hsm(job: Job, { hsmSubnetId }: Network) {
  await job.step('deploy-hsm', { hsmSubnetId });
  return job.step('verify-hsm', {});
}

export type DeployedHsm = Awaited<ReturnType<typeof hsm>>;

import type { Job } from '../job.ts';
import type { Network } from './network.ts';

/** “Deploy the Dedicated Luna HSM in the Subnet”. */
export async function hsm(job: Job, { hsmSubnetId }: Network) {
  const { template } = job.request.hsm;
  const { warnings = [] } = await job.step('deploy-hsm', { hsmSubnetId, ...(template ? { template } : {}) });
  job.warn(...warnings);
  return job.step('verify-hsm', {});
}

export type DeployedHsm = Awaited<ReturnType<typeof hsm>>;

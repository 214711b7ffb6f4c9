import type { ProvisionJob } from '../provision.ts';
import type { Network } from './network.ts';

/** “Deploy the Dedicated Luna HSM in the Subnet”. */
export async function hsm(job: ProvisionJob, { hsmSubnetId }: Network) {
  const { warnings = [] } = await job.step('deploy-hsm', () => {
    const { template } = job.input.request.hsm;
    return { hsmSubnetId, ...(template ? { template } : {}) };
  });
  job.warn(...warnings);
  return job.step('verify-hsm', {});
}

export type DeployedHsm = Awaited<ReturnType<typeof hsm>>;

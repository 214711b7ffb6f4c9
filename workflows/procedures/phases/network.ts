import type { ProvisionJob } from '../provision.ts';

/** “Create the Microsoft Azure Resources”: the group, the virtual network, its three subnets and the delegation. The gateway comes with the HSM. */
export async function network(job: ProvisionJob) {
  await job.step('resource-group', {});
  return job.step('virtual-network', {});
}

export type Network = Awaited<ReturnType<typeof network>>;

import type { ProvisionJob } from '../provision.ts';
import type { SetUpHsm } from './hsm-setup.ts';

/** “Access and Configure the HSM Partition”: trust link, partition, crypto officer. */
export async function partition(job: ProvisionJob, { hosts, partitionSerial }: SetUpHsm) {
  await job.step('connect-client', { ...hosts, partitionSerial });
  await job.step('initialize-partition', { ...hosts, partitionSerial });
  await job.step('crypto-officer', { ...hosts, partitionSerial });
  return { hosts, partitionSerial };
}

export type ReadyPartition = Awaited<ReturnType<typeof partition>>;

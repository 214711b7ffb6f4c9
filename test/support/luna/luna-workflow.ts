import type { ProvisionInput } from '../../../temporal/contract.ts';
import { checked } from '../../../workflows/checked.ts';
import { type Conclusion, concluded } from '../../../workflows/conclusion.ts';
import { Job } from '../../../workflows/job.ts';
import { hsmSetup } from '../../../workflows/phases/hsm-setup.ts';
import { partition } from '../../../workflows/phases/partition.ts';

/** The part of the runbook that speaks to the HSM, with the real job, phases and desk; what comes before it and after it is left out, for speed. */
export async function provision(input: ProvisionInput): Promise<Conclusion> {
  const job = new Job(checked(input));
  return job.run(() => concluded(job, () => lunaPart(job)));
}

async function lunaPart(job: Job): Promise<void> {
  const { windowsPublicKey: publicKey } = await job.step('keep-secrets', {});
  const vm = { id: '/vm', privateAddress: job.request.lunaClient.address, reachable: job.request.lunaClient.address };
  const { windows } = await job.step('install-luna-client', { vm, publicKey });
  const set = await hsmSetup(job, { id: '/hsm', address: job.request.hsm.address!, tags: {} }, { vm, windows });
  const { hosts, partitionSerial } = await partition(job, set);
  const { clientCertificate } = await job.step('client-certificate', { ...hosts, partitionSerial });
  await job.step('register-client', { ...hosts, clientCertificate });
}

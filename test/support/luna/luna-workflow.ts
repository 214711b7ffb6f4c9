import type { StoredReport } from '../../../domain/progress.ts';
import type { ProvisionInput } from '../../../temporal/contract.ts';
import type { JobSummary } from '../../../workflows/engine/finalize.ts';
import { runJob } from '../../../workflows/engine/run-job.ts';
import { hsmSetup } from '../../../workflows/procedures/phases/hsm-setup.ts';
import { partition } from '../../../workflows/procedures/phases/partition.ts';
import { storeReport } from '../../../workflows/procedures/phases/report.ts';
import { type ProvisionJob, provisioning } from '../../../workflows/procedures/provision.ts';

/** The part of the runbook that speaks to the HSM, with the real engine and phases; what comes before it and after it is left out, for speed. */
export const provision = (input: ProvisionInput): Promise<JobSummary> => runJob({ ...provisioning, run: lunaPart }, input);

async function lunaPart(job: ProvisionJob): Promise<StoredReport> {
  const { request } = job.input;
  const { windowsPublicKey: publicKey } = await job.step('keep-secrets', {});
  const vm = { id: '/vm', privateAddress: request.lunaClient.address, reachable: request.lunaClient.address };
  const { windows } = await job.step('install-luna-client', { vm, publicKey });
  const set = await hsmSetup(job, { hsmId: '/hsm', hsmAddress: request.hsm.address!, tags: {} }, { vm, windows });
  const { hosts, partitionSerial } = await partition(job, set);
  const { clientCertificate } = await job.step('client-certificate', { ...hosts, partitionSerial });
  await job.step('register-client', { ...hosts, partitionSerial, clientCertificate });
  return storeReport(job);
}

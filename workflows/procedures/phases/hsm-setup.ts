import type { Endpoints, HsmState } from '../../../domain/results.ts';
import type { ProvisionJob } from '../provision.ts';
import { askToZeroize } from './approvals.ts';
import type { DeployedHsm } from './hsm.ts';
import type { LunaClient } from './luna-client.ts';

/** “Configure the Dedicated Luna HSM”: password, label, FIPS mode, partition, network trust link. */
export async function hsmSetup(job: ProvisionJob, { hsmAddress }: DeployedHsm, { windows }: LunaClient) {
  const { appliance } = await job.step('appliance-password', { windows, hsmAddress });
  const hosts: Endpoints = { windows, hsm: appliance };
  const inspected = await job.step('inspect-hsm', hosts);
  job.warn(...inspected.warnings);
  const initialized = await job.step('initialize-hsm', hosts);
  await fipsMode(job, hosts, initialized.hsm);
  const { partition } = await job.step('create-partition', hosts);
  const { warnings } = await job.step('prepare-ntls', hosts);
  job.warn(...warnings);
  return { hosts, partitionSerial: partition.serial };
}

export type SetUpHsm = Awaited<ReturnType<typeof hsmSetup>>;

/** Turning FIPS mode on erases the HSM: only what was approved may be erased, so an HSM that changed meanwhile is asked for again. An approval allows one attempt. */
async function fipsMode(job: ProvisionJob, hosts: Endpoints, initialized: HsmState): Promise<void> {
  if (!job.input.request.hsm.fips || initialized.fips) return job.notNeeded('approve-zeroize', 'fips-mode');
  for (let seen = initialized; ; ) {
    const asked = seen;
    const { result, approval } = await job.stepUnder('fips-mode', {
      at: 'approve-zeroize',
      ask: () => askToZeroize(asked, job.input.request),
      needs: ({ id: approvalId }) => ({ ...hosts, approvedDigest: asked.digest, approvalId }),
    });
    if (result.outcome === 'on') return;
    job.stale(approval);
    seen = result.hsm;
  }
}

import { condition } from '@temporalio/workflow';
import { throughClient } from '../domain/plan.ts';
import type { Pinned } from '../domain/results.ts';
import type { ProvisionInput } from '../temporal/contract.ts';
import { checked } from './checked.ts';
import { type Conclusion, concluded } from './conclusion.ts';
import { Job } from './job.ts';
import { cipherTrust } from './phases/ciphertrust.ts';
import { hsm } from './phases/hsm.ts';
import { hsmSetup } from './phases/hsm-setup.ts';
import { lunaClient } from './phases/luna-client.ts';
import { network } from './phases/network.ts';
import { partition } from './phases/partition.ts';
import { permissions } from './phases/permissions.ts';
import { rootOfTrust } from './phases/root-of-trust.ts';
import { together } from './together.ts';

/** The runbook, section by section: from a subscription to a CipherTrust Manager whose root of trust is a partition of a Dedicated HSM. */
export async function provision(input: ProvisionInput): Promise<Conclusion> {
  const job = new Job(checked(input));
  return job.run(() => concluded(job, () => runbook(job)));
}

async function runbook(job: Job): Promise<void> {
  const permitted = await permissions(job);
  const net = await network(job);
  let host: Pinned | undefined;
  const throughHost = async () => {
    await condition(() => host !== undefined);
    return host!;
  };
  const [manager, ready] = await together(
    () => cipherTrust(job, permitted, net, throughClient(job.request.cipherTrust) ? throughHost : undefined),
    async () => {
      const [deployed, client] = await together(
        () => hsm(job, net),
        async () => {
          const ready = await lunaClient(job, permitted, net);
          host = ready.windows;
          return ready;
        },
      );
      return { ...(await partition(job, await hsmSetup(job, deployed, client))), client };
    },
  );
  await rootOfTrust(job, manager, ready);
  await job.skippableStep('close-doors', { windowsVm: ready.client.vm });
}

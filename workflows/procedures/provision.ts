import { condition } from '@temporalio/workflow';
import type { StoredReport } from '../../domain/progress.ts';
import { throughClient, withoutTemplateText } from '../../domain/request-parts.ts';
import type { PinnedHost, StepContext, StepTypes } from '../../domain/results.ts';
import { type ActivityId, catalog, phases, type WaitingId } from '../../domain/steps.ts';
import { type ProvisionInput, workflowName } from '../../temporal/contract.ts';
import type { JobSummary } from '../engine/finalize.ts';
import { inParallel } from '../engine/in-parallel.ts';
import type { Procedure } from '../engine/procedure.ts';
import { runJob } from '../engine/run-job.ts';
import type { JobRunner } from '../engine/runner.ts';
import { amendInput } from './amend.ts';
import { mistakesIn } from './mistakes.ts';
import { approvalGranted } from './phases/approvals.ts';
import { cipherTrust } from './phases/ciphertrust.ts';
import { hsm } from './phases/hsm.ts';
import { hsmSetup } from './phases/hsm-setup.ts';
import { lunaClient } from './phases/luna-client.ts';
import { network } from './phases/network.ts';
import { partition } from './phases/partition.ts';
import { permissions } from './phases/permissions.ts';
import { earlyEnd, report } from './phases/report.ts';
import { rootOfTrust } from './phases/root-of-trust.ts';

/** What the procedure is made of: every step of the catalog. */
export interface Provision {
  input: ProvisionInput;
  facts: StepContext;
  steps: { [Id in ActivityId]: StepTypes[Id] & { skippable: (typeof catalog)[Id]['skippable'] } };
  waits: WaitingId;
}

export type ProvisionJob = JobRunner<Provision>;

/** From a subscription to a CipherTrust Manager whose root of trust is a partition of a Dedicated HSM. */
export const provisioning: Procedure<Provision> = {
  name: workflowName,
  steps: catalog,
  phases,
  mistakes: mistakesIn,
  about: ({ request: { hsm, azure } }) => ({ hsmName: hsm.name, region: azure.region }),
  amend: amendInput,
  facts: ({ request }, job) => ({ ...job, request: withoutTemplateText(request) }),
  approvalTerms: ({ request: { approval } }) => ({ deadlineHours: approval?.deadlineHours ?? 24, secondPerson: approval?.secondPerson ?? false }),
  approvalEntry: { activity: 'enter-approval', of: approvalGranted },
  run: runbook,
  earlyEnd,
};

export const provision = (input: ProvisionInput): Promise<JobSummary> => runJob(provisioning, input);

/** The runbook, section by section. */
async function runbook(job: ProvisionJob): Promise<StoredReport> {
  const { request } = job.input;
  const permitted = await permissions(job);
  const net = await network(job);
  let host: PinnedHost | undefined;
  const throughHost = async () => {
    await condition(() => host !== undefined);
    return host!;
  };
  const [manager, ready] = await inParallel(
    () => cipherTrust(job, permitted, net, throughClient(request.cipherTrust) ? throughHost : undefined),
    async () => {
      const [deployed, client] = await inParallel(
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
  const trusted = await rootOfTrust(job, manager, ready);
  return report(job, ready.client, trusted);
}

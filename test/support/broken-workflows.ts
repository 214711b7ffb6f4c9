import { ApplicationFailure, DeterminismViolationError } from '@temporalio/workflow';
import type { StoredReport } from '../../domain/progress.ts';
import type { ProvisionInput } from '../../temporal/contract.ts';
import type { JobSummary } from '../../workflows/engine/finalize.ts';
import { inParallel } from '../../workflows/engine/in-parallel.ts';
import { DecisionInbox } from '../../workflows/engine/inbox.ts';
import { ProgressPublisher } from '../../workflows/engine/publisher.ts';
import { runJob } from '../../workflows/engine/run-job.ts';
import { hsm } from '../../workflows/procedures/phases/hsm.ts';
import { lunaClient } from '../../workflows/procedures/phases/luna-client.ts';
import { network } from '../../workflows/procedures/phases/network.ts';
import { permissions } from '../../workflows/procedures/phases/permissions.ts';
import { earlyEnd } from '../../workflows/procedures/phases/report.ts';
import { type ProvisionJob, provisioning } from '../../workflows/procedures/provision.ts';

/** The real engine with a bug in it, one workflow for each place. */

const bug = (where: string): never => {
  throw new TypeError(`bug in the ${where}`);
};

/** Deploys the HSM beside the Windows host, and trips as soon as that is ready. */
async function trips(job: ProvisionJob): Promise<StoredReport> {
  const permitted = await permissions(job);
  const net = await network(job);
  await inParallel(
    () => hsm(job, net),
    async () => {
      await lunaClient(job, permitted, net);
      bug('procedure');
    },
  );
  return bug('procedure');
}

export const inProcedure = (input: ProvisionInput): Promise<JobSummary> => runJob({ ...provisioning, run: trips }, input);

export function inInbox(input: ProvisionInput): Promise<JobSummary> {
  DecisionInbox.prototype.judge = () => bug('inbox');
  return runJob(provisioning, input);
}

export function inPublisher(input: ProvisionInput): Promise<JobSummary> {
  const { publish } = ProgressPublisher.prototype;
  ProgressPublisher.prototype.publish = function (this: ProgressPublisher<string>) {
    if (this.progress.job.revision > 10) bug('publisher');
    publish.call(this);
  };
  return runJob(provisioning, input);
}

/** What judges decisions throws what would be a failure of a step or of the job elsewhere. */
export function besideTheWork(input: ProvisionInput): Promise<JobSummary> {
  DecisionInbox.prototype.judge = () => {
    throw ApplicationFailure.nonRetryable('nobody waits for this');
  };
  return runJob(provisioning, input);
}

/** Nor does a bug on the way to the end keep it from coming. */
export const inReport = (input: ProvisionInput): Promise<JobSummary> =>
  runJob({ ...provisioning, run: trips, earlyEnd: { ...earlyEnd, draft: () => bug('report'), remains: () => bug('remains') } }, input);

export const beforeAnything = (input: ProvisionInput): Promise<JobSummary> => runJob({ ...provisioning, about: () => bug('beginning') }, input);

/** What the SDK says about itself is no bug of the job: a fixed worker goes on with it. */
export const inSdk = (input: ProvisionInput): Promise<JobSummary> =>
  runJob(
    {
      ...provisioning,
      run: () => {
        throw new DeterminismViolationError('not deterministic');
      },
    },
    input,
  );

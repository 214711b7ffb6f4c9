import type { StoredReport } from '../../../domain/progress.ts';
import { remainsOf } from '../../../domain/remains.ts';
import type { ReportDraft } from '../../../domain/report.ts';
import type { StepTypes } from '../../../domain/results.ts';
import type { JobRecord, Procedure } from '../../engine/procedure.ts';
import type { Provision, ProvisionJob } from '../provision.ts';
import type { LunaClient } from './luna-client.ts';
import type { RootOfTrust } from './root-of-trust.ts';

/** Looks at the root of trust, closes what was opened for this job alone, then stores the report, which looks once more where the way is open still. */
export async function report(job: ProvisionJob, { vm }: LunaClient, trusted: RootOfTrust): Promise<StoredReport> {
  const { warnings } = await job.step('confirm-root-of-trust', trusted);
  job.warn(...warnings);
  const closed = await job.skippableStep('remove-temporary-access', { windowsVm: vm });
  // Who skipped it may have closed some of them.
  const isWayOpen = closed !== undefined && !closed.deallocated && closed.removedRules.length === 0;
  return storeReport(job, { ...trusted, isWayOpen });
}

/** The last step of a completed job. */
export const storeReport = (job: ProvisionJob, last?: StepTypes['report']['needs']['last']): Promise<StoredReport> =>
  job.step('report', { report: draftOf(job.record('completed')), ...(last ? { last } : {}) });

/** What is done where a job ends before its last step. */
export const earlyEnd: Procedure<Provision>['earlyEnd'] = {
  inventory: 'inventory',
  report: 'report',
  draft: (record) => ({ report: draftOf(record) }),
  remains: (record) => remainsOf(draftOf(record)),
};

const draftOf = ({ facts, ...record }: JobRecord<Provision>): ReportDraft => ({ ...facts, ...record });

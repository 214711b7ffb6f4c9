import type { StoredReport } from '../../../domain/progress.ts';
import { remainsOf } from '../../../domain/remains.ts';
import type { ReportDraft } from '../../../domain/report.ts';
import type { JobRecord, Procedure } from '../../engine/procedure.ts';
import type { Provision, ProvisionJob } from '../provision.ts';
import type { LunaClient } from './luna-client.ts';
import type { RootOfTrust } from './root-of-trust.ts';

/** Looks at the root of trust for the last time, closes what was opened for this job alone, then stores the report. */
export async function report(job: ProvisionJob, { vm }: LunaClient, trusted: RootOfTrust): Promise<StoredReport> {
  const { warnings } = await job.step('confirm-root-of-trust', trusted);
  job.warn(...warnings);
  await job.skippableStep('close-doors', { windowsVm: vm });
  return storeReport(job);
}

/** The last step of a completed job. */
export const storeReport = (job: ProvisionJob): Promise<StoredReport> => job.step('report', { report: draftOf(job.record('completed')) });

/** What is done where a job ends before its last step. */
export const earlyEnd: Procedure<Provision>['earlyEnd'] = {
  inventory: 'inventory',
  report: 'report',
  draft: (record) => ({ report: draftOf(record) }),
  remains: (record) => remainsOf(draftOf(record)),
};

const draftOf = ({ facts, ...record }: JobRecord<Provision>): ReportDraft => ({ ...facts, ...record });

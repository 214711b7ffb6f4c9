import { ActivityCancellationType, CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { Outcome } from '../domain/report.ts';
import type { Inventory } from '../domain/results.ts';
import { Ended } from './endings.ts';
import type { Job } from './job.ts';

/** What a finished job returns; the report itself is in the report store. */
export interface Conclusion {
  outcome: Outcome;
  report?: { json: string; markdown: string };
}

/** Carries the work to an end that is told: the report is stored and the state published however the work ends. A cancelled or broken job then ends as such. */
export async function concluded(job: Job, work: () => Promise<void>): Promise<Conclusion> {
  let report: Conclusion['report'];
  try {
    await work();
    // Here, too, a person may abort, or cancel the job.
    report = await job.step('report', { report: job.report('completed') });
  } catch (error) {
    if (error instanceof Ended) return abnormal(job, error.outcome);
    await abnormal(job, isCancellation(error) ? 'cancelled' : 'failed');
    throw error;
  }
  job.closeDesk();
  job.board.job({ state: 'completed', finishedAt: new Date().toISOString(), report });
  return { outcome: 'completed', report };
}

/** Bounded and not to be cancelled: says what exists, stores the report, and gives up on either rather than never end. */
function abnormal(job: Job, outcome: Exclude<Outcome, 'completed'>): Promise<Conclusion> {
  return CancellationScope.nonCancellable(async () => {
    job.closeDesk();
    const inventory = await last.inventory(job.facts).catch(() => ['What exists could not be read: look in the Azure portal.']);
    job.board.job({ inventory });
    const report = await last.report({ ...job.facts, report: job.report(outcome) }).catch(() => undefined);
    if (report) job.board.step('report', { state: 'done', attempts: 1, finishedAt: new Date().toISOString() });
    job.board.job({ state: outcome, finishedAt: new Date().toISOString(), ...(report ? { report } : {}) });
    return { outcome, ...(report ? { report } : {}) };
  });
}

const last = proxyActivities<Inventory & { report(input: unknown): Promise<{ json: string; markdown: string }> }>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '10 seconds',
  scheduleToCloseTimeout: '10 minutes',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

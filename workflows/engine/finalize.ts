import { ActivityCancellationType, CancellationScope, scheduleActivity } from '@temporalio/workflow';
import type { StoredReport } from '../../domain/progress.ts';
import type { Outcome } from '../../domain/report.ts';
import { type WithOutcome, withoutOutcome } from '../../domain/step-outcome.ts';
import { bugText, ignoringBugs, leaveOut } from './failures.ts';
import type { Procedure, ProcedureTypes } from './procedure.ts';
import type { JobRunner } from './runner.ts';

/** What a finished job returns; the report itself is in the report store. */
export interface JobSummary {
  outcome: Outcome;
  report?: StoredReport;
}

/** The end of a job whose last step is done. */
export function complete<T extends ProcedureTypes>({ inbox, publisher }: JobRunner<T>, report: StoredReport): JobSummary {
  inbox.close();
  publisher.job({ state: 'completed', finishedAt: new Date().toISOString(), report });
  publisher.publish();
  return { outcome: 'completed', report };
}

interface EarlyEnd {
  outcome: Exclude<Outcome, 'completed'>;
  /** The mistake of our own code that ended the job, if one did. */
  bug?: unknown;
}

/**
 * Carries a job that ends early to an end that is told. Bounded and not to be cancelled: says what exists, stores the report, names what goes on or stays
 * open, and gives up on any of it rather than never end, whatever is broken.
 */
export function finalize<T extends ProcedureTypes>(procedure: Procedure<T>, runner: JobRunner<T>, { outcome, bug }: EarlyEnd): Promise<JobSummary> {
  const { publisher, inbox, facts } = runner;
  const { earlyEnd } = procedure;
  return CancellationScope.nonCancellable(async () => {
    if (bug !== undefined) runner.warn(bugText(bug));
    ignoringBugs(() => inbox.close());
    const inventory = await orElse(['What exists could not be read: look in the Azure portal.'], () => last<string[]>(earlyEnd.inventory, facts));
    publisher.job({ inventory });
    const report = await orElse(undefined, () => last<StoredReport>(earlyEnd.report, { ...facts, ...earlyEnd.draft(runner.record(outcome)) }));
    const finishedAt = new Date().toISOString();
    if (report) publisher.step(earlyEnd.report, { state: 'done', attempts: 1, finishedAt });
    // After the report, which says the same under “what to do next”.
    runner.warn(...(await orElse([], () => earlyEnd.remains(runner.record(outcome)))));
    publisher.job({ state: outcome, finishedAt, ...(report ? { report } : {}) });
    return { outcome, ...(report ? { report } : {}) };
  });
}

/** The end must come: what fails on the way there, a bug included, is left out. */
async function orElse<Result>(otherwise: Result, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    leaveOut(error);
    return otherwise;
  }
}

async function last<Result>(activity: string, input: object): Promise<Result> {
  const given = await scheduleActivity<Result | WithOutcome<Result>>(activity, [input], {
    startToCloseTimeout: '1 minute',
    heartbeatTimeout: '10 seconds',
    scheduleToCloseTimeout: '10 minutes',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  return withoutOutcome(given);
}

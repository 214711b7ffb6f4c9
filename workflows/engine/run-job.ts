import { CancellationScope, isCancellation, log } from '@temporalio/workflow';
import { ignoringBugs, isBug, isSdkError, refusedInput, withoutBugs } from './failures.ts';
import { complete, finalize, type JobSummary } from './finalize.ts';
import { JobEnded } from './job-ended.ts';
import type { Procedure, ProcedureTypes } from './procedure.ts';
import { Pump } from './pump.ts';
import { JobRunner } from './runner.ts';

/**
 * Carries a job out to its end, which always comes: completed, or ended early by a person, a cancel or a failure, and then with what exists and what is open
 * told. A bug in procedure, inbox or publication ends it as a failure, too. Only what the SDK reports about itself leaves it open, for a fixed worker.
 */
export function runJob<T extends ProcedureTypes>(procedure: Procedure<T>, input: T['input']): Promise<JobSummary> {
  return withoutBugs(async () => {
    const mistakes = procedure.mistakes(input);
    if (mistakes.length > 0) throw refusedInput(mistakes);
    return guarded(procedure, new JobRunner(procedure, input));
  });
}

async function guarded<T extends ProcedureTypes>(procedure: Procedure<T>, runner: JobRunner<T>): Promise<JobSummary> {
  const { inbox, publisher } = runner;
  const work = new CancellationScope();
  const pump = new Pump(
    [
      { hasWork: () => inbox.hasMail, turn: () => inbox.judge() },
      { hasWork: () => publisher.hasNews, turn: () => publisher.publish() },
    ],
    () => work.cancel(),
  );
  try {
    const report = await work.run(() => procedure.run(runner));
    if (pump.bug) throw pump.bug.error;
    return complete(runner, report);
  } catch (error) {
    // A bug beside the work cancelled it.
    return await endEarly(procedure, runner, pump.bug ? pump.bug.error : error);
  } finally {
    await pump.stop();
    // What is still in the queue is judged, too.
    ignoringBugs(() => inbox.judge());
    publisher.publishWhatWorks();
  }
}

async function endEarly<T extends ProcedureTypes>(procedure: Procedure<T>, runner: JobRunner<T>, error: unknown): Promise<JobSummary> {
  if (isSdkError(error)) throw error;
  if (error instanceof JobEnded) return finalize(procedure, runner, { outcome: error.outcome });
  if (isBug(error)) log.error('a bug ends the job', { error });
  await finalize(procedure, runner, { outcome: isCancellation(error) ? 'cancelled' : 'failed', ...(isBug(error) ? { bug: error } : {}) });
  throw error;
}

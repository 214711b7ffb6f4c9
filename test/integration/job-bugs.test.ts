import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type ReportDraft, reportOf } from '../../domain/report.ts';
import { searchAttributes } from '../../temporal/contract.ts';
import { answer, firstApproval, gate } from '../support/decide-job.ts';
import { exampleRequest } from '../support/example.ts';
import { type StubActivities, stubActivities } from '../support/stub-activities.ts';
import { until } from '../support/until.ts';
import { type Running, type WorkflowBench, workflowBench } from '../support/workflow-bench.ts';

describe('A bug in the workflow’s own code', () => {
  let bench: WorkflowBench;
  before(async () => {
    bench = await workflowBench(fileURLToPath(new URL('../support/broken-workflows.ts', import.meta.url)));
  });
  after(() => bench?.stop());

  const job = (workflow: string, { activities }: StubActivities, test: (job: Running) => Promise<void>) =>
    bench.withWorker({ activities }, async (start) => test(await start(exampleRequest(), `bug-${workflow}`, workflow)));

  const failed = async ({ handle, progress }: Running, what: RegExp) => {
    const error = await handle.result().then(
      () => assert.fail('it ended well'),
      (error: unknown) => error,
    );
    assert.ok(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure, String(error));
    assert.deepEqual([error.cause.type, error.cause.nonRetryable], ['Bug', true]);
    assert.match(error.cause.message, what);
    const { typedSearchAttributes, status } = await handle.describe();
    assert.equal(status.name, 'FAILED');
    const shown = Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
    assert.deepEqual([shown[searchAttributes.outcome.name], shown[searchAttributes.state.name]], ['failed', 'failed']);
    const { job } = await progress();
    assert.equal(job.state, 'failed');
    assert.ok(job.finishedAt);
    assert.match(job.warnings.join('\n'), what);
    return job;
  };
  const reported = ({ calls }: StubActivities) => (calls.find(({ id }) => id === 'report')?.input as { report: ReportDraft } | undefined)?.report;

  it('in the procedure ends the job as failed, with what exists, the report, and what is open or goes on', async () => {
    const deploying = gate();
    const stubs = stubActivities({
      'deploy-hsm': async () => {
        await deploying.opened;
        throw ApplicationFailure.create({ message: 'wait', type: 'NotReady' });
      },
    });
    await job('inProcedure', stubs, async (running) => {
      await running.reaches('the host', ({ steps }) => steps['install-luna-client'].state === 'done');
      deploying.open();
      const { warnings, inventory } = await failed(running, /TypeError: bug in the procedure/);
      assert.deepEqual(inventory, ['resource group Luna_kylo_rg']);
      const draft = reported(stubs);
      assert.equal(draft?.outcome, 'failed');
      for (const told of [warnings, reportOf(draft, []).whatNext].map((lines) => lines.join('\n'))) {
        assert.match(told, /deployment HSMdeploy .* was not stopped.*billed.*az deployment group cancel -g Luna_kylo_rg -n HSMdeploy/);
        assert.match(told, /Doors are open: .*az vm deallocate/);
      }
      assert.match(draft.progress.job.warnings.join('\n'), /bug in the procedure/);
    });
  });

  it('in the judging of decisions ends it, too', async () => {
    const stubs = stubActivities();
    await job('inInbox', stubs, async (running) => {
      await firstApproval(running);
      await answer(running, 'approve');
      await failed(running, /bug in the inbox/);
      assert.deepEqual(stubs.calls.map(({ id }) => id).slice(-2), ['inventory', 'report']);
      assert.ok(!stubs.calls.some(({ id }) => id === 'fips-mode'));
      assert.match(reportOf(reported(stubs)!, []).whatNext.join('\n'), /Doors are open/);
    });
  });

  it('in the publication of progress ends it, too, and as much is published as works', async () => {
    const stubs = stubActivities();
    await job('inPublisher', stubs, async (running) => {
      await failed(running, /bug in the publisher/);
      assert.deepEqual(stubs.calls.map(({ id }) => id).slice(-2), ['inventory', 'report']);
    });
  });

  it('that looks like a failure of the job ends it as a bug, too, instead of failing the workflow task for good', async () => {
    const stubs = stubActivities();
    await job('besideTheWork', stubs, async (running) => {
      await firstApproval(running);
      await answer(running, 'approve');
      await failed(running, /nobody waits for this/);
      assert.deepEqual(stubs.calls.map(({ id }) => id).slice(-2), ['inventory', 'report']);
    });
  });

  it('in what the report says does not keep the end from coming', async () => {
    const stubs = stubActivities();
    await job('inReport', stubs, async (running) => {
      const { report } = await failed(running, /bug in the procedure/);
      assert.equal(report, undefined);
    });
  });

  it('before anything was done fails the job at once', async () => {
    const stubs = stubActivities();
    await job('beforeAnything', stubs, async ({ handle }) => {
      const error = await handle.result().catch((error: unknown) => error);
      assert.match((error as WorkflowFailedError).cause?.message ?? '', /bug in the beginning/);
      assert.deepEqual(stubs.calls, []);
    });
  });

  it('is told apart from what the SDK says about itself: that waits for a fixed worker', async () => {
    await job('inSdk', stubActivities(), async ({ handle }) => {
      await until('the failed workflow task', async () => {
        const { events } = await handle.fetchHistory();
        return events?.find(({ workflowTaskFailedEventAttributes }) => workflowTaskFailedEventAttributes);
      });
      assert.equal((await handle.describe()).status.name, 'RUNNING');
      await handle.terminate();
    });
  });
});

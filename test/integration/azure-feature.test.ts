import assert from 'node:assert/strict';
import type { WorkerInterceptors } from '@temporalio/worker';
import { checkFeature } from '../../activities/permissions/check-feature.ts';
import { ActivityInterceptor } from '../../worker/activity-interceptor.ts';
import { AzureBench } from '../support/azure-bench.ts';
import { stubActivities } from '../support/stub-activities.ts';
import { until } from '../support/until.ts';
import { type WorkflowBench, workflowBench } from '../support/workflow-bench.ts';

/** Enough to tell: what no look costs, a day of them (one every ten minutes) does not cost either. */
const severalLooks = 20;
const look = 'arm:GET Microsoft.Features/features';

describe('A feature that Microsoft has not decided about', function () {
  this.timeout(120_000);
  let temporal: WorkflowBench;
  let azure: AzureBench;
  before(async () => {
    temporal = await workflowBench();
    azure = await AzureBench.start();
  });
  after(async () => {
    await temporal?.stop();
    await azure?.stop();
  });

  it('costs no event of history, however often it is looked at, and the job goes on by itself once it is Registered', async () => {
    azure.azure.setFeature('Pending');
    const { settings } = azure.systems;
    // A look every 60 poll intervals.
    const { activities } = stubActivities({ 'check-feature': checkFeature({ ...azure.systems, settings: { ...settings, pollIntervalMs: 0.2 } }) });
    // Registering a provider changes something: it needs a permit, as in every worker.
    const interceptors: WorkerInterceptors = { activity: [(context) => ({ inbound: new ActivityInterceptor(context, 100) })] };
    await temporal.withWorker({ activities, interceptors }, async (start) => {
      const job = await start(azure.request, 'undecided-feature');
      const looks = () => azure.arrived(look).length;
      const events = async () => (await job.handle.fetchHistory()).events?.length ?? 0;
      await until('the first look', async () => (looks() > 0 ? true : undefined));
      const [looksBefore, before] = [looks(), await events()];
      await until('several looks', async () => (looks() >= looksBefore + severalLooks ? true : undefined), { timeoutMs: 90_000 });
      assert.equal(await events(), before, `events after ${looks() - looksBefore} looks`);
      const { steps } = await job.progress();
      assert.equal(steps['check-feature'].state, 'running');
      azure.azure.setFeature('Registered');
      await job.reaches('the step after it', (progress) => progress.steps['register-providers'].state === 'done');
      assert.deepEqual(
        azure.arrived('arm:POST Microsoft.Resources/providers/register').map(({ outcome }) => outcome),
        ['done'],
        'its provider was told',
      );
      await job.handle.terminate();
    });
  });
});

import assert from 'node:assert/strict';
import { wordsOf } from '../../domain/failure.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { ActivityInterceptor } from '../../worker/activity-interceptor.ts';
import { incident, resolve } from '../support/decide-job.ts';
import { exampleRequest } from '../support/example.ts';
import { type StubActivities, stubActivities } from '../support/stub-activities.ts';
import { type Running, type WorkflowBench, workflowBench } from '../support/workflow-bench.ts';

describe('A worker checks what its activities are given and answer', () => {
  let bench: WorkflowBench;
  before(async () => {
    bench = await workflowBench();
  });
  after(() => bench?.stop());

  const job = (name: string, request: ProvisioningRequest, { activities }: StubActivities, test: (job: Running) => Promise<void>) =>
    bench.withWorker({ activities, interceptors: { activity: [(context) => ({ inbound: new ActivityInterceptor(context, 100) })] } }, async (start) =>
      test(await start(request, name)),
    );
  const firstIncident = async (running: Running) => (await incident(running)).incidents[0]!;

  it('refuses a job that was started around the API with text in place of a number, before anything is touched', async () => {
    const request: ProvisioningRequest = exampleRequest();
    Object.assign(request, { approval: { deadlineHours: '24' }, removeTemporaryAccess: 'no' });
    const stubs = stubActivities();
    await job('textual-hours', request, stubs, async (running) => {
      const { step, problem } = await firstIncident(running);
      assert.deepEqual([step, problem.kind], ['keep-secrets', 'Refused']);
      assert.match(
        wordsOf(problem),
        /^2 mistakes .*\/request\/removeTemporaryAccess: Must be true or false, is "no"\..*\/request\/approval\/deadlineHours: Must be a number/,
      );
      assert.deepEqual(stubs.calls, []);
      await resolve(running, 'abort');
      await running.handle.result();
    });
  });

  it('stops at a result that later steps cannot rely on, and goes on when a retry gives the right one', async () => {
    let answers = 0;
    const stubs = stubActivities({
      'verify-hsm': async () => {
        answers++;
        const result = { hsmId: '/hsm', hsmAddress: '172.22.1.4', tags: {} };
        return answers === 1 ? { ...result, hsmAddress: undefined as unknown as string } : result;
      },
    });
    const request = exampleRequest();
    request.hsm.fips = false;
    await job('wrong-result', request, stubs, async (running) => {
      const { step, problem } = await firstIncident(running);
      assert.deepEqual([step, problem.kind, answers], ['verify-hsm', 'Unsafe', 1]);
      assert.match(wordsOf(problem), /at \/hsmAddress$/);
      await resolve(running, 'retry');
      const { job } = await running.reaches('the end', ({ job }) => job.finishedAt !== undefined);
      assert.equal(job.state, 'completed');
    });
  });
});

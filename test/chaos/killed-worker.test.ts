import assert from 'node:assert/strict';
import { stepsOf } from '../../domain/plan.ts';
import { exampleRequest } from '../support/example.ts';
import { type Act, approveErasing, effects, killWorkerIn } from '../support/killed-worker.ts';
import { StackBench } from '../support/stack-bench.ts';

/**
 * Killed in these acts, each while the simulator has received the request and not yet answered: one that goes on for long, and the two that
 * erase what is in use. First sign-in and `hsm init`: `end-predecessor.test.ts`, in a process for the step alone; every act of the Luna steps:
 * `test/long/luna/killed-worker.test.ts`.
 */
const acts: Act[] = [
  { step: 'deploy-hsm', operation: 'arm:PUT Microsoft.Resources/deployments' },
  { step: 'fips-mode', operation: 'lunash:hsm changePolicy' },
  { step: 'set-root-of-trust', operation: 'ciphertrust:POST /v1/system/hsm/setup' },
];

describe('A worker that is killed in the middle of an act', function () {
  this.timeout(300_000);
  let bench: StackBench;
  before(async () => {
    bench = await StackBench.start({ isAlone: true });
  });
  after(() => bench?.stop());

  it('is followed by a second attempt that looks first: the job completes and every act took effect once', async () => {
    for (const { operation } of acts) await bench.fault('hold', operation);
    const id = await bench.provision();
    for (const act of acts) {
      const { step } = act;
      const arrivals = (await bench.requestLog()).length;
      if (step === 'fips-mode') await approveErasing(bench, id, 1);
      await killWorkerIn(bench, id, act);
      await bench.reaches(id, `${step} done after the kill`, ({ steps }) => steps[step].state === 'done');
      assert.ok((await bench.requestLog()).length > arrivals, 'a second attempt arrived');
    }
    const job = await bench.ended(id);
    assert.equal(job.job.state, 'completed');
    for (const step of stepsOf(exampleRequest())) assert.equal(job.steps[step].state, 'done', step);
    for (const operation of ['lunash:hsm init', 'lunash:hsm changePolicy', 'ciphertrust:POST /v1/system/hsm/setup', 'arm:PUT Microsoft.Resources/deployments'])
      assert.equal(await effects(bench, operation), 1, operation);
  });
});

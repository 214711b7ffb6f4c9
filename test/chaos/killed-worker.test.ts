import assert from 'node:assert/strict';
import { stepsOf } from '../../domain/plan.ts';
import { exampleRequest } from '../support/example.ts';
import { StackBench } from '../support/stack-bench.ts';

/** Killed in these acts, each while the simulator has received the request and not yet answered. */
const acts = [
  { step: 'deploy-hsm', operation: 'arm:PUT Microsoft.Resources/deployments' },
  { step: 'appliance-password', operation: 'lunash:first sign-in' },
  { step: 'initialize-hsm', operation: 'lunash:hsm init' },
  { step: 'fips-mode', operation: 'lunash:hsm changePolicy' },
  { step: 'set-root-of-trust', operation: 'ciphertrust:POST /v1/system/hsm/setup' },
] as const;

describe('A worker that is killed in the middle of an act', function () {
  this.timeout(300_000);
  let bench: StackBench;
  before(async () => {
    bench = await StackBench.start();
  });
  after(() => bench?.stop());

  it('is followed by a second attempt that looks first: the job completes and every act took effect once', async () => {
    for (const { operation } of acts) await bench.fault('hold', operation);
    const id = await bench.provision();
    for (const { step, operation } of acts) {
      if (step === 'fips-mode') {
        await bench.approvalAsked(id);
        assert.equal((await bench.approve(id)).status, 200);
      }
      const hold = await bench.held(operation);
      const arrivals = (await bench.ledger()).length;
      const { signal } = await bench.stack.kill('worker', 'SIGKILL');
      assert.equal(signal, 'SIGKILL');
      assert.equal((await bench.job(id)).steps[step].state, 'running', 'the API shows the step with no worker alive');
      await bench.release(hold);
      await bench.stack.restart('worker');
      await bench.reaches(id, `${step} done after the kill`, ({ steps }) => steps[step].state === 'done');
      assert.ok((await bench.ledger()).length > arrivals, 'a second attempt arrived');
    }
    const job = await bench.ended(id);
    assert.equal(job.job.state, 'completed');
    for (const step of stepsOf(exampleRequest())) assert.equal(job.steps[step].state, 'done', step);
    for (const operation of [
      'lunash:hsm init',
      'lunash:hsm changePolicy',
      'ciphertrust:POST /v1/system/hsm/setup',
      'arm:PUT Microsoft.Resources/deployments',
    ]) {
      const effective = (await bench.ledger(operation)).filter(({ outcome }) => outcome === 'done');
      assert.equal(effective.length, 1, `${operation} took effect ${effective.length} times`);
    }
  });
});

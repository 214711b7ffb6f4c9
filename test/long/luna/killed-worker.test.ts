import assert from 'node:assert/strict';
import { stepsOf } from '../../../domain/plan.ts';
import { exampleRequest } from '../../support/example.ts';
import { type Act, approveErasing, effects, killWorkerIn } from '../../support/killed-worker.ts';
import { StackBench } from '../../support/stack-bench.ts';

/** Only a look, or what may be done again while no client is registered: a new certificate. */
const repeatable: string[] = ['lunash:network show', 'lunash:sysconf regenCert'];
/** What each Luna step changes, or looks at where it only looks. */
const acts: Act[] = [
  { step: 'appliance-password', operation: 'lunash:first sign-in' },
  { step: 'inspect-hsm', operation: 'lunash:network show' },
  { step: 'initialize-hsm', operation: 'lunash:hsm init' },
  { step: 'fips-mode', operation: 'lunash:hsm changePolicy' },
  { step: 'create-partition', operation: 'lunash:partition create' },
  { step: 'prepare-ntls', operation: 'lunash:sysconf regenCert' },
  { step: 'connect-client', operation: 'lunacm:clientconfig deploy' },
  { step: 'initialize-partition', operation: 'lunacm:partition init' },
  { step: 'crypto-officer', operation: 'lunacm:role changepw' },
  { step: 'client-certificate', operation: 'vtl:createcert' },
  { step: 'register-client', operation: 'lunash:client register' },
];

/** The service as it is run, with its own worker, against a real Temporal server; what the interruptions of single requests do in a process for the steps alone. */
describe('A job whose worker is killed in every Luna step', function () {
  this.timeout(600_000);
  let bench: StackBench;
  before(async () => {
    bench = await StackBench.start({ isAlone: true });
  });
  after(() => bench?.stop());

  it('and whose connection is cut there before, completes without an incident, and each change took effect once', async () => {
    for (const { operation } of acts) {
      await bench.fault('reset', operation);
      await bench.fault('hold', operation);
    }
    const id = await bench.provision();
    for (const act of acts) {
      // The change that is begun under the first approval is cut before it takes effect.
      if (act.step === 'fips-mode') await approveErasing(bench, id, 2);
      await killWorkerIn(bench, id, act);
    }
    const job = await bench.ended(id);
    assert.deepEqual([job.job.state, job.incidents], ['completed', []]);
    for (const step of stepsOf(exampleRequest())) assert.equal(job.steps[step].state, 'done', step);
    for (const { operation } of acts.filter((act) => !repeatable.includes(act.operation))) assert.equal(await effects(bench, operation), 1, operation);
  });
});

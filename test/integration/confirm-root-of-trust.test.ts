import assert from 'node:assert/strict';
import { StackBench } from '../support/stack-bench.ts';
import { loadWorld } from '../support/stored-world.ts';

describe('A job', function () {
  this.timeout(400_000);
  let bench: StackBench;
  before(async () => {
    bench = await StackBench.start();
  });
  after(() => bench?.stop());

  it('is not called completed where the HSM was zeroized after its root of trust was verified', async () => {
    const { request } = await loadWorld(bench, 'provisioned');
    // A step between the verification and the end, to stop at.
    request.cipherTrust.hostName = 'keys.example.com';
    const naming = 'ciphertrust:PATCH /v1/system/info';
    await bench.fault('hold', naming);
    const id = await bench.provision(request);
    const hold = await bench.held(naming);
    assert.equal((await bench.job(id)).steps['verify-root-of-trust'].state, 'done');
    await bench.control('POST', '/tamper', { what: 'zeroize', address: request.hsm.address ?? '172.22.1.4' });
    await bench.release(hold);
    const { step, problem } = await bench.incident(id);
    assert.deepEqual([step, problem.kind, problem.code], ['confirm-root-of-trust', 'Unsafe', 'CIPHERTRUST_ROOT_OF_TRUST_WRONG']);
    assert.match(problem.summary, /^The HSM \d+ is zeroized\.$/);
    await bench.resolve(id, 'incident-1', 'retry');
    await bench.incident(id, 2);
    await bench.resolve(id, 'incident-2', 'abort');
    const { job, steps } = await bench.ended(id, { incidents: true });
    assert.deepEqual([job.state, steps['remove-temporary-access'].state], ['aborted', 'pending']);
  });

  it('is not called completed where the HSM was zeroized after that, while its doors are not to be closed', async () => {
    const { request } = await loadWorld(bench, 'provisioned');
    request.removeTemporaryAccess = false;
    const naming = 'ciphertrust:PATCH /v1/system/info';
    request.cipherTrust.hostName = 'keys.example.com';
    await bench.fault('hold', naming);
    const id = await bench.provision(request);
    const hold = await bench.held(naming);
    const closing = 'arm:GET Microsoft.Compute/virtualMachines';
    await bench.fault('hold', closing);
    await bench.release(hold);
    const doors = await bench.held(closing);
    const { steps } = await bench.job(id);
    assert.deepEqual([steps['confirm-root-of-trust'].state, steps['remove-temporary-access'].state], ['done', 'running']);
    await bench.control('POST', '/tamper', { what: 'zeroize', address: request.hsm.address ?? '172.22.1.4' });
    await bench.release(doors);
    const { step, problem } = await bench.incident(id);
    assert.deepEqual([step, problem.code], ['report', 'CIPHERTRUST_ROOT_OF_TRUST_WRONG']);
    assert.match(problem.summary, /^The HSM \d+ is zeroized\.$/);
    await bench.resolve(id, 'incident-1', 'abort');
    const { job } = await bench.ended(id, { incidents: true });
    assert.equal(job.state, 'aborted');
  });
});

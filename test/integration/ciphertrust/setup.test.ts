import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { setRootOfTrust } from '../../../activities/root-of-trust/set-root-of-trust.ts';
import type { ManagerAt } from '../../../domain/results.ts';
import { secretName } from '../../../systems/secrets/store.ts';
import { ManagerBench, setup, target } from '../../support/ciphertrust/manager-bench.ts';
import { until } from '../../support/until.ts';

/** Whatever else may become of it, in all circumstances: `root-of-trust.test.ts`. */
describe('hsm/setup', function () {
  this.timeout(60_000);
  let bench: ManagerBench;
  let cipherTrust: ManagerAt;
  beforeEach(async () => {
    bench = new ManagerBench();
    await bench.switchOn();
    cipherTrust = await bench.licensed();
  });
  afterEach(() => bench.stop());

  it('is not sent a second time when its sender is cut off while it is at work', async () => {
    bench.fault('hold', setup);
    const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000, activityId: 'order' }, { logger: new DefaultLogger('ERROR') });
    const first = environment.run(setRootOfTrust(bench.systems), bench.rootInput(cipherTrust)).catch((error: unknown) => error);
    const held = await until('the request to be held', async () => bench.world.weather.held()[0]);
    environment.cancel();
    assert.ok((await first) instanceof Error);
    bench.world.weather.release(held.id);
    await bench.verified(await attemptsFrom(2));
    assert.equal(bench.arrived(setup).length, 1);
  });

  /** Temporal’s next attempts, after the first was lost. */
  const attemptsFrom = (number: number) =>
    until('the step to be done', () =>
      bench.attempt(setRootOfTrust(bench.systems), bench.rootInput(cipherTrust), number++).catch((error: unknown) => {
        if (error instanceof ApplicationFailure && !error.nonRetryable) return undefined;
        throw error;
      }),
    );

  it('is remembered when a person orders a retry after the wipe, which counts attempts anew', async () => {
    const { cipherTrust: wiped } = await bench.set(cipherTrust);
    assert.deepEqual((await bench.attempt(setRootOfTrust(bench.systems), bench.rootInput(cipherTrust), 1, 'ordered again')).cipherTrust, wiped);
    assert.equal(bench.arrived(setup).length, 1);
  });

  it('is refused with the words of CipherTrust Manager, without the secrets that it quotes, and is not repeated', async () => {
    bench.values.set(secretName(target, 'crypto-officer-password'), 'not-the-password');
    const { kind, seen } = await bench.problemOf(bench.set(cipherTrust));
    assert.equal(kind, 'Refused');
    assert.match(seen, /CKR_PIN_INCORRECT/);
    bench.fault('fail', setup, { message: 'HSM setup failed: bad login with not-the-password' });
    assert.match((await bench.problemOf(bench.set(cipherTrust))).seen, /bad login with \*{8}$/);
    assert.equal(bench.arrived(setup).length, 2);
  });

  it('that says yes and does nothing leaves the step incomplete', async () => {
    bench.fault('lie', setup);
    const { seen, remedy } = await bench.problemOf(bench.set(cipherTrust));
    assert.match(seen, /nothing changed/);
    assert.match(remedy, /retry sends the request once more/);
  });

  it('that only wipes is found out before the job can end', async () => {
    bench.fault('lie', setup, { message: 'unsealed' });
    const { kind, seen } = await bench.problemOf(bench.verified(await bench.set(cipherTrust)));
    assert.equal(kind, 'Unsafe');
    assert.match(seen, /lists no HSM.*not sealed.*DARKSTARKEY-mac-key.*DARKSTARKEY-encryption-key/);
  });

  it('is not sent without the client’s key', async () => {
    bench.values.delete(bench.keySecret);
    assert.match((await bench.problemOf(bench.set(cipherTrust))).tried, new RegExp(bench.keySecret));
    assert.deepEqual(bench.arrived(setup), []);
  });
});

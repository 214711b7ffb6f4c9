import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { setRootOfTrust } from '../../../activities/root-of-trust/set-root-of-trust.ts';
import type { ManagerAt } from '../../../domain/results.ts';
import { secretName } from '../../../stores/secrets/store.ts';
import { ManagerBench, setup, target } from '../../support/ciphertrust/manager-bench.ts';
import { runStep } from '../../support/fence.ts';
import { officerPassword } from '../../support/stub-appliance.ts';
import { until } from '../../support/until.ts';

/** Whatever else may become of it, in all circumstances: `root-of-trust.test.ts`. */
describe('hsm/setup', function () {
  this.timeout(60_000);
  let bench: ManagerBench;
  let cipherTrust: ManagerAt;
  /** Is called at each arrival, before anything is done about it. */
  let arrived: (operation: string) => void;
  beforeEach(async () => {
    bench = new ManagerBench();
    arrived = () => {};
    await bench.switchOn({ arrived: ({ operation }) => arrived(operation) });
    cipherTrust = await bench.licensed();
  });
  afterEach(() => bench.stop());

  const quirk = (name: string, value: string) => Object.assign(bench.world.quirks, { [`ciphertrust.${name}`]: value });

  /** Its sender is gone, and it is held. */
  async function cutOff(): Promise<() => void> {
    bench.fault('hold', setup);
    const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000, activityId: 'order' }, { logger: new DefaultLogger('ERROR') });
    const first = runStep(environment, setRootOfTrust(bench.systems), bench.rootInput(cipherTrust)).catch((error: unknown) => error);
    const held = await until('the request to be held', async () => bench.world.weather.held()[0]);
    environment.cancel();
    assert.ok((await first) instanceof Error);
    return () => bench.world.weather.release(held.id);
  }

  it('is not sent a second time when its sender is cut off while it is at work; the initial password may have worked since it was sent', async () => {
    const release = await cutOff();
    const heldAt = Date.now();
    release();
    await until('the manager to be up again, wiped', async () => (bench.summary['passwordIsDefault'] && bench.summary['status'] === 'started') || undefined);
    const wiped = await attemptsFrom(2);
    assert.ok(Date.parse(wiped.openSince!) <= heldAt, `${wiped.openSince} is after ${new Date(heldAt).toISOString()}`);
    await bench.verified(wiped);
    assert.equal(bench.arrived(setup).length, 1);
  });

  it('is not sent a second time while the first may still be at work, though a person orders a retry', async () => {
    const release = await cutOff();
    const retry = bench.attempt(setRootOfTrust(bench.systems), bench.rootInput(cipherTrust), 1, 'ordered again');
    await assert.rejects(retry, ({ type }: ApplicationFailure) => type === 'NotReady');
    release();
    await bench.verified(await bench.set(cipherTrust, 'ordered again'));
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

  it('that failed is not followed by another one before a person was told, whoever was killed meanwhile', async () => {
    bench.fault('fail', setup, { message: 'HSM setup failed: no shared ciphers' });
    const told = await bench.problemOf(bench.set(cipherTrust, 'first'));
    assert.match(told.seen, /500.*no shared ciphers/);
    assert.match(told.remedy, /retry.*sends hsm\/setup once more, which wipes/);
    assert.deepEqual(await bench.problemOf(bench.set(cipherTrust, 'first')), told, 'an attempt after one that could not tell');
    assert.equal(bench.arrived(setup).length, 1);
    await bench.verified(await bench.set(cipherTrust, 'second'));
    assert.equal(bench.arrived(setup).length, 2);
  });

  it('that failed and wiped all the same: the door is closed first, then a person is asked', async () => {
    quirk('failedSetup', 'wipes');
    bench.values.set(secretName(target, 'crypto-officer-password'), 'not-the-password');
    const wiped = await bench.set(cipherTrust, 'first');
    assert.deepEqual([wiped.failed, wiped.cipherTrust.pin === cipherTrust.pin], [true, false]);
    const { cipherTrust: closed, exposure } = await bench.reset(wiped);
    assert.equal(bench.summary['passwordIsDefault'], false);
    const { kind, seen } = await bench.problemOf(bench.set(closed, 'second'));
    assert.deepEqual([kind, /500.*CKR_PIN_INCORRECT/.test(seen)], ['Refused', true], seen);
    assert.equal(bench.arrived(setup).length, 1);
    await bench.problemOf(bench.set(closed, 'second'));
    assert.equal(bench.arrived(setup).length, 1, 'nobody ordered another one yet');
    bench.values.set(secretName(target, 'crypto-officer-password'), officerPassword);
    const { exposures } = await bench.reset(await bench.set(closed, 'third'), { exposures: [exposure!] });
    assert.deepEqual(exposures, [exposure], 'this wipe’s is told beside that of the next');
    assert.equal(bench.arrived(setup).length, 2);
  });

  /** Late by this bench's clock: many looks fit in between. */
  const late = '240';

  it('is not done while the wipe is still to come, though the HSM is listed', async () => {
    quirk('listedBeforeReset', 'yes');
    quirk('resetSeconds', late);
    const wiped = await bench.set(cipherTrust);
    assert.notEqual(wiped.cipherTrust.pin, cipherTrust.pin);
    await bench.verified(wiped);
  });

  it('is not done while it may still be at work, where nobody heard its answer', async () => {
    quirk('listedBeforeReset', 'yes');
    // Later than an answer that was heard would be waited for.
    quirk('resetSeconds', '900');
    bench.fault('reset-after-accept', setup);
    const wiped = await bench.set(cipherTrust);
    assert.notEqual(wiped.cipherTrust.pin, cipherTrust.pin);
    await bench.verified(wiped);
  });

  it('has not wiped where the old web service refuses the password before it comes down', async () => {
    quirk('signInBeforeReset', 'refused');
    quirk('resetSeconds', late);
    const wiped = await bench.set(cipherTrust);
    assert.notEqual(wiped.cipherTrust.pin, cipherTrust.pin);
    await bench.verified(wiped);
  });

  it('is not sent where the manager came into use while everything was checked: that is asked for', async () => {
    arrived = (operation) => {
      if (operation.endsWith('checkport')) bench.manager.data.keys.push({ id: 'k1', name: 'payroll' });
    };
    const { needsApproval } = await bench.set(cipherTrust);
    assert.equal(needsApproval?.keys, 1);
    assert.equal(bench.arrived(setup).length, 0);
  });

  it('is not sent beside that of another worker', async () => {
    const { transcripts } = bench.systems;
    const { append } = transcripts;
    let other = false;
    transcripts.append = async (...[name, runId, step, line]) => {
      if (!other && line.includes('POST /v1/system/hsm/setup')) {
        other = true;
        await append(name, runId, step, line.replace(/#\w+/, '#other'));
      }
      await append(name, runId, step, line);
    };
    const { seen, remedy } = await bench.problemOf(bench.set(cipherTrust));
    assert.match(seen, /nothing changed/);
    assert.match(remedy, /retry sends hsm\/setup once more, which wipes/);
    assert.equal(bench.arrived(setup).length, 0);
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
    assert.match(remedy, /retry sends hsm\/setup once more, which wipes/);
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

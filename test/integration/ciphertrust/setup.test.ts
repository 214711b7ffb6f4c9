import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { setRootOfTrust } from '../../../activities/root-of-trust/set-root-of-trust.ts';
import type { ManagerEndpoint } from '../../../domain/results.ts';
import { selfSigned } from '../../../simulator/certificates.ts';
import { secretName } from '../../../stores/secrets/store.ts';
import { ManagerBench, setup, target } from '../../support/ciphertrust/manager-bench.ts';
import { enterEarlier } from '../../support/earlier-entries.ts';
import { MemoryFence, runStep } from '../../support/fence.ts';
import { managerCreated } from '../../support/own-machines.ts';
import { officerPassword } from '../../support/stub-appliance.ts';
import { until } from '../../support/until.ts';

/** Whatever else may become of it, in all circumstances: `root-of-trust.test.ts`. */
describe('hsm/setup', function () {
  this.timeout(60_000);
  let bench: ManagerBench;
  let cipherTrust: ManagerEndpoint;
  /** Is called at each arrival, before anything is done about it. */
  let arrived: (operation: string) => void;
  beforeEach(async () => {
    bench = new ManagerBench();
    arrived = () => {};
    await bench.switchOn({ arrived: ({ operation }) => arrived(operation) });
    cipherTrust = await bench.licensed();
  });
  afterEach(() => bench.stop());

  const variant = (name: string, value: string) => Object.assign(bench.world.variants, { [`ciphertrust.${name}`]: value });

  /** Its sender is gone, and it is held. */
  async function cutOff(): Promise<() => void> {
    bench.fault('hold', setup);
    const environment = new MockActivityEnvironment(
      { startToCloseTimeoutMs: 60_000, activityId: 'order', currentAttemptScheduledTimestampMs: Date.now() },
      { logger: new DefaultLogger('ERROR') },
    );
    const first = runStep(environment, setRootOfTrust(bench.systems), bench.rootInput(cipherTrust)).catch((error: unknown) => error);
    const held = await until('the request to be held', async () => bench.world.faults.held()[0]);
    environment.cancel();
    assert.ok((await first) instanceof Error);
    return () => bench.world.faults.release(held.id);
  }

  it('asks for its permit by name, so that it gets none without its entry in the target record', async () => {
    const fence = new MemoryFence();
    await bench.attemptUnder(fence, setRootOfTrust(bench.systems), bench.rootInput(cipherTrust)).catch(() => 'its wipe is waited for');
    assert.equal(fence.asked.filter((act) => act === 'hsm-setup').length, 1);
    assert.equal(bench.arrived(setup).length, 1);
  });

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
    assert.match(told.words, /500.*no shared ciphers/);
    assert.match(told.remedy, /retry.*sends hsm\/setup once more, which wipes/);
    assert.deepEqual(await bench.problemOf(bench.set(cipherTrust, 'first')), told, 'an attempt after one that could not tell');
    assert.equal(bench.arrived(setup).length, 1);
    await bench.verified(await bench.set(cipherTrust, 'second'));
    assert.equal(bench.arrived(setup).length, 2);
  });

  it('that failed and wiped all the same: the door is closed first, then a person is asked', async () => {
    variant('failedSetup', 'wipes');
    bench.values.set(secretName(target, 'crypto-officer-password'), 'not-the-password');
    const wiped = await bench.set(cipherTrust, 'first');
    assert.deepEqual([wiped.failed, wiped.cipherTrust.pin === cipherTrust.pin], [true, false]);
    const { cipherTrust: closed, exposure } = await bench.reset(wiped);
    assert.equal(bench.summary['passwordIsDefault'], false);
    const { kind, words: seen } = await bench.problemOf(bench.set(closed, 'second'));
    assert.deepEqual([kind, /500.*CKR_PIN_INCORRECT/.test(seen)], ['Refused', true], seen);
    assert.equal(bench.arrived(setup).length, 1);
    await bench.problemOf(bench.set(closed, 'second'));
    assert.equal(bench.arrived(setup).length, 1, 'nobody ordered another one yet');
    bench.values.set(secretName(target, 'crypto-officer-password'), officerPassword);
    const { exposures } = await bench.reset(await bench.set(closed, 'third'), { exposures: [exposure!] });
    assert.deepEqual(exposures, [exposure], 'this wipe’s is told beside that of the next');
    assert.equal(bench.arrived(setup).length, 2);
  });

  it('that failed and wiped a manager that was found makes it one that was made here: the next one needs no further approval', async () => {
    await bench.stop();
    bench = new ManagerBench();
    const [, found] = managerCreated(bench.request);
    enterEarlier(bench.entries, target, 'ciphertrust', [found!]);
    await bench.switchOn();
    const there = await bench.licensed();
    variant('failedSetup', 'wipes');
    bench.values.set(secretName(target, 'crypto-officer-password'), 'not-the-password');
    const { digest } = (await bench.set(there, 'asked')).needsApproval!;
    const wiped = await bench.step(setRootOfTrust, { ...bench.rootInput(there), ...(await bench.granted('approval-1', digest)) }, 'first');
    assert.equal(wiped.failed, true);
    const { cipherTrust: closed } = await bench.reset(wiped);
    await bench.problemOf(bench.set(closed, 'second'));
    bench.values.set(secretName(target, 'crypto-officer-password'), officerPassword);
    assert.equal((await bench.set(closed, 'third')).needsApproval, undefined);
    assert.equal(bench.arrived(setup).length, 2);
  });

  /** Late by this bench's clock: many looks fit in between. */
  const late = '240';

  it('is not done while the wipe is still to come, though the HSM is listed', async () => {
    variant('listedBeforeReset', 'yes');
    variant('resetSeconds', late);
    const wiped = await bench.set(cipherTrust);
    assert.notEqual(wiped.cipherTrust.pin, cipherTrust.pin);
    await bench.verified(wiped);
  });

  it('is not done while it may still be at work, where nobody heard its answer', async () => {
    variant('listedBeforeReset', 'yes');
    // Later than an answer that was heard would be waited for.
    variant('resetSeconds', '900');
    bench.fault('reset-after-accept', setup);
    const wiped = await bench.set(cipherTrust);
    assert.notEqual(wiped.cipherTrust.pin, cipherTrust.pin);
    await bench.verified(wiped);
  });

  it('has not wiped where the old web service refuses the password before it comes down', async () => {
    variant('signInBeforeReset', 'refused');
    variant('resetSeconds', late);
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

  /** Does something once its entry is made, before it leaves. */
  const afterEntry = (happens: () => void) => {
    const { transcripts } = bench.systems;
    let entered = false;
    bench.systems.transcripts = {
      ...transcripts,
      async append(...told) {
        await transcripts.append(...told);
        if (entered || !told[3].includes('POST')) return;
        entered = true;
        happens();
      },
    };
  };

  it('is not sent where the manager came into use after the last check, when its entry was made: that is asked for, and no approval is used up', async () => {
    bench.manager.data.keys.push({ id: 'k1', name: 'payroll' });
    const { needsApproval: before } = await bench.set(cipherTrust);
    const approved = await bench.granted('approve-wipe-1', before!.digest);
    afterEntry(() => bench.manager.data.keys.push({ id: 'k2', name: 'backup' }));
    const { needsApproval } = await bench.step(setRootOfTrust, { ...bench.rootInput(cipherTrust), ...approved }, 'approved');
    assert.deepEqual([needsApproval?.keys, bench.arrived(setup).length], [2, 0]);
    assert.deepEqual(bench.recorded.slice(-2), ['setup-sent', 'setup-not-sent']);
    bench.manager.data.keys.pop();
    await bench.verified(await bench.step(setRootOfTrust, { ...bench.rootInput(cipherTrust), ...approved }, 'as it was'));
    assert.equal(bench.arrived(setup).length, 1);
  });

  it('is not sent where nobody can read what the manager holds when its entry was made; the next attempt sends it', async () => {
    afterEntry(() => bench.fault('error', 'ciphertrust:GET /v1/usermgmt/users', { status: 502 }));
    const attempt = bench.attempt(setRootOfTrust(bench.systems), bench.rootInput(cipherTrust), 1, 'order');
    await assert.rejects(attempt, ({ type }: ApplicationFailure) => type === 'Transient');
    assert.deepEqual([bench.recorded.slice(-2), bench.arrived(setup).length], [['setup-sent', 'setup-not-sent'], 0]);
    await bench.verified(await bench.set(cipherTrust, 'order'));
    assert.equal(bench.arrived(setup).length, 1);
  });

  it('is not sent beside that of another worker', async () => {
    let other = false;
    const { transcripts } = bench.systems;
    // Another attempt enters something while this one checks.
    arrived = (operation) => {
      if (other || !operation.endsWith('checkport')) return;
      other = true;
      const { records } = bench.systems;
      const record = records.of(target, 'ciphertrust', { jobId: target, runId: 'run-1', execution: 'order', attempt: 2, retry: 1 });
      entering = record.read().then(() => record.append('setup-sent', { id: 'other', partitionSerial: '1', pin: cipherTrust.pin }));
    };
    let entering: Promise<unknown> | undefined;
    const first = bench.attempt(setRootOfTrust(bench.systems), bench.rootInput(cipherTrust), 1, 'order');
    await assert.rejects(first, ({ type, message }: ApplicationFailure) => type === 'Transient' && /another attempt has already written/.test(message));
    await entering;
    assert.equal(bench.arrived(setup).length, 0);
    assert.deepEqual(
      (await transcripts.list(target, 'run-1')).filter(({ text }) => text.includes('hsm/setup')),
      [],
      'nothing is said to have been sent',
    );
    const { words: seen, remedy } = await bench.problemOf(bench.set(cipherTrust, 'order'));
    assert.match(seen, /nothing has changed/);
    assert.match(remedy, /Retrying sends hsm\/setup once more, which wipes/);
    assert.equal(bench.arrived(setup).length, 0);
  });

  it('arrives once from two attempts that both looked before it was sent', async () => {
    const attempts = [1, 2].map((number) =>
      bench.attempt(setRootOfTrust(bench.worker(`worker ${number}`)), bench.rootInput(cipherTrust), 1, 'order').catch((error: unknown) => error),
    );
    await Promise.all(attempts);
    await bench.verified(await bench.set(cipherTrust, 'order'));
    assert.equal(bench.arrived(setup).length, 1);
  });

  describe('with workers that share the target record alone', () => {
    const by = (name: string, order: string, number = 1) => bench.attempt(setRootOfTrust(bench.worker(name)), bench.rootInput(cipherTrust), number, order);
    const isNotReady = ({ type }: ApplicationFailure) => type === 'NotReady';

    it('is sent once, whichever worker makes the next attempt, the retry, or the next job', async () => {
      const release = await cutOff();
      await assert.rejects(by('second', 'order', 2), isNotReady, 'the next attempt');
      await assert.rejects(by('third', 'ordered again'), isNotReady, 'a retry');
      bench.runId = 'run-2';
      await assert.rejects(by('fourth', 'order'), isNotReady, 'another job');
      release();
      await bench.verified(await bench.set(cipherTrust, 'order'));
      assert.equal(bench.arrived(setup).length, 1);
    });

    it('is not taken for one of long ago by a worker whose clock is an hour ahead', async () => {
      const release = await cutOff();
      const { now } = Date;
      Date.now = () => now() + 3_600_000;
      try {
        await assert.rejects(by('second', 'order', 2), isNotReady);
      } finally {
        Date.now = now;
      }
      release();
      await bench.verified(await bench.set(cipherTrust, 'ordered again'));
      assert.equal(bench.arrived(setup).length, 1);
    });

    it('has a person told in another job what became of it, before that one sends another', async () => {
      bench.fault('lie', setup);
      await bench.problemOf(bench.set(cipherTrust, 'order'));
      bench.runId = 'run-2';
      const { words: seen } = await bench.problemOf(bench.set(cipherTrust, 'order'));
      assert.match(seen, /nothing has changed/);
      assert.equal(bench.arrived(setup).length, 1);
      await bench.verified(await bench.set(cipherTrust, 'ordered again'));
      assert.equal(bench.arrived(setup).length, 2);
    });

    it('is known to a workflow that was reset to before it: nothing is sent, and what it wiped is ours', async () => {
      const first = await bench.set(cipherTrust, 'order');
      bench.runId = 'reset';
      const again = await bench.set(cipherTrust, 'order');
      assert.deepEqual(again.cipherTrust, first.cipherTrust);
      await bench.verified(again);
      assert.equal(bench.arrived(setup).length, 1);
    });

    it('is not believed to have wiped what was not that manager any more', async () => {
      const { cipherTrust: wiped } = await bench.set(cipherTrust, 'order');
      await bench.reset({ cipherTrust: wiped, openSince: new Date().toISOString() });
      bench.manager.nextWeb = await selfSigned({ commonName: 'stranger' });
      bench.manager.restart = { at: 0, minutes: 0 };
      const stranger = bench.manager.nextWeb;
      await until('another certificate to be presented', async () => bench.manager.web === stranger || undefined);
      const { kind, words: seen } = await bench.problemOf(bench.set(wiped, 'later'));
      assert.deepEqual([kind, /presents another certificate/.test(seen)], ['Unsafe', true], seen);
    });
  });

  it('that was entered by a worker that died before it was sent is not sent before a person was told', async () => {
    const { systems } = bench;
    const { transcripts } = systems;
    // Nothing of it goes on after its entry.
    const died = new Error('the worker is gone');
    systems.transcripts = {
      ...transcripts,
      append: (...[name, runId, step, line]) => (line.includes('POST') ? new Promise(() => {}) : transcripts.append(name, runId, step, line)),
    };
    const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000, activityId: 'order', currentAttemptScheduledTimestampMs: Date.now() });
    runStep(environment, setRootOfTrust(systems), bench.rootInput(cipherTrust)).catch(() => died);
    await until('the entry', async () => bench.recorded.includes('setup-sent') || undefined);
    bench.systems = bench.worker('second');
    const { words: seen } = await bench.problemOf(bench.set(cipherTrust, 'order'));
    assert.match(seen, /no response received.*nothing has changed/);
    assert.equal(bench.arrived(setup).length, 0);
    await bench.verified(await bench.set(cipherTrust, 'ordered again'));
    assert.equal(bench.arrived(setup).length, 1);
  });

  it('does not leave under an approval that the target record does not have, or has for something else', async () => {
    bench.manager.data.keys.push({ id: 'k1', name: 'payroll' });
    const { needsApproval } = await bench.set(cipherTrust);
    const input = { ...bench.rootInput(cipherTrust), approvedDigest: needsApproval!.digest };
    await bench.granted('approve-wipe-1', 'something else');
    for (const approval of [{}, { approvalId: 'approve-wipe-1' }]) {
      const { code } = await bench.problemOf(bench.step(setRootOfTrust, { ...input, ...approval }, 'approved'));
      assert.equal(code, 'APPROVAL_NOT_ON_RECORD');
    }
    assert.equal(bench.arrived(setup).length, 0);
  });

  it('is sent once under an approval; where it had no effect, another wipe is asked for', async () => {
    bench.manager.data.keys.push({ id: 'k1', name: 'payroll' });
    const { needsApproval } = await bench.set(cipherTrust);
    const { digest } = needsApproval!;
    const approved = { ...bench.rootInput(cipherTrust), ...(await bench.granted('approve-wipe-1', digest)) };
    bench.fault('lie', setup);
    await bench.problemOf(bench.step(setRootOfTrust, approved, 'approved'));
    const again = await bench.step(setRootOfTrust, approved, 'ordered again');
    assert.equal(again.needsApproval?.digest, needsApproval!.digest);
    assert.equal(bench.arrived(setup).length, 1);
    await bench.verified(await bench.step(setRootOfTrust, { ...approved, ...(await bench.granted('approve-wipe-2', digest)) }, 'approved again'));
    assert.equal(bench.arrived(setup).length, 2);
  });

  it('is not sent a second time under an approval that a reset workflow replays, though a person was told and orders a retry', async () => {
    bench.manager.data.keys.push({ id: 'k1', name: 'payroll' });
    const { needsApproval } = await bench.set(cipherTrust);
    const approval = await bench.granted('approve-wipe-1-of-1', needsApproval!.digest);
    const approved = () => ({ ...bench.rootInput(cipherTrust), ...approval });
    bench.fault('lie', setup);
    await bench.problemOf(bench.step(setRootOfTrust, approved(), 'approved'));
    bench.runId = 'reset';
    await bench.problemOf(bench.step(setRootOfTrust, approved(), 'approved'));
    const again = await bench.step(setRootOfTrust, approved(), 'ordered again');
    assert.equal(again.needsApproval?.digest, needsApproval!.digest);
    assert.equal(bench.arrived(setup).length, 1);
  });

  it('leaves a short record, and one sign-in serves all looks of a step', async () => {
    const signIns = () => bench.arrived('ciphertrust:POST /v1/auth/tokens').length + bench.arrived('ciphertrust:POST /v1/auth/tokens/').length;
    const before = signIns();
    await bench.verified(await bench.set(cipherTrust));
    assert.deepEqual(bench.recorded.slice(bench.recorded.indexOf('setup-sent')), [
      'setup-sent',
      'setup-answered',
      'admin-password-replace-begun',
      'admin-password-replaced',
    ]);
    assert.ok(bench.recorded.length <= 12, bench.recorded.join());
    assert.ok(signIns() - before <= 4, `${signIns() - before} sign-ins`);
  });

  it('is refused with the words of CipherTrust Manager, without the secrets that it quotes, and is not repeated', async () => {
    bench.values.set(secretName(target, 'crypto-officer-password'), 'not-the-password');
    const { kind, words: seen } = await bench.problemOf(bench.set(cipherTrust));
    assert.equal(kind, 'Refused');
    assert.match(seen, /CKR_PIN_INCORRECT/);
    bench.fault('fail', setup, { message: 'HSM setup failed: bad login with not-the-password' });
    assert.match((await bench.problemOf(bench.set(cipherTrust))).words, /bad login with \*{8}"$/);
    assert.equal(bench.arrived(setup).length, 2);
  });

  it('is not sent where something speaks against it, until a person who was told of that orders it all the same', async () => {
    bench.manager.data.trial.status = 'deactivated';
    for (const attempt of [1, 2]) {
      const { kind, words: seen } = await bench.problemOf(bench.attempt(setRootOfTrust(bench.systems), bench.rootInput(cipherTrust), attempt, 'order'));
      assert.equal(kind, 'Refused');
      assert.match(seen, /no license and no trial is active/);
    }
    assert.deepEqual(bench.arrived(setup), []);
    await bench.problemOf(bench.set(cipherTrust, 'ordered again'));
    assert.equal(bench.arrived(setup).length, 1);
  });

  it('that says yes and does nothing leaves the step incomplete', async () => {
    bench.fault('lie', setup);
    const { words: seen, remedy } = await bench.problemOf(bench.set(cipherTrust));
    assert.match(seen, /nothing has changed/);
    assert.match(remedy, /Retrying sends hsm\/setup once more, which wipes/);
  });

  it('that only wipes is found out before the job can end', async () => {
    bench.fault('lie', setup, { message: 'unsealed' });
    const { kind, words: seen } = await bench.problemOf(bench.verified(await bench.set(cipherTrust)));
    assert.equal(kind, 'Unsafe');
    assert.match(seen, /lists no HSM.*not sealed/);
  });

  it('is not sent without the client’s key', async () => {
    bench.values.delete(bench.keySecret);
    assert.match((await bench.problemOf(bench.set(cipherTrust))).tried, new RegExp(bench.keySecret));
    assert.deepEqual(bench.arrived(setup), []);
  });
});

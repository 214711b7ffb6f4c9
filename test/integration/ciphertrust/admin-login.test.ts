import assert from 'node:assert/strict';
import type { ApplicationFailure } from '@temporalio/common';
import { adminPassword } from '../../../activities/ciphertrust/admin-password.ts';
import { license } from '../../../activities/ciphertrust/license.ts';
import { type Problem, wordsOf } from '../../../domain/failure.ts';
import type { ManagerEndpoint } from '../../../domain/results.ts';
import { changePassword, ManagerBench } from '../../support/ciphertrust/manager-bench.ts';
import { MemoryFence } from '../../support/fence.ts';
import { azureWithMachines, ownVmId } from '../../support/own-machines.ts';

describe('The way in to CipherTrust Manager', () => {
  let bench: ManagerBench;
  beforeEach(() => {
    bench = new ManagerBench();
  });
  afterEach(() => bench.stop());

  const openSince = new Date().toISOString();
  const enter = (cipherTrust: ManagerEndpoint) => bench.step(adminPassword, { ...bench.job(), cipherTrust, openSince });
  const wrongOnes = () => bench.world.requestLog.entries.filter(({ detail = '' }) => /Wrong username or password/.test(detail)).length;

  it('is found where wrong passwords lock the account without a word, as often as a person lets a lock end and orders it again', async () => {
    const variants = { 'ciphertrust.initialPassword': 'generated', 'ciphertrust.lockoutMinutes': '0,1000000', 'ciphertrust.lockedAnswer': 'plain' };
    await bench.switchOn({ timeScale: 6000, variants });
    const cipherTrust = await bench.booted();
    for (let incidents = 0; ; incidents++) {
      assert.ok(incidents < 3, 'each password has had the first place');
      bench.manager.data.users[0]!.lockedUntil = 0;
      const problem = await enter(cipherTrust).then(
        () => undefined,
        (error: ApplicationFailure) => error.details![0] as Problem,
      );
      if (!problem) break;
      assert.match(
        wordsOf(problem),
        /the stored password is refused.*the generated password is refused|the generated password is refused.*the stored password is refused/,
      );
    }
    assert.equal(bench.summary['passwordIsDefault'], false);
  });

  it('knows from when to when the first password worked, though the attempt that replaced it never heard so', async () => {
    await bench.switchOn({ timeScale: 6000 });
    bench.fault('reset-after-accept', changePassword);
    const { exposure } = await enter(await bench.booted());
    assert.equal(exposure?.from, openSince);
    assert.ok(Date.parse(exposure.until) >= Date.parse(openSince));
    assert.deepEqual([bench.arrived(changePassword).length, wrongOnes()], [1, 1], 'only the kept one was shown before it was right');
  });

  it('waits for SSH to answer before it gives up a generated password', async () => {
    await bench.switchOn({ timeScale: 6000, variants: { 'ciphertrust.initialPassword': 'generated' } });
    const cipherTrust = await bench.booted();
    bench.fault('reset', 'ciphertrust:ssh', { times: 2 });
    await enter(cipherTrust);
    assert.deepEqual([bench.summary['passwordIsDefault'], wrongOnes()], [false, 2], 'the kept and the default one, once each');
  });

  const signIn = 'ciphertrust:POST /v1/auth/tokens';

  it('enters each password before it is shown and what came of it, and one sign-in serves the looks after that', async () => {
    await bench.switchOn({ timeScale: 6000 });
    const cipherTrust = await bench.booted();
    await enter(cipherTrust);
    const entered = ['tried', 'refused', 'replace-begun', 'replaced'].map((event) => `admin-password-${event}`);
    assert.deepEqual(bench.recorded, entered, 'the kept one is known to be right since it was replaced');
    const before = bench.arrived(signIn).length;
    await bench.step(license, { ...bench.job(), cipherTrust });
    await bench.step(license, { ...bench.job(), cipherTrust });
    assert.deepEqual([bench.arrived(signIn).length - before, bench.recorded], [0, entered]);
    bench.systems = bench.worker('another');
    await bench.step(license, { ...bench.job(), cipherTrust });
    assert.deepEqual([bench.arrived(signIn).length - before, bench.recorded], [1, entered], 'another worker has none yet');
  });

  it('gets no secret before its VM is found to be the one on record, and each goes on record before it is sent', async () => {
    await bench.switchOn({ timeScale: 6000 });
    const cipherTrust = await bench.booted();
    let vmId = ownVmId;
    Object.assign(bench.systems, { azure: azureWithMachines(() => vmId) });
    await enter(cipherTrust);
    bench.request.cipherTrust.license = { secret: 'our-license' };
    bench.values.set('our-license', 'a-license');
    vmId = 'another';
    const { kind, remedy } = await bench.problemOf(bench.step(license, { ...bench.job(), cipherTrust }));
    assert.deepEqual([kind, bench.arrived('ciphertrust:POST /v1/licensing/licenses').length], ['Unsafe', 0]);
    assert.match(remedy, /Nothing was sent to it/);
    vmId = ownVmId;
    await bench.step(license, { ...bench.job(), cipherTrust });
    const given = [...bench.entries.values()].map((text) => JSON.parse(text) as { event: string; data: { purpose?: string } });
    assert.deepEqual(
      given.flatMap(({ event, data }) => (event === 'secret-given' ? [data.purpose] : [])),
      ['ciphertrust-admin-password', 'secret our-license'],
    );
    assert.equal(given.findIndex(({ event }) => event === 'secret-given') < given.findIndex(({ event }) => event === 'admin-password-tried'), true);
  });

  it('names what it is about to give when it asks for the permit', async () => {
    await bench.switchOn({ timeScale: 6000 });
    const cipherTrust = await bench.booted();
    const fence = new MemoryFence();
    const input = { ...bench.job(), cipherTrust, openSince };
    // The first attempt shows the kept password, which is wrong: another one is shown in the next.
    await assert.rejects(bench.attemptUnder(fence, adminPassword(bench.systems), input), /default password is tried next/);
    await bench.attemptUnder(fence, adminPassword(bench.systems), input);
    await bench.attemptUnder(fence, license(bench.systems), input);
    // To activate a trial gives the manager nothing.
    assert.deepEqual(
      fence.asked.filter((act) => act !== undefined),
      ['manager-password'],
    );
  });

  it('is told that the kept password is refused once, whichever worker makes the next attempt, until a person orders a retry', async () => {
    await bench.switchOn({ timeScale: 6000 });
    const cipherTrust = await bench.booted();
    await enter(cipherTrust);
    bench.manager.data.users[0]!.password = 'Somebody-Elses-1';
    const before = wrongOnes();
    for (const name of ['second', 'third']) {
      bench.systems = bench.worker(name);
      assert.match((await bench.problemOf(bench.step(license, { ...bench.job(), cipherTrust }, 'order'))).words, /the password is refused/);
      assert.equal(wrongOnes() - before, 1);
    }
    await bench.problemOf(bench.step(license, { ...bench.job(), cipherTrust }, 'ordered again'));
    assert.equal(wrongOnes() - before, 2);
  });

  it('is not closed, and the record not filled, by answers that say nothing about a password', async () => {
    await bench.switchOn({ timeScale: 6000 });
    const cipherTrust = await bench.booted();
    bench.fault('error', signIn, { status: 502, times: 9 });
    await enter(cipherTrust);
    assert.equal(bench.recorded.length, 5, bench.recorded.join());
  });
});

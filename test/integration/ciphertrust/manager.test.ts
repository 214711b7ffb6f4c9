import assert from 'node:assert/strict';
import { adminPassword } from '../../../activities/ciphertrust/admin-password.ts';
import { firstBoot } from '../../../activities/ciphertrust/first-boot.ts';
import { license } from '../../../activities/ciphertrust/license.ts';
import { ntp } from '../../../activities/ciphertrust/ntp.ts';
import { vmIdOf } from '../../../activities/machine-record.ts';
import { resetPassword } from '../../../activities/root-of-trust/reset-password.ts';
import { setRootOfTrust } from '../../../activities/root-of-trust/set-root-of-trust.ts';
import { newUser } from '../../../simulator/ciphertrust/state.ts';
import { secretName } from '../../../stores/secrets/store.ts';
import { changePassword, ManagerBench, setup, target } from '../../support/ciphertrust/manager-bench.ts';
import { enterEarlier } from '../../support/earlier-entries.ts';
import { ownVmId } from '../../support/own-machines.ts';
import { hsmAddress, managerAddress, partition } from '../../support/stub-appliance.ts';
import { until } from '../../support/until.ts';

describe('CipherTrust Manager, from its first boot to its root of trust', function () {
  this.timeout(60_000);
  let bench: ManagerBench;
  beforeEach(() => {
    bench = new ManagerBench();
  });
  afterEach(() => bench.stop());
  const job = () => bench.job();

  it('goes the whole way, all of it again after the wipe; a second run changes nothing that is right', async () => {
    await bench.switchOn();
    const { request } = bench;
    const hosts = request.cipherTrust.ntp.map(({ host }) => host);
    const cipherTrust = await bench.booted();
    await bench.step(adminPassword, { ...job(), cipherTrust });
    assert.deepEqual(await bench.step(ntp, { ...job(), cipherTrust }), { servers: hosts, synchronized: true, warnings: [] });
    assert.deepEqual(await bench.step(license, { ...job(), cipherTrust }), { kind: 'trial', state: 'activated' });
    const wiped = await bench.set(cipherTrust);
    assert.equal(wiped.cipherTrust.address, cipherTrust.address);
    assert.notEqual(wiped.cipherTrust.pin, cipherTrust.pin, 'its certificate went with its data');
    const first = await bench.verified(wiped);
    const { version, entry, sealer, warnings } = first;
    assert.deepEqual([version, entry.host, entry.serial, sealer, warnings], ['2.19.0+14195', hsmAddress, partition.serial, 'rapido', []]);
    const { summary } = bench;
    assert.deepEqual([summary['ntp'], summary['trial'], summary['passwordIsDefault']], [hosts, 'activated', false]);
    assert.equal(bench.arrived(setup).length, 1);
    assert.equal(bench.arrived(changePassword).length, 2);
    assert.ok(!bench.world.requestLog.entries.some(({ detail }) => detail === 'Password change required'), 'nobody signs in with an initial password');

    const changes = () => bench.world.requestLog.entries.filter(({ operation }) => /:(POST|PATCH|DELETE) (?!\/v1\/auth\/tokens)/.test(operation)).length;
    const before = changes();
    const again = await bench.licensed();
    await bench.step(ntp, { ...job(), cipherTrust: again });
    assert.deepEqual(await bench.set(again), { cipherTrust: again });
    assert.deepEqual(await bench.verified({ cipherTrust: again }), first);
    assert.equal(changes(), before);
  });

  it('may have let anybody in since its VM was there, where whoever looked first was killed', async () => {
    await bench.switchOn();
    await bench.booted();
    const since = '2026-11-25T09:00:00.000Z';
    const { openSince } = await bench.attempt(firstBoot(bench.systems), { ...job(), reachable: managerAddress, since }, 2);
    assert.equal(openSince, since);
  });

  it('gives ksadmin its key where that did not reach it, since services wait for that', async () => {
    await bench.switchOn({ adminUser: 'azureuser' });
    const { cipherTrust } = await bench.step(firstBoot, { ...job(), reachable: managerAddress, publicKey: bench.publicKey });
    assert.equal(cipherTrust.address, managerAddress);
    assert.equal(bench.arrived('ciphertrust:POST /v1/system/ssh/keys', 'done').length, 1);
  });

  const customData = '#cloud-config\nkeysecure:\n  initial-user:\n    generate-password: true\n';

  it('reads a generated first password over SSH as ksadmin, at once where the custom data asks for one', async () => {
    bench.values.set('cloud-init', customData);
    bench.request.cipherTrust.customData = { secret: 'cloud-init' };
    await bench.switchOn({ customData });
    const cipherTrust = await bench.booted();
    const { exposure } = await bench.step(adminPassword, { ...job(), cipherTrust, openSince: new Date().toISOString() });
    assert.ok(exposure);
    assert.equal(bench.arrived('ciphertrust:ssh', 'done').length, 1);
    assert.equal(bench.arrived(changePassword).length, 1, 'admin’s factory password is not tried');
  });

  it('gets in by the factory’s password where its custom data was not heeded', async () => {
    bench.values.set('cloud-init', customData);
    bench.request.cipherTrust.customData = { secret: 'cloud-init' };
    await bench.switchOn({ customData, variants: { 'ciphertrust.customData': 'ignored' } });
    const cipherTrust = await bench.booted();
    await bench.step(adminPassword, { ...job(), cipherTrust });
    assert.equal(bench.summary['passwordIsDefault'], false);
    assert.deepEqual([bench.arrived('ciphertrust:ssh', 'refused').length, bench.arrived(changePassword).length], [1, 1]);
  });

  it('waits out a lock, and goes on with the password that comes next: beginning anew would lock the account again, for ever', async () => {
    const variants = { 'ciphertrust.initialPassword': 'generated', 'ciphertrust.lockoutMinutes': '0,1000000', 'ciphertrust.lockedAnswer': 'told' };
    await bench.switchOn({ timeScale: 6000, variants });
    const cipherTrust = await bench.booted();
    const signingIn = bench.step(adminPassword, { ...job(), cipherTrust });
    const [admin] = bench.manager.data.users;
    const told = (words: RegExp) => bench.world.requestLog.entries.filter(({ detail = '' }) => words.test(detail)).length;
    await until('some attempts at a locked account', async () => (told(/is locked/) > 2 ? true : undefined));
    admin!.lockedUntil = 0;
    await signingIn;
    assert.deepEqual([bench.summary['passwordIsDefault'], told(/Wrong username or password/)], [false, 2], 'the kept and the default one, once each');
  });

  it('stops where somebody else set the password, however that is told', async () => {
    for (const variants of [{}, { 'ciphertrust.wrongPassword': '400' }]) {
      await bench.stop();
      bench = new ManagerBench();
      await bench.switchOn({ timeScale: 6000, variants });
      const cipherTrust = await bench.booted();
      await bench.step(adminPassword, { ...job(), cipherTrust });
      bench.values.set(secretName(target, 'ciphertrust-admin-password'), 'Another-Password-1');
      const { kind, words: seen } = await bench.problemOf(bench.step(adminPassword, { ...job(), cipherTrust }));
      assert.equal(kind, 'Refused');
      assert.match(seen, /^the stored password is refused; the default password is refused; the generated password cannot be read as ksadmin: /);
    }
  });

  it('gets the license that is in the secret store, once', async () => {
    bench.request.cipherTrust.license = { secret: 'license' };
    bench.values.set('license', 'a license text');
    await bench.switchOn();
    const cipherTrust = await bench.licensed();
    await bench.step(license, { ...job(), cipherTrust });
    assert.equal(bench.arrived('ciphertrust:POST /v1/licensing/licenses').length, 1);
  });

  it('gets every time server once, also those beyond the first page of its list; those that it had stay', async () => {
    bench.request.cipherTrust.ntp = Array.from({ length: 12 }, (_, at) => ({ host: `time${at}.example.com` }));
    await bench.switchOn({ variants: { 'ciphertrust.listMost': '5' } });
    const cipherTrust = await bench.licensed();
    bench.manager.data.ntp.push({ host: 'theirs.example.com', addedAt: 0 });
    assert.equal((await bench.step(ntp, { ...job(), cipherTrust })).servers.length, 12);
    assert.equal(bench.arrived('ciphertrust:POST /v1/system/ntp/servers').length, 12);
    assert.equal(bench.arrived('ciphertrust:DELETE /v1/system/ntp/servers/{id}').length, 0);
    assert.ok((bench.summary['ntp'] as string[]).includes('theirs.example.com'));
  });

  for (const survives of ['no', 'yes'])
    it(`has the time servers of before after the wipe, too; where one had a key, that is a warning (time servers survive: ${survives})`, async () => {
      await bench.switchOn({ timeScale: 6000, variants: { 'ciphertrust.ntpSurvivesReset': survives } });
      const cipherTrust = await bench.licensed();
      const theirs = [{ host: 'theirs.example.com' }, { host: 'authenticated.example.com', key: 'their-key', key_type: 'SHA-1' }];
      bench.manager.data.ntp.push(...theirs.map((server) => ({ ...server, addedAt: 0 })));
      const { others } = await bench.step(ntp, { ...job(), cipherTrust });
      const wiped = await bench.set(cipherTrust);
      const { warnings } = await bench.step(resetPassword, { ...job(), ...wiped, partitionSerial: partition.serial, ...(others ? { others } : {}) });
      const ours = bench.request.cipherTrust.ntp.map(({ host }) => host);
      const kept = ['theirs.example.com', ...ours, ...(survives === 'yes' ? ['authenticated.example.com'] : [])];
      assert.deepEqual([...(bench.summary['ntp'] as string[])].sort(), kept.sort());
      assert.equal(warnings.length, survives === 'yes' ? 0 : 1);
      assert.ok(warnings.every((warning) => warning.includes('authenticated.example.com')));
      assert.ok(!JSON.stringify(others).includes('their-key'));
    });

  it('does not wait for ever for its clock: that it follows no server is a warning', async () => {
    await bench.switchOn({ durations: { ntpSynchronization: 1e6 }, variants: { 'ciphertrust.ntpStatus': 'error' } });
    const cipherTrust = await bench.licensed();
    const { synchronized, warnings } = await bench.step(ntp, { ...job(), cipherTrust });
    assert.deepEqual([synchronized, warnings.length], [false, 1]);
  });

  it('sets the root of trust whatever becomes of the look at the port: nobody knows how that is asked, and nothing depends on it', async () => {
    await bench.switchOn({ timeScale: 6000 });
    let cipherTrust = await bench.licensed();
    const checkport = 'ciphertrust:POST /v1/system/network/checkport';
    const rows: [what: string, happens: () => unknown][] = [
      ...['422', '500', 'slow', 'refused', 'absent'].map((how): [string, () => unknown] => [
        how,
        () => Object.assign(bench.world.variants, { 'ciphertrust.checkport': how }),
      ]),
      ['its answer is lost', () => bench.fault('reset', checkport)],
      ['a proxy answers', () => bench.fault('error', checkport, { status: 502 })],
      ['too many are asked', () => bench.fault('throttle', checkport)],
    ];
    for (const [what, happens] of rows) {
      bench.world.variants['ciphertrust.checkport'] = 'open';
      happens();
      const before = bench.arrived(checkport).length;
      const another = { ...job(), runId: what };
      const wiped = await bench.step(setRootOfTrust, { ...bench.rootInput(cipherTrust), ...another });
      assert.equal(bench.arrived(checkport).length, before + 1, `${what}: asked once`);
      ({ cipherTrust } = await bench.step(resetPassword, { ...another, cipherTrust: wiped.cipherTrust, partitionSerial: partition.serial, openSince: 'T' }));
      bench.manager.data.hsmServers = [];
    }
    assert.equal(bench.arrived(setup, 'done').length, rows.length);
  });

  for (const listMost of ['1', '2'])
    it(`is not wiped unasked where somebody uses it, though it lists only ${listMost} at once`, async () => {
      await bench.switchOn({ timeScale: 6000, variants: { 'ciphertrust.listMost': listMost } });
      const cipherTrust = await bench.licensed();
      for (const name of ['anna', 'bert', 'carla']) bench.manager.data.users.push(newUser(name, 'Their-Password-1', false));
      const { needsApproval } = await bench.step(setRootOfTrust, { ...bench.rootInput(cipherTrust), fresh: true });
      assert.deepEqual(needsApproval?.users, ['anna', 'bert', 'carla']);
      assert.equal(bench.arrived(setup).length, 0);
    });

  it('is not wiped unasked where the job says that it made it, and the target record shows no request for it', async () => {
    const { resourceId, vmId } = { resourceId: vmIdOf(bench.request, bench.request.cipherTrust.vmName), vmId: ownVmId };
    bench.entries.clear();
    enterEarlier(bench.entries, job().target, 'ciphertrust', [['machine-created', { resourceId, vmId }]]);
    await bench.switchOn({ timeScale: 6000 });
    const cipherTrust = await bench.licensed();
    const { needsApproval } = await bench.step(setRootOfTrust, { ...bench.rootInput(cipherTrust), fresh: true });
    assert.deepEqual([needsApproval?.users, bench.arrived(setup).length], [[], 0]);
  });
});

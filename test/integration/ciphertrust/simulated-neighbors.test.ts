import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { Appliance } from '../../../simulator/world.ts';
import { sample } from '../../support/ciphertrust/samples.ts';
import { simulatedManager } from '../../support/ciphertrust/simulated-manager.ts';
import { assertLike } from '../../support/ciphertrust/simulated-samples.ts';
import { haveFixtures } from '../../support/fixtures.ts';
import { hsmAddress, partition } from '../../support/stub-appliance.ts';

/** What no job of this service sends, but others who use a CipherTrust Manager do. */
describe('Beside what jobs need, the simulated CipherTrust Manager', function () {
  this.timeout(30_000);
  const sim = simulatedManager();
  const { switchOn, ask, restarted, started, signedIn, activateTrial, setup, leaf } = sim;

  /** A second HSM, with an empty partition. */
  function secondHsm(address: string, serial: string): string[] {
    const objects: string[] = [];
    const appliance = {
      state: { ntls: { running: true }, clock: { skewMinutes: 0 } },
      stop: async () => {},
      partition: (wanted: string) => (wanted === serial ? { objects } : undefined),
      addObjects: (_: string, labels: string[]) => void objects.push(...labels),
    };
    sim.world.appliances.set(address, appliance as unknown as Appliance);
    return objects;
  }

  for (const [form, variants] of Object.entries({ nested: {}, flat: {}, 'flat, and nothing else': { 'ciphertrust.memberBody': 'flat' } }))
    it(`gets further HSMs for its root of trust, and is not wiped (${form})`, async () => {
      await switchOn({ timeScale: 6000, variants });
      let token = await signedIn();
      const [host, serial] = ['172.22.1.5', '1582142134699'];
      const member = { host, serial, 'server-cert': 'PEM' };
      const add = (body: object) => ask('POST', '/system/hsm/servers', form === 'nested' ? { type: 'luna', initialConfig: body } : body, token);
      const refused = async (body: object, status: number, words: RegExp) => {
        const answer = await add(body);
        assert.equal(answer.status, status, answer.body.message);
        assert.match(answer.body.message, words);
      };
      await refused(member, 400, /hsm\/setup/);
      await activateTrial(token);
      await restarted('POST', '/system/hsm/setup', setup(), token);
      token = await signedIn();
      await refused({ ...member, serial: '' }, 400, /serial is a required field/);
      await refused(member, 500, /no connection to 172\.22\.1\.5:1792/);
      const objects = secondHsm(host, serial);
      await refused({ ...member, serial: '999' }, 500, /serial 999/);
      const { status, body } = await add(member);
      assert.equal(status, 201, body.message);
      assert.deepEqual(body.config, { host, partition_name: 'luna_part', serial, 'server-cert': 'PEM' });
      await refused(member, 409, /already/);
      assert.deepEqual(objects, sim.objects, 'the same root keys');
      const listed = (await ask('GET', '/system/hsm/servers', undefined, token)).body;
      assert.deepEqual(
        listed.resources.map(({ config }: { config: { host: string } }) => config.host),
        [host, hsmAddress],
        'the newest first',
      );
      if (haveFixtures) assertLike(listed, sample('12-hsm-servers.json#list_after_ha_add'));
      assert.equal((await ask('DELETE', `/system/hsm/servers/${body.id}`, { reset: true, delay: 5 }, token)).status, 204);
      assert.equal((await ask('GET', '/system/hsm/servers', undefined, token)).body.resources[0].config.serial, partition.serial);
    });

  it('refuses a further HSM whose description stands where it does not look', async () => {
    await switchOn({ timeScale: 6000, variants: { 'ciphertrust.memberBody': 'nested' } });
    const token = await signedIn();
    const answer = await ask('POST', '/system/hsm/servers', { host: hsmAddress, serial: '1', 'server-cert': 'PEM' }, token);
    assert.match(answer.body.message, /host is a required field/);
  });

  it('tells its master key, and lets an old root of trust key be taken away, not the one in use', async () => {
    await switchOn({ timeScale: 6000 });
    let token = await signedIn();
    await activateTrial(token);
    await restarted('POST', '/system/hsm/setup', setup(), token);
    token = await signedIn();
    const [key] = (await ask('GET', '/system/mkeks', undefined, token)).body.info;
    assert.deepEqual((await ask('GET', `/system/mkeks/${key.id}`, undefined, token)).body, key);
    await ask('POST', '/system/rotate-rot-keys', {}, token);
    const [inUse, old] = (await ask('GET', '/system/rot-keys', undefined, token)).body.resources;
    assert.equal((await ask('DELETE', `/system/rot-keys/${inUse.id}`, undefined, token)).status, 400);
    assert.equal((await ask('DELETE', `/system/rot-keys/${old.id}`, undefined, token)).status, 204);
    assert.deepEqual((await ask('GET', '/system/rot-keys', undefined, token)).body.resources, [inUse]);
  });

  it('lists its interfaces, changes them, and makes itself a web certificate for its new names', async () => {
    await switchOn({ timeScale: 6000 });
    const token = await signedIn();
    const { body } = await ask('GET', '/configs/interfaces/', undefined, token);
    assert.deepEqual(
      body.resources.map(({ name, port }: { name: string; port: number }) => [name, port]),
      [
        ['web', 443],
        ['ssh', 22],
        ['nae', 9000],
        ['kmip', 5696],
        ['snmp', 161],
      ],
    );
    const generate = () => ask('POST', '/configs/interfaces/web/auto-gen-server-cert', undefined, token);
    assert.equal((await generate()).status, 400, 'for no name');
    const attributes = { cn: 'cm.example', dns_names: ['cm.example'], ip_addresses: [], email_addresses: [], names: [{ C: 'US' }] };
    const changed = await ask('PATCH', '/configs/interfaces/web', { local_auto_gen_attributes: attributes, port: 1 }, token);
    assert.deepEqual([changed.status, changed.body.local_auto_gen_attributes, changed.body.port], [200, attributes, 443]);
    assert.deepEqual((await ask('GET', '/configs/interfaces/web', undefined, token)).body, changed.body);
    assert.equal((await ask('PATCH', '/configs/interfaces/none', {}, token)).status, 404);
    const before = await leaf();
    const made = new X509Certificate((await generate()).body.certificates);
    assert.equal(made.checkHost('cm.example'), 'cm.example');
    assert.equal(await leaf(), before, 'not before its web service restarts');
    await restarted('POST', '/system/services/restart', { services: ['web'], delay: 5 }, token);
    await started();
    assert.equal(await leaf(), made.fingerprint256);
  });

  it('tells one license, as in their list', async () => {
    await switchOn({ timeScale: 6000 });
    const token = await signedIn();
    await ask('POST', '/licensing/licenses/', { license: 'a license text', bind_type: 'instance' }, token);
    const [license] = (await ask('GET', '/licensing/licenses/', undefined, token)).body.resources;
    assert.deepEqual((await ask('GET', `/licensing/licenses/${license.id}`, undefined, token)).body, license);
  });

  it('changes users, within the password policy', async () => {
    await switchOn({ timeScale: 6000 });
    const token = await signedIn();
    assert.equal((await ask('POST', '/usermgmt/users/', { username: 'anna', password: 'weak' }, token)).status, 400);
    const { body: anna } = await ask('POST', '/usermgmt/users/', { username: 'anna', password: 'Annas-Password-1', email: 'anna@example.com' }, token);
    assert.deepEqual([anna.name, anna.email], ['anna', 'anna@example.com']);
    const path = `/usermgmt/users/${encodeURIComponent(anna.user_id)}`;
    assert.equal((await ask('PATCH', path, { password: 'weak' }, token)).status, 400);
    const { status, body } = await ask('PATCH', path, { name: 'Anna', password: 'Annas-Password-2', password_change_required: true }, token);
    assert.deepEqual([status, body], [200, { ...anna, name: 'Anna', password_change_required: true }]);
    assert.deepEqual((await ask('GET', path, undefined, token)).body, body);
    const enter = (password: string) => ask('PATCH', '/auth/changepw', { username: 'anna', password, new_password: 'Annas-Password-3' });
    assert.deepEqual([(await enter('Annas-Password-1')).status, (await enter('Annas-Password-2')).status], [401, 204]);
    assert.equal((await ask('PATCH', '/auth/self/user', { nickname: 'boss', password: 'Other-Password-1' }, token)).body.nickname, 'boss');
    assert.equal((await ask('GET', '/auth/self/user', undefined, token)).body.nickname, 'boss');
    assert.equal((await sim.signIn('Other-Password-1')).status, 401, 'one’s own password is changed elsewhere');
  });

  it('has password policies beside the global one, in the form of that', async () => {
    await switchOn({ timeScale: 6000 });
    const token = await signedIn();
    const policies = '/usermgmt/pwdpolicies/';
    const all = async () => (await ask('GET', policies, undefined, token)).body.resources.map(({ policy_name }: { policy_name: string }) => policy_name);
    assert.equal((await ask('POST', policies, { policy_name: 'strict', password_lifetime: 'long' }, token)).status, 400);
    const strict = await ask('POST', policies, { policy_name: 'strict', password_lifetime: 90 }, token);
    const { body: general } = await ask('GET', `${policies}global`, undefined, token);
    assert.deepEqual([strict.status, strict.body], [201, { ...general, policy_name: 'strict', password_lifetime: 90 }]);
    assert.equal((await ask('POST', policies, { policy_name: 'strict' }, token)).status, 409);
    const changed = await ask('PATCH', `${policies}strict`, { failed_logins_lockout_thresholds: [0, 5] }, token);
    assert.deepEqual(changed.body, { ...strict.body, failed_logins_lockout_thresholds: [0, 5] });
    assert.deepEqual((await ask('GET', `${policies}strict`, undefined, token)).body, changed.body);
    assert.deepEqual(await all(), ['global', 'strict']);
    assert.equal((await ask('DELETE', `${policies}global`, undefined, token)).status, 400);
    assert.equal((await ask('DELETE', `${policies}strict`, undefined, token)).status, 204);
    assert.deepEqual(await all(), ['global']);
  });
});

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { selfSigned } from '../../../simulator/certificates.ts';
import { certificates, password, simulatedManager } from '../../support/ciphertrust/simulated-manager.ts';
import { hsmAddress, managerAddress, officerPassword, partition } from '../../support/stub-appliance.ts';
import { until } from '../../support/until.ts';

describe('The root of trust of a simulated CipherTrust Manager', function () {
  this.timeout(30_000);
  const sim = simulatedManager();
  const { switchOn, ask, kept, restarted, started, changePassword, signIn, signedIn, activateTrial, setup, leaf } = sim;

  it('refuses hsm/setup for each thing that is wrong, and wipes nothing', async () => {
    await switchOn({ timeScale: 6000 });
    const token = await signedIn();
    const other = await selfSigned({ commonName: managerAddress });
    const refused = async (body: object, status: number, words: RegExp) => {
      const answer = await ask('POST', '/system/hsm/setup', body, token);
      assert.equal(answer.status, status, answer.body.message);
      assert.match(answer.body.message, words);
    };
    assert.equal((await ask('POST', '/system/hsm/setup', setup())).status, 401);
    await refused(setup(), 403, /License/);
    await activateTrial(token);
    await refused({ ...setup(), connInfo: { partition_name: 'luna_part', partition_password: officerPassword } }, 400, /JSON string/);
    await refused(setup({ serial: '' }), 400, /serial is a required field/);
    await refused({ ...setup(), reset: false }, 400, /reset must be true/);
    await refused(setup({ 'server-cert': 'no certificate' }), 400, /HSM setup failed/);
    await refused(setup({ 'client-cert-key': other.privateKeyPem }), 400, /does not belong/);
    await refused(setup({ host: '172.22.1.99' }), 500, /no connection to 172\.22\.1\.99:1792/);
    await refused(setup({ 'server-cert': other.certificatePem }), 500, /server certificate/);
    await refused(setup({ 'client-cert': other.certificatePem, 'client-cert-key': other.privateKeyPem }), 500, /not registered/);
    await refused(setup({ serial: '999' }), 500, /serial 999/);
    await refused(setup({}, { partition_name: 'another' }), 500, /not called another/);
    await refused(setup({}, { partition_password: 'wrong' }), 500, /CKR_PIN_INCORRECT/);
    assert.deepEqual(sim.objects, []);
    assert.equal((await ask('GET', '/system/mkeks', undefined, token)).body.info[0].sealer_name, 'none');
    const entries = sim.world.requestLog.entries.filter(({ operation }) => operation === 'ciphertrust:POST /v1/system/hsm/setup');
    assert.ok(entries.every(({ outcome, destructive }) => outcome === 'refused' && destructive));
    assert.doesNotMatch(JSON.stringify(sim.world.requestLog.entries), new RegExp(`${officerPassword}|${password}`));
  });

  it('takes the HSM: answers, wipes itself, and is sealed by two keys in the partition; a second time it is wiped again', async () => {
    await switchOn({ durations: { cipherTrustReset: 10 } });
    let token = await signedIn();
    await activateTrial(token);
    await ask('POST', '/system/ntp/servers', { host: 'time.example.com' }, token);
    assert.deepEqual((await ask('GET', '/system/hsm/servers', undefined, token)).body, { total: 0, resources: [] });
    const before = await leaf();
    const { status, body } = await restarted('POST', '/system/hsm/setup', setup(), token);
    assert.equal(status, 200);
    assert.equal(sim.world.network.resolve(managerAddress, 443), undefined);
    assert.deepEqual(body.config, {
      host: hsmAddress,
      partition_name: 'luna_part',
      serial: partition.serial,
      'server-cert': certificates.server.certificatePem,
    });
    await started();
    assert.notEqual(await leaf(), before);
    assert.equal((await ask('GET', '/system/info', undefined, token)).status, 401);
    assert.equal((await signIn(password)).status, 401);
    token = await signedIn();
    const servers = (await ask('GET', '/system/hsm/servers', undefined, token)).body;
    assert.deepEqual([servers.total, servers.resources[0].config.serial], [1, partition.serial]);
    assert.equal((await ask('GET', '/system/mkeks', undefined, token)).body.info[0].sealer_name, 'rapido');
    assert.equal((await ask('GET', '/system/rot-keys', undefined, token)).body.total, 1);
    assert.equal((await ask('GET', '/system/ntp/servers', undefined, token)).body.total, 0);
    assert.deepEqual(sim.objects, ['DARKSTARKEY-mac-key', 'DARKSTARKEY-encryption-key']);
    await activateTrial(token);
    assert.equal((await restarted('POST', '/system/hsm/setup', setup(), token)).status, 200);
    await started();
    assert.equal((await changePassword('admin', password)).status, 204);
    assert.equal(sim.objects.length, 2);
  });

  it('can answer, survive and fail in the other ways that nobody has ruled out', async () => {
    const variants = {
      'ciphertrust.setupStatus': '201',
      'ciphertrust.setupBody': 'empty',
      'ciphertrust.connInfo': 'object',
      'ciphertrust.trialSurvivesReset': 'yes',
      'ciphertrust.ntpSurvivesReset': 'yes',
      'ciphertrust.certificateSurvivesReset': 'yes',
      'ciphertrust.ntpKeyShown': 'no',
      'ciphertrust.errorBody': 'label-only',
      'ciphertrust.setupNeedsNtp': 'yes',
    };
    await switchOn({ variants, durations: { ntpSynchronization: 0 } });
    let token = await signedIn();
    await activateTrial(token);
    const withObject = { ...setup(), connInfo: { partition_name: 'luna_part', partition_password: officerPassword } };
    const unsynchronized = await ask('POST', '/system/hsm/setup', withObject, token);
    assert.deepEqual([unsynchronized.status, unsynchronized.body.message], [500, undefined]);
    assert.match(unsynchronized.body.codeDesc, /^NCERRInternalServerError/);
    const added = await ask('POST', '/system/ntp/servers', { host: 'time.example.com', key: 'symmetric' }, token);
    assert.deepEqual(added.body, { host: 'time.example.com', key_type: 'SHA-256' });
    const before = await leaf();
    const { status, body } = await restarted('POST', '/system/hsm/setup', withObject, token);
    assert.deepEqual([status, body], [201, {}]);
    token = await signedIn();
    assert.equal(await leaf(), before);
    assert.equal((await ask('GET', '/system/ntp/servers', undefined, token)).body.total, 1);
    assert.equal((await ask('GET', '/licensing/trials', undefined, token)).body.resources[0].status, 'activated');
  });

  it('is reset with its last HSM, or when asked; what is there besides can be looked at', async () => {
    await switchOn({ timeScale: 6000 });
    let token = await signedIn();
    await activateTrial(token);
    const port = await ask('POST', '/system/network/checkport', { host: hsmAddress, port: 1792 }, token);
    assert.equal(port.body.open, true);
    const web = await ask('GET', '/configs/interfaces/web/certificate', undefined, token);
    assert.equal(new X509Certificate(web.body.certificates).fingerprint256, await leaf());
    await restarted('POST', '/system/hsm/setup', setup(), token);
    token = await signedIn();
    assert.equal((await ask('POST', '/system/rotate-rot-keys', {}, token)).status, 201);
    assert.equal((await ask('GET', '/system/rot-keys', undefined, token)).body.total, 2);
    const [{ id }] = (await ask('GET', '/system/hsm/servers', undefined, token)).body.resources;
    assert.equal((await ask('DELETE', `/system/hsm/servers/${id}`, {}, token)).status, 400);
    assert.equal((await restarted('DELETE', `/system/hsm/servers/${id}`, { reset: true, delay: 5 }, token)).status, 204);
    token = await signedIn();
    assert.equal((await ask('GET', '/system/mkeks', undefined, token)).body.info[0].sealer_name, 'none');
    assert.equal((await restarted('POST', '/system/services/restart', { delay: 5 }, token)).status, 200);
    await started();
    assert.equal((await ask('GET', '/system/info', undefined, token)).status, 200);
    assert.equal((await restarted('POST', '/system/services/reset', { delay: 5 }, token)).status, 200);
    await started();
    assert.equal((await signIn(password)).status, 401);
    const destructive = sim.world.requestLog.entries.filter((entry) => entry.destructive).map(({ operation }) => operation.replace('ciphertrust:', ''));
    assert.deepEqual([...new Set(destructive)], ['POST /v1/system/hsm/setup', 'DELETE /v1/system/hsm/servers/{id}', 'POST /v1/system/services/reset']);
  });

  it('rotates its keys a while after its answer, where it is said to', async () => {
    await switchOn({ timeScale: 600, durations: { cipherTrustBoot: 0.1, cipherTrustReset: 0.1 }, variants: { 'ciphertrust.rotation': 'later' } });
    let token = await signedIn();
    await activateTrial(token);
    await restarted('POST', '/system/hsm/setup', setup(), token);
    token = await signedIn();
    const rotKeys = async () => (await ask('GET', '/system/rot-keys', undefined, token)).body.total as number;
    assert.equal((await ask('POST', '/system/rotate-rot-keys', {}, token)).status, 201);
    assert.equal(await rotKeys(), 1);
    await until('the new key', async () => ((await rotKeys()) === 2 ? true : undefined));
  });

  it('raises an alarm when its HSM is away, stops its services after five minutes, and starts them when it is back', async () => {
    // Five minutes are five seconds: the alarm, after a quarter of a minute, is seen well before.
    await switchOn({ timeScale: 60, durations: { cipherTrustBoot: 0.01, cipherTrustReset: 0.01 } });
    let token = await signedIn();
    await activateTrial(token);
    await restarted('POST', '/system/hsm/setup', setup(), token);
    token = await signedIn();
    assert.equal((await ask('GET', '/system/alarms', undefined, token)).body.total, 0);
    const { ntls } = sim.world.appliances.get(hsmAddress)!.state;
    ntls.running = false;
    const alarms = await until('the alarm', async () => (await ask('GET', '/system/alarms', undefined, token)).body.resources?.[0]);
    assert.deepEqual([alarms.name, alarms.severity], ['HSM Offline', 'critical']);
    assert.equal(await sim.statusNow(), 'started', 'it still works');
    kept().hsmOffline!.since -= sim.world.clock.realMs(5);
    await until('its services to stop', async () => ((await sim.statusNow()) === 'error' ? true : undefined));
    assert.equal((await ask('GET', '/system/info', undefined, token)).status, 503);
    ntls.running = true;
    await started();
    assert.equal((await ask('GET', '/system/alarms', undefined, token)).body.total, 0);
    assert.equal((await ask('GET', '/system/hsm/servers', undefined, token)).body.total, 1);
  });

  it('lies when it is told to: nothing changes, or it is wiped and not sealed', async () => {
    await switchOn({ timeScale: 6000 });
    let token = await signedIn();
    await activateTrial(token);
    sim.world.faults.add({ kind: 'lie', operation: 'ciphertrust:POST /v1/system/ntp/servers' });
    assert.equal((await ask('POST', '/system/ntp/servers', { host: 'time.example.com' }, token)).status, 201);
    assert.equal((await ask('GET', '/system/ntp/servers', undefined, token)).body.total, 0);
    sim.world.faults.add({ kind: 'lie', operation: 'ciphertrust:POST /v1/system/hsm/setup', message: 'unsealed' });
    assert.equal((await restarted('POST', '/system/hsm/setup', setup(), token)).status, 200);
    token = await signedIn();
    assert.equal((await ask('GET', '/system/hsm/servers', undefined, token)).body.total, 0);
    assert.deepEqual(sim.objects, []);
    assert.equal(sim.world.requestLog.entries.filter(({ outcome }) => outcome === 'lied').length, 2);
  });

  it('goes on where it was after the simulator was restarted, an announced wipe included', async () => {
    const options = { timeScale: 600, stateFile: join(await sim.newFolder(), 'state.json') };
    await switchOn(options);
    const token = await signedIn();
    await activateTrial(token);
    const before = await leaf();
    assert.equal((await ask('POST', '/system/hsm/setup', { ...setup(), delay: 1200 }, token)).status, 200);
    await sim.switchOff();
    await switchOn(options);
    assert.equal(await leaf(), before);
    assert.equal((await ask('GET', '/system/info', undefined, token)).status, 200);
    const { startedAt } = kept().boot;
    await until('the announced wipe', async () => (kept().boot.startedAt === startedAt ? undefined : true));
    const fresh = await signedIn();
    assert.equal((await ask('GET', '/system/hsm/servers', undefined, fresh)).body.total, 1);
    assert.notEqual(await leaf(), before);
  });
});

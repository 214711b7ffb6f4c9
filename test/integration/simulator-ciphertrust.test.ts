import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import axios from 'axios';
import { selfSigned } from '../../simulator/certificates.ts';
import { createWorld, type RunningWorld, type WorldOptions } from '../../simulator/create-world.ts';
import { type Certificates, hsmAddress, managerAddress, officerPassword, partition, stubAppliance } from '../support/stub-appliance.ts';
import { until } from '../support/until.ts';

const password = 'Kept-Password-1';
describe('The simulated CipherTrust Manager', function () {
  this.timeout(30_000);
  let certificates: Certificates;
  let world: RunningWorld;
  const objects: string[] = [];
  const worlds: RunningWorld[] = [];
  const folders: string[] = [];

  before(async () => {
    certificates = { server: await selfSigned({ commonName: 'local_host' }), client: await selfSigned({ commonName: managerAddress }) };
  });
  afterEach(async () => {
    for (const running of worlds.splice(0)) await running.stop();
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
    objects.length = 0;
  });

  /** A world with an HSM, and a manager that is being switched on. */
  async function switchOn(options: Partial<WorldOptions> = {}, sshPublicKey = 'ssh-rsa AAAAB3NzaC1yc2E kylo') {
    world = await createWorld({ timeScale: 600, machines: { appliance: async () => stubAppliance(certificates, objects) }, ...options });
    worlds.push(world);
    if (world.appliances.size > 0) return;
    await world.machines.appliance({ name: 'kylo-luna-hsm', address: hsmAddress });
    await world.machines.cipherTrust({ name: 'mycompany-ciphertrust', address: managerAddress, adminUser: 'ksadmin', sshPublicKey });
  }

  const port = () => world.cipherTrusts.get(managerAddress)!.ports[443]!;
  /** Asks over TLS; the certificate is its own, so it is not checked here. */
  async function ask(method: string, path: string, data?: object | string, token?: string) {
    const { status, data: body } = await axios.request({
      method,
      url: `https://127.0.0.1:${port()}/api/v1${path}`,
      data,
      headers: { 'content-type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      httpsAgent: new Agent({ rejectUnauthorized: false, keepAlive: false }),
      proxy: false,
      maxRedirects: 0,
      validateStatus: () => true,
    });
    return { status, body };
  }

  const kept = () =>
    (world.state['cipherTrusts'] as Record<string, { boot: { startedAt: number }; data: { tokens: Record<string, number> } }>)[managerAddress]!;

  /** Asks for something that ends in a restart, and waits for that. */
  async function restarted(method: string, path: string, body: object, token: string) {
    const { startedAt } = kept().boot;
    const answer = await ask(method, path, body, token);
    if (answer.status < 300) await until('a restart', async () => (kept().boot.startedAt === startedAt ? undefined : true));
    return answer;
  }

  const statusNow = () =>
    ask('GET', '/system/services/status').then(
      ({ status, body }) => (status === 200 ? (body.status as string) : undefined),
      () => undefined,
    );
  const firstStatus = () => until('an answer', statusNow);
  const started = () => until('its services to be up', async () => ((await statusNow()) === 'started' ? true : undefined));
  const changePassword = (from: string, to: string) => ask('PATCH', '/auth/changepw', { username: 'admin', password: from, new_password: to });
  const signIn = (given: string) => ask('POST', '/auth/tokens/', { grant_type: 'password', username: 'admin', password: given });

  async function signedIn(): Promise<string> {
    await started();
    assert.equal((await changePassword('admin', password)).status, 204);
    return (await signIn(password)).body.jwt;
  }

  async function activateTrial(token: string): Promise<void> {
    const { body } = await ask('GET', '/licensing/trials/', undefined, token);
    assert.equal(body.resources[0].status, 'available');
    assert.equal((await ask('POST', `/licensing/trials/${body.resources[0].id}/activate`, undefined, token)).body.status, 'activated');
  }

  const setup = (change: object = {}, connInfo: object = {}) => ({
    type: 'luna',
    connInfo: JSON.stringify({ partition_name: 'luna_part', partition_password: officerPassword, ...connInfo }),
    initialConfig: {
      host: hsmAddress,
      serial: partition.serial,
      'server-cert': certificates.server.certificatePem,
      'client-cert': certificates.client.certificatePem,
      'client-cert-key': certificates.client.privateKeyPem,
      ...change,
    },
    reset: true,
    delay: 5,
  });

  const leaf = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: port(), rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      }).once('error', reject);
    });

  it('boots: connections are refused, then its proxy answers, then services start', async () => {
    await switchOn({ timeScale: 200 });
    assert.equal(world.network.resolve(managerAddress, 443), undefined);
    const seen: string[] = ['refused'];
    await until(
      'all stages of a boot',
      async () => {
        const { status, body } = await ask('GET', '/system/services/status').catch(() => ({ status: 0, body: '' }));
        const stage = status === 200 ? body.status : status === 0 ? 'refused' : `${status} ${/<title>/.test(body) ? 'page' : 'JSON'}`;
        if (seen.at(-1) !== stage) seen.push(stage);
        return stage === 'started' ? true : undefined;
      },
      { everyMs: 10 },
    );
    assert.deepEqual(seen, ['refused', '502 page', '503 page', 'starting', 'started']);
    assert.ok(world.network.resolve(managerAddress, 443));
  });

  it('does not start its services before ksadmin has an RSA key; anybody may give it one', async () => {
    await switchOn({ timeScale: 6000 }, 'ssh-ed25519 AAAAC3Nz kylo');
    assert.equal(await firstStatus(), 'starting');
    assert.equal((await changePassword('admin', password)).status, 503);
    assert.equal((await ask('POST', '/system/ssh/keys', { key: 'ssh-ed25519 AAAAC3Nz' })).status, 400);
    assert.equal((await ask('POST', '/system/ssh/keys', { key: 'ssh-rsa AAAAB3Nz' })).status, 201);
    await started();
  });

  it('never ends a boot where the weather says so', async () => {
    world = await createWorld({ timeScale: 6000 });
    worlds.push(world);
    world.weather.add({ kind: 'never', operation: 'ciphertrust:boot' });
    await world.machines.cipherTrust({ name: 'stuck', address: managerAddress, adminUser: 'ksadmin', sshPublicKey: 'ssh-rsa AAAA' });
    assert.equal(await firstStatus(), 'starting');
    assert.equal((world.cipherTrusts.get(managerAddress)!.summary() as { status: string }).status, 'starting');
  });

  for (const [mode, expected] of Object.entries({ '401': 401, '403': 403, '200-limited': 200 }))
    it(`answers a sign-in with the default password with ${mode}, and lets nobody work with it`, async () => {
      await switchOn({ timeScale: 6000, quirks: { 'ciphertrust.defaultPasswordLogin': mode } });
      await started();
      const { status, body } = await signIn('admin');
      assert.equal(status, expected);
      if (status === 200) assert.equal((await ask('GET', '/system/info', undefined, body.jwt)).status, 403);
    });

  it('changes the password by its policy', async () => {
    await switchOn({ timeScale: 6000 });
    await started();
    assert.equal((await changePassword('wrong', password)).status, 401);
    for (const bad of ['Short-1', 'no-upper-case-1', 'NO-LOWER-CASE-1', 'No-digit-at-all', 'NoOther1character', `Too-long-1${'x'.repeat(21)}`])
      assert.equal((await changePassword('admin', bad)).status, 400, bad);
    const changed = await changePassword('admin', password);
    assert.deepEqual([changed.status, changed.body], [204, '']);
    assert.equal((await changePassword('admin', password)).status, 401);
    assert.equal((await changePassword(password, password)).status, 400);
  });

  it('gives tokens for 300 seconds, and the same refresh token again', async () => {
    await switchOn({ timeScale: 6000 });
    await signedIn();
    const { body } = await signIn(password);
    assert.deepEqual([body.duration, body.token_type], [300, 'Bearer']);
    const claims = JSON.parse(Buffer.from(body.jwt.split('.')[1], 'base64url').toString());
    assert.deepEqual([claims.iss, claims.exp - claims.iat], ['kylo', 300]);
    const refreshed = await ask('POST', '/auth/tokens', { grant_type: 'refresh_token', refresh_token: body.refresh_token });
    assert.equal(refreshed.body.refresh_token, body.refresh_token);
    kept().data.tokens[body.jwt] = Date.now() - 50_000;
    const late = await ask('GET', '/system/info', undefined, body.jwt);
    assert.deepEqual([late.status, late.body.code], [401, 5]);
    assert.match(late.body.message, /Token is expired by 5\ds/);
    assert.equal((await ask('GET', '/system/info', undefined, refreshed.body.jwt)).body.model, 'CipherTrust Manager k170v');
  });

  it('follows a time server after a while; one that wants authentication only with a key', async () => {
    await switchOn({ durations: { ntpSynchronisation: 5 } });
    const token = await signedIn();
    const add = (body: object) => ask('POST', '/system/ntp/servers', body, token);
    const status = async () => (await ask('GET', '/system/ntp/status', undefined, token)).body['ntpq -p'] as string;
    assert.equal((await add({ host: 'authenticated.example.com' })).status, 201);
    assert.equal((await add({ host: 'time.example.com' })).status, 201);
    assert.equal((await add({ host: 'time.example.com' })).status, 409);
    assert.doesNotMatch(await status(), /^\*/m);
    const table = await until('synchronisation', async () => {
      const text = await status();
      return /^\*/m.test(text) ? text : undefined;
    });
    assert.match(table, /^\*time\.example/m);
    assert.match(table, /^ authenticated/m);
    assert.equal((await ask('DELETE', '/system/ntp/servers/authenticated.example.com', undefined, token)).status, 204);
    const keyed = await add({ host: 'authenticated.example.com', key: 'symmetric' });
    assert.deepEqual(keyed.body, { host: 'authenticated.example.com', key: 'symmetric', key_type: 'SHA-256' });
    assert.equal((await ask('GET', '/system/ntp/servers', undefined, token)).body.total, 2);
  });

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
    assert.deepEqual(objects, []);
    assert.equal((await ask('GET', '/system/mkeks', undefined, token)).body.info[0].sealer_name, 'none');
    const entries = world.ledger.entries.filter(({ operation }) => operation === 'ciphertrust:POST /v1/system/hsm/setup');
    assert.ok(entries.every(({ outcome, destructive }) => outcome === 'refused' && destructive));
    assert.doesNotMatch(JSON.stringify(world.ledger.entries), new RegExp(`${officerPassword}|${password}`));
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
    assert.equal(world.network.resolve(managerAddress, 443), undefined);
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
    assert.deepEqual(objects, ['DARKSTARKEY-mac-key', 'DARKSTARKEY-encryption-key']);
    await activateTrial(token);
    assert.equal((await restarted('POST', '/system/hsm/setup', setup(), token)).status, 200);
    await started();
    assert.equal((await changePassword('admin', password)).status, 204);
    assert.equal(objects.length, 2);
  });

  it('can answer, survive and fail in the other ways that nobody has ruled out', async () => {
    const quirks = {
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
    await switchOn({ quirks, durations: { ntpSynchronisation: 0 } });
    let token = await signedIn();
    await activateTrial(token);
    const withObject = { ...setup(), connInfo: { partition_name: 'luna_part', partition_password: officerPassword } };
    const unsynchronised = await ask('POST', '/system/hsm/setup', withObject, token);
    assert.deepEqual([unsynchronised.status, unsynchronised.body.message], [500, undefined]);
    assert.match(unsynchronised.body.codeDesc, /^NCERRInternalServerError/);
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
    const destructive = world.ledger.entries.filter((entry) => entry.destructive).map(({ operation }) => operation.replace('ciphertrust:', ''));
    assert.deepEqual([...new Set(destructive)], ['POST /v1/system/hsm/setup', 'DELETE /v1/system/hsm/servers/{id}', 'POST /v1/system/services/reset']);
  });

  it('lies when it is told to: nothing changes, or it is wiped and not sealed', async () => {
    await switchOn({ timeScale: 6000 });
    let token = await signedIn();
    await activateTrial(token);
    world.weather.add({ kind: 'lie', operation: 'ciphertrust:POST /v1/system/ntp/servers' });
    assert.equal((await ask('POST', '/system/ntp/servers', { host: 'time.example.com' }, token)).status, 201);
    assert.equal((await ask('GET', '/system/ntp/servers', undefined, token)).body.total, 0);
    world.weather.add({ kind: 'lie', operation: 'ciphertrust:POST /v1/system/hsm/setup', message: 'unsealed' });
    assert.equal((await restarted('POST', '/system/hsm/setup', setup(), token)).status, 200);
    token = await signedIn();
    assert.equal((await ask('GET', '/system/hsm/servers', undefined, token)).body.total, 0);
    assert.deepEqual(objects, []);
    assert.equal(world.ledger.entries.filter(({ outcome }) => outcome === 'lied').length, 2);
  });

  it('suffers from the weather in its own protocol', async () => {
    await switchOn({ timeScale: 6000 });
    const token = await signedIn();
    const operation = 'ciphertrust:GET /v1/system/info';
    const info = () => ask('GET', '/system/info', undefined, token);
    world.weather.add({ kind: 'error', operation, status: 502 });
    assert.match((await info()).body, /<title>502 Bad Gateway/);
    world.weather.add({ kind: 'throttle', operation });
    assert.equal((await info()).status, 429);
    world.weather.add({ kind: 'fail', operation, message: 'out of order' });
    assert.deepEqual(
      [(await info()).body].map(({ code, message }) => [code, message]),
      [[14, 'out of order']],
    );
    world.weather.add({ kind: 'reset', operation });
    await assert.rejects(info(), /hang up|ECONNRESET/);
    world.weather.add({ kind: 'reset-after-accept', operation: 'ciphertrust:POST /v1/system/ntp/servers' });
    await assert.rejects(ask('POST', '/system/ntp/servers', { host: 'time.example.com' }, token), /hang up|ECONNRESET/);
    assert.equal((await ask('GET', '/system/ntp/servers', undefined, token)).body.total, 1);
    assert.equal((await info()).status, 200);
    assert.deepEqual(
      world.ledger.entries.filter((entry) => entry.operation === operation).map(({ outcome }) => outcome),
      ['failed', 'refused', 'refused', 'cut', 'done'],
    );
  });

  it('says what is wrong with a request in its own form', async () => {
    await switchOn({ timeScale: 6000 });
    const token = await signedIn();
    const bad = await ask('POST', '/system/ntp/servers', '{"host":', token);
    assert.deepEqual([bad.status, bad.body.code], [400, 15]);
    const absent = await ask('GET', '/no/such/thing', undefined, token);
    assert.deepEqual(Object.keys(absent.body).sort(), ['code', 'codeDesc', 'message', 'requestID']);
    assert.deepEqual([absent.status, absent.body.code], [404, 16]);
  });

  it('goes on where it was after the simulator was restarted, an announced wipe included', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'simulator-'));
    folders.push(folder);
    const options = { timeScale: 600, stateFile: join(folder, 'state.json') };
    await switchOn(options);
    const token = await signedIn();
    await activateTrial(token);
    const before = await leaf();
    assert.equal((await ask('POST', '/system/hsm/setup', { ...setup(), delay: 1200 }, token)).status, 200);
    await world.stop();
    worlds.length = 0;
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

import assert from 'node:assert/strict';
import { Faults } from '../../../simulator/faults.ts';
import { password, simulatedManager } from '../../support/ciphertrust/simulated-manager.ts';
import { managerAddress } from '../../support/stub-appliance.ts';
import { until } from '../../support/until.ts';

describe('The simulated CipherTrust Manager', function () {
  this.timeout(90_000);
  const sim = simulatedManager();
  const { switchOn, ask, kept, firstStatus, started, changePassword, signIn, signedIn } = sim;

  it('boots: connections are refused, then its proxy answers, then services start', async () => {
    await switchOn({ timeScale: 30 });
    assert.equal(sim.world.network.resolve(managerAddress, 443), undefined);
    const seen: string[] = ['refused'];
    await until(
      'all stages of a boot',
      async () => {
        const { status, body } = await ask('GET', '/system/services/status').catch(() => ({ status: 0, body: '' }));
        const stage = status === 200 ? body.status : status === 0 ? 'refused' : `${status} ${/<title>/.test(body) ? 'page' : 'JSON'}`;
        if (seen.at(-1) !== stage) seen.push(stage);
        return stage === 'started' ? true : undefined;
      },
      { everyMs: 10, timeoutMs: 60_000 },
    );
    assert.deepEqual(seen, ['refused', '502 page', '503 page', 'starting', 'started']);
    assert.ok(sim.world.network.resolve(managerAddress, 443));
  });

  it('does not start its services before ksadmin has an RSA key; anybody may give it one', async () => {
    await switchOn({ timeScale: 6000 }, 'ssh-ed25519 AAAAC3Nz kylo');
    assert.equal(await firstStatus(), 'starting');
    assert.equal((await changePassword('admin', password)).status, 503);
    assert.equal((await ask('POST', '/system/ssh/keys', { key: 'ssh-ed25519 AAAAC3Nz' })).status, 400);
    assert.equal((await ask('POST', '/system/ssh/keys', { key: 'ssh-rsa AAAAB3Nz' })).status, 201);
    await started();
  });

  it('never ends a boot where the faults says so', async () => {
    const faults = new Faults();
    faults.add({ kind: 'never', operation: 'ciphertrust:boot' });
    await switchOn({ timeScale: 6000, faults });
    assert.equal(await firstStatus(), 'starting');
    assert.equal((sim.world.cipherTrusts.get(managerAddress)!.summary() as { status: string }).status, 'starting');
  });

  for (const [mode, expected] of Object.entries({ '401': 401, '403': 403, '200-limited': 200 }))
    it(`answers a sign-in with the default password with ${mode}, and lets nobody work with it`, async () => {
      await switchOn({ timeScale: 6000, variants: { 'ciphertrust.defaultPasswordLogin': mode } });
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

  it('tells in another way what nobody has verified: passwords against the policy, keys of ksadmin, servers that are there', async () => {
    const variants = {
      'ciphertrust.policyStatus': '422',
      'ciphertrust.sshKeyTypes': 'any',
      'ciphertrust.sshKeysOpen': 'always',
      'ciphertrust.duplicateStatus': '400',
    };
    await switchOn({ timeScale: 6000, variants }, 'ssh-ed25519 AAAAC3Nz kylo');
    await started();
    assert.equal((await ask('POST', '/system/ssh/keys', { key: 'ecdsa-sha2-nistp256 AAAA' })).status, 201);
    assert.equal((await changePassword('admin', 'short')).status, 422);
    const token = await signedIn();
    const server = { host: 'time.example.com' };
    const [first, again] = [await ask('POST', '/system/ntp/servers', server, token), await ask('POST', '/system/ntp/servers', server, token)];
    assert.deepEqual([first.status, again.status], [201, 400]);
    assert.match(again.body.message, /already exists/);
  });

  it('follows a time server after a while; one that wants authentication only with a key', async () => {
    await switchOn({ durations: { ntpSynchronization: 5 } });
    const token = await signedIn();
    const add = (body: object) => ask('POST', '/system/ntp/servers', body, token);
    const status = async () => (await ask('GET', '/system/ntp/status', undefined, token)).body['ntpq -p'] as string;
    assert.equal((await add({ host: 'authenticated.example.com' })).status, 201);
    assert.equal((await add({ host: 'time.example.com' })).status, 201);
    assert.equal((await add({ host: 'time.example.com' })).status, 409);
    assert.doesNotMatch(await status(), /^\*/m);
    const table = await until('synchronization', async () => {
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

  it('suffers from the faults in its own protocol', async () => {
    await switchOn({ timeScale: 6000 });
    const token = await signedIn();
    const operation = 'ciphertrust:GET /v1/system/info';
    const info = () => ask('GET', '/system/info', undefined, token);
    sim.world.faults.add({ kind: 'error', operation, status: 502 });
    assert.match((await info()).body, /<title>502 Bad Gateway/);
    sim.world.faults.add({ kind: 'throttle', operation });
    assert.equal((await info()).status, 429);
    sim.world.faults.add({ kind: 'fail', operation, message: 'out of order' });
    assert.deepEqual(
      [(await info()).body].map(({ code, message }) => [code, message]),
      [[14, 'out of order']],
    );
    sim.world.faults.add({ kind: 'page', operation });
    const page = await info();
    assert.deepEqual([page.status, /<title>502/.test(page.body)], [502, true]);
    sim.world.faults.add({ kind: 'reset', operation });
    await assert.rejects(info(), /hang up|ECONNRESET/);
    sim.world.faults.add({ kind: 'reset-after-accept', operation: 'ciphertrust:POST /v1/system/ntp/servers' });
    await assert.rejects(ask('POST', '/system/ntp/servers', { host: 'time.example.com' }, token), /hang up|ECONNRESET/);
    assert.equal((await ask('GET', '/system/ntp/servers', undefined, token)).body.total, 1);
    assert.equal((await info()).status, 200);
    assert.deepEqual(
      sim.world.requestLog.entries.filter((entry) => entry.operation === operation).map(({ outcome }) => outcome),
      ['failed', 'refused', 'refused', 'failed', 'cut', 'done'],
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
});

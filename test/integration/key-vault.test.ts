import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { ClientSecretCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import type { AzureState } from '../../simulator/azure/state.ts';
import { createStore } from '../../stores/secrets/create-store.ts';
import { createKeyVaultStore } from '../../stores/secrets/key-vault-store.ts';
import type { VaultSettings } from '../../stores/secrets/settings.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import { azureConnection } from '../../systems/azure/connection.ts';
import { createOutbound } from '../../systems/outbound.ts';
import { readSettings } from '../../worker/settings.ts';
import { AzureBench } from '../support/azure-bench.ts';
import { aSecretStore } from '../support/secret-store-suite.ts';
import { until } from '../support/until.ts';

const script = fileURLToPath(new URL('../../scripts/secret.ts', import.meta.url));

describe('The key vault store', function () {
  this.timeout(120_000);
  let bench: AzureBench;
  const settings = (more: NodeJS.ProcessEnv = {}) =>
    readSettings({ ...bench.env, HSM_SECRETS: 'key-vault', HSM_KEY_VAULT_URL: bench.azure.arm, HSM_KEY_VAULT_CHALLENGE: 'trust', ...more });
  const quick = { tieMs: 40, retryMs: 20 };
  const open = (more?: NodeJS.ProcessEnv, pace = quick): SecretStore => {
    const own = settings(more);
    return createKeyVaultStore(own.secrets as VaultSettings, azureConnection(own, createOutbound()), pace);
  };
  const stored = (): SecretStore => {
    const own = settings();
    return createStore(own.secrets, azureConnection(own, createOutbound()));
  };
  /** Microsoft’s own client, for what somebody else does in the vault. */
  const somebody = (): SecretClient => {
    const { tenantId, clientId, clientSecret } = bench.azure.credentials;
    const tlsOptions = { ca: bench.azure.caPem };
    const identity = new ClientSecretCredential(tenantId, clientId, clientSecret, {
      authorityHost: bench.azure.authority,
      disableInstanceDiscovery: true,
      tlsOptions,
    });
    return new SecretClient(bench.azure.arm, identity, { disableChallengeResourceVerification: true, tlsOptions });
  };
  /** A failure as it may end in a log: with everything that hangs on it. */
  const failure = async (attempt: Promise<unknown>): Promise<string> =>
    attempt.then(
      (value) => assert.fail(`it went well: ${value}`),
      (error: unknown) => inspect(error, { depth: 10, showHidden: true }),
    );

  const skew = 'azure.vaultClockSkewSeconds';
  /** The vault’s clock stands still, an hour behind this host’s; gives how to let it go on from there. */
  const stopClock = (): (() => void) => {
    const { variants } = bench.world;
    const seconds = () => Math.floor(Date.now() / 1000);
    const stoppedAt = seconds();
    Object.defineProperty(variants, skew, { configurable: true, enumerable: true, get: () => `${stoppedAt - seconds() - 3600}` });
    return () => Object.defineProperty(variants, skew, { configurable: true, enumerable: true, writable: true, value: `${stoppedAt - seconds() - 3600}` });
  };
  /** When the versions of a secret were created, by the vault’s clock. */
  const created = (name: string): number[] => (bench.world.state['azure'] as AzureState).vault![name]!.versions.map((version) => version.created);

  before(async () => {
    bench = await AzureBench.start();
  });
  after(() => bench.stop());
  afterEach(() => bench.world.faults.clear());

  aSecretStore(() => open());

  it('gives everybody the same value, with all that comes in the same second counted, whatever this host’s clock says', async () => {
    const goOn = stopClock();
    const names = Array.from({ length: 24 }, (_, index) => `same-second-${index}`);
    const [one, another, reader] = [1, 2, 3].map(() => stored()) as [SecretStore, SecretStore, SecretStore];
    await Promise.all([one, another, reader].map((store) => store.get('nothing-there')));
    const written = () => bench.arrived('vault:PUT secret', 'done').filter(({ target }) => names.includes(target)).length;
    const looks = () => bench.arrived('vault:GET versions', 'done').length;
    const { faults } = bench.world;
    bench.fault('hold', 'vault:PUT secret', { times: 2 * names.length });
    /** All of a writer’s values, each sent after a look that found nothing, and kept from the vault until they are released. */
    const writes = async (store: SecretStore, value: string) => {
      const before = faults.held().length;
      const kept = Promise.all(names.map((name) => store.create(name, value)));
      await until(`${value} to be sent`, async () => (faults.held().length === before + names.length ? true : undefined));
      const ids = faults.held().slice(before);
      return { kept, release: () => ids.forEach(({ id }) => void faults.release(id)) };
    };
    const first = await writes(one, 'of one');
    const second = await writes(another, 'of another');
    const looked = looks();
    first.release();
    await until('the first to be written', async () => (written() === names.length ? true : undefined), { everyMs: 5 });
    const reading = Promise.all(names.map((name) => reader.get(name)));
    await until('the reader to have seen them', async () => (looks() >= looked + names.length ? true : undefined), { everyMs: 5 });
    // By the names of their versions, about half of these come before the others.
    second.release();
    await until('all to be written', async () => (written() === 2 * names.length ? true : undefined), { everyMs: 5 });
    goOn();
    const counted = await Promise.all([first.kept, second.kept, reading]);
    delete bench.world.variants[skew];
    for (const name of names) assert.equal(new Set(created(name)).size, 1, `both of ${name} came in one second`);
    const late = await Promise.all(names.map((name) => reader.get(name)));
    assert.deepEqual(counted, [late, late, late]);
  });

  it('lets the oldest of many versions count, on whatever page it is told', async () => {
    // Somebody’s newer ones come in a later second.
    await stored().create('many-versions', 'the oldest');
    const client = somebody();
    for (let count = 0; count < 60; count++) await client.setSecret('many-versions', `newer ${count}`);
    assert.notEqual((await client.getSecret('many-versions')).value, 'the oldest');
    assert.equal(await open().get('many-versions'), 'the oldest');
    assert.equal(await open().create('many-versions', 'mine'), 'the oldest');
  });

  it('writes once, and never where there is a value', async () => {
    const from = bench.world.requestLog.entries.length;
    const store = open();
    await store.create('written-once', 'value');
    await store.create('written-once', 'another');
    await store.get('written-once');
    const done = bench.world.requestLog.entries.slice(from).filter(({ system, outcome }) => system === 'vault' && outcome === 'done');
    assert.equal(done.filter(({ operation }) => operation === 'vault:PUT secret').length, 1);
    // The first request of all carries no value: it only asks who is to be signed in to.
    assert.equal(bench.world.requestLog.entries.slice(from).find(({ system }) => system === 'vault')?.operation, 'vault:GET versions');
  });

  it('says of a deleted secret that it is to be recovered, and works when it is', async () => {
    await open().create('deleted-once', 'precious');
    const client = somebody();
    await (await client.beginDeleteSecret('deleted-once', { intervalInMs: 20 })).pollUntilDone();
    const said = await failure(open().create('deleted-once', 'do-not-tell'));
    assert.match(said, /deleted secret. Recover it .*never purge/);
    assert.doesNotMatch(said, /do-not-tell/);
    await (await client.beginRecoverDeletedSecret('deleted-once', { intervalInMs: 20 })).pollUntilDone();
    assert.equal(await open().create('deleted-once', 'do-not-tell'), 'precious');
  });

  for (const [faults, fault] of Object.entries({
    'throttling with a time to wait': { kind: 'throttle', amount: 1 },
    'throttling without one': { kind: 'throttle', times: 3 },
    'a server error': { kind: 'error', status: 503, times: 2 },
    'an answer that is lost after the value was taken': { kind: 'reset-after-accept' },
  } as const))
    it(`waits out ${faults}`, async () => {
      const name = `faults-${faults.replaceAll(' ', '-')}`;
      bench.fault(fault.kind, 'vault:PUT secret', fault);
      assert.equal(await open().create(name, 'value'), 'value');
      assert.equal(bench.arrived('vault:PUT secret', 'done').filter(({ target }) => target === name).length, 1);
      bench.fault(fault.kind, 'vault:GET *', fault);
      assert.equal(await open().get(name), 'value');
    });

  it('tells who refused and why, never the value', async () => {
    bench.fault('error', 'vault:PUT secret', { status: 403, code: 'Forbidden', message: 'Caller is not authorized to perform action on resource.' });
    const forbidden = await failure(open().create('refused', 'do-not-tell'));
    assert.match(forbidden, /403 Forbidden Caller is not authorized.*Key Vault Secrets Officer/);
    assert.doesNotMatch(forbidden, /do-not-tell/);
    const secret = 'a-secret-that-is-wrong';
    const stranger = await failure(open({ AZURE_CLIENT_SECRET: secret }).create('refused', 'do-not-tell'));
    assert.match(stranger, /AADSTS7000215/);
    assert.doesNotMatch(stranger, new RegExp(`do-not-tell|${secret}`));
  });

  it('sends nothing to a vault whose challenge names another domain, unless told to trust it', async () => {
    assert.match(await failure(open({ HSM_KEY_VAULT_CHALLENGE: 'verify' }).create('foreign', 'do-not-tell')), /does not match the requested domain/);
    assert.equal(bench.arrived('vault:PUT *').filter(({ target }) => target === 'foreign').length, 0);
  });

  it('speaks the version that it is told, to an emulator that knows no other', async () => {
    bench.world.variants['azure.vaultVersion'] = '7.4';
    try {
      assert.match(await failure(open().get('nothing-there')), /400 BadParameter: The specified version \(20\d\d-\d\d-\d\d\) is not recognized/);
      assert.equal(await open({ HSM_KEY_VAULT_SERVICE_VERSION: '7.4' }).create('older-version', 'value'), 'value');
    } finally {
      delete bench.world.variants['azure.vaultVersion'];
    }
  });

  it('is what a person reads and writes, too', async () => {
    const secret = async (...args: string[]) => {
      const env = { ...process.env, ...bench.env, HSM_SECRETS: 'key-vault', HSM_KEY_VAULT_URL: bench.azure.arm, HSM_KEY_VAULT_CHALLENGE: 'trust' };
      const child = spawn(process.execPath, [script, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
      child.stdin.end('of a person\n');
      const [said, complained, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number]>]);
      return { status, said, complained };
    };
    await open().create('kept-before', 'of somebody');
    const [kept, one, unknown, all] = await Promise.all([secret('--keep', 'by-hand'), secret('kept-before'), secret('by-nobody'), secret()]);
    assert.deepEqual(kept, { status: 0, said: `Kept "by-hand" in ${bench.azure.arm}.\n`, complained: '' });
    assert.equal(await open().get('by-hand'), 'of a person');
    assert.deepEqual(one, { status: 0, said: 'of somebody\n', complained: '' });
    assert.deepEqual([unknown.status, unknown.complained], [1, `There is no secret "by-nobody" in ${bench.azure.arm}.\n`]);
    assert.equal(all.status, 1);
    assert.match(all.complained, /az keyvault secret list --vault-name/);
  });

  it('signs in anew when its token is no longer known', async () => {
    const store = open();
    await store.create('known', 'value');
    const { tokens } = bench.world.state['azure'] as { tokens: unknown[] };
    tokens.length = 0;
    assert.equal(await store.get('known'), 'value');
  });
});

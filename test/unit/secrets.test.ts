import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { keepSecrets } from '../../activities/permissions/keep-secrets.ts';
import type { Systems } from '../../activities/systems.ts';
import { StepFailure } from '../../domain/failure.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { StepResult } from '../../domain/results.ts';
import { createFileStore } from '../../stores/secrets/file-store.ts';
import { requireSecret } from '../../stores/secrets/kept.ts';
import { purposes, type SecretStore } from '../../stores/secrets/store.ts';
import { versions } from '../../stores/secrets/versions.ts';
import { exampleRequest } from '../support/example.ts';
import { aSecretStore } from '../support/secret-store-suite.ts';

describe('The encrypted-file store', () => {
  let folder: string;
  const open = (key?: string) => createFileStore({ folder: join(folder, 'secrets'), keyFile: join(folder, 'key'), ...(key ? { key } : {}) });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-secrets-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  aSecretStore(() => open());

  it('has nothing in clear on the disk', async () => {
    await open().create('a-password', 'opensesame');
    for (const file of readdirSync(join(folder, 'secrets'))) assert.ok(!readFileSync(join(folder, 'secrets', file), 'latin1').includes('opensesame'));
  });

  it('gives two processes that write at once the same value', async () => {
    const store = new URL('../../stores/secrets/file-store.ts', import.meta.url).href;
    const script = `const { createFileStore } = await import(${JSON.stringify(store)}); const s = createFileStore({ folder: process.argv[1] + '/secrets', keyFile: process.argv[1] + '/key' });
      for (let i = 0; i < 30; i++) console.log(await s.create('n-' + i, process.argv[2]));`;
    const outputs = await Promise.all(
      ['one', 'two'].map((value) =>
        text(spawn(process.execPath, ['--input-type=module', '-e', script, folder, value], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout),
      ),
    );
    assert.equal(outputs[0]!.split('\n').length, 31);
    assert.equal(outputs[0], outputs[1]);
  });

  it('says that the key is another one, that others may read it, that it is none', async () => {
    await open().create('x', 'value');
    await assert.rejects(open(randomBytes(32).toString('base64')).get('x'), /another key.*Keep a copy of the key that is used now/);
    chmodSync(join(folder, 'key'), 0o644);
    await assert.rejects(open().get('x'), /read by others/);
    await assert.rejects(open('short').get('x'), /32 bytes in base64/);
  });

  it('makes no key in place of one that is lost: what was kept meanwhile would be lost with it', async () => {
    await open().create('old-hsm-so-password', 'old');
    renameSync(join(folder, 'key'), join(folder, 'elsewhere'));
    for (const late of [open().create('new-hsm-so-password', 'new'), open().get('old-hsm-so-password')])
      await assert.rejects(late, /key: it is not there, but .*secrets holds 1 secret; no other key was made\. Bring the key back: its mount/);
    assert.deepEqual(readdirSync(folder).toSorted(), ['elsewhere', 'secrets']);
    renameSync(join(folder, 'elsewhere'), join(folder, 'key'));
    assert.equal(await open().create('new-hsm-so-password', 'new'), 'new');
    assert.equal(await open().get('old-hsm-so-password'), 'old');
  });

  it('keeps nothing with another key than the rest, but beside a damaged file', async () => {
    await open().create('a', 'value');
    await open().create('b', 'value');
    await assert.rejects(
      open(randomBytes(32).toString('base64')).create('c', 'value'),
      /the key opens none of the 2 secrets in .*Nothing was kept\. Bring back/,
    );
    assert.deepEqual(readdirSync(join(folder, 'secrets')).toSorted(), ['a.secret', 'b.secret']);
    writeFileSync(join(folder, 'secrets', 'a.secret'), 'damaged');
    assert.equal(await open().create('c', 'value'), 'value');
  });
});

describe('entries in a series', () => {
  const among = (...names: string[]) => versions({ get: async (name) => (names.includes(name) ? `value of ${name}` : undefined) } as SecretStore, 'n');

  it('are those up to the first that is not there', async () => {
    assert.deepEqual(await among(), []);
    assert.deepEqual(await among('n', 'n-2', 'n-4'), ['value of n', 'value of n-2']);
  });
});

describe('A secret that an earlier step kept', () => {
  const store = (values: Map<string, string>): SecretStore => ({
    get: async (name) => values.get(name),
    create: () => assert.fail('a value was made up'),
  });

  it('is read, and refused where it is missing: no other value is ever tried in its place', async () => {
    const values = new Map([['t-hsm-so-password', 'kept-before']]);
    assert.equal(await requireSecret(store(values), 't', 'hsm-so-password'), 'kept-before');
    await assert.rejects(requireSecret(store(values), 't', 'hsm-domain'), (error: unknown) => {
      assert.ok(error instanceof StepFailure, String(error));
      assert.equal(error.problem.kind, 'Refused');
      assert.match(error.problem.tried, /t-hsm-domain/);
      return true;
    });
  });
});

describe('keep-secrets', () => {
  const run = (
    values: Map<string, string>,
    { cipherTrust = {}, lies = false }: { cipherTrust?: Partial<ProvisioningRequest['cipherTrust']>; lies?: boolean } = {},
  ) => {
    const secrets: SecretStore = {
      get: async (name) => values.get(name),
      create: async (name, value) => {
        if (!lies && !values.has(name)) values.set(name, value);
        return lies ? value : values.get(name)!;
      },
    };
    const request = exampleRequest();
    Object.assign(request.cipherTrust, cipherTrust);
    return new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000 }, { logger: new DefaultLogger('ERROR') }).run(keepSecrets({ secrets } as Systems), {
      target: 't',
      runId: 'r',
      request,
    }) as Promise<StepResult<'keep-secrets'>>;
  };
  const withUserSecret = () => new Map([['ntp-key', 'k']]);
  const { privateKey: aKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  /** With the keys there, whose making takes long. */
  const withKeys = () => withUserSecret().set('t-windows-ssh-key', aKey).set('t-ciphertrust-ssh-key', aKey);
  const record = 't-kept-purposes';

  it('keeps everything that the job will need before anything is touched, and writes down that it did', async () => {
    const values = withUserSecret();
    const { names, windowsPublicKey, cipherTrustPublicKey } = await run(values);
    const expected = purposes.filter((purpose) => purpose !== 'client-certificate-key');
    assert.deepEqual(
      names,
      expected.map((purpose) => `t-${purpose}`),
    );
    assert.match(windowsPublicKey, /^ssh-rsa /);
    assert.match(cipherTrustPublicKey, /^ssh-rsa /);
    assert.deepEqual(values.get(record)?.split(' '), expected);
  });

  it('does not believe a store that says yes and keeps nothing', () => assert.rejects(run(withUserSecret(), { lies: true }), /nothing changed/));

  it('stops where the request names a secret that is not there', () => assert.rejects(run(new Map()), /ntp-key/));

  it('makes nothing in place of a secret that was lost since, and names it', async () => {
    const values = withKeys();
    await run(values);
    const before = new Map(values);
    values.delete('t-hsm-so-password');
    await assert.rejects(run(values), (error: Error & { type?: string }) => {
      assert.equal(error.type, 'Refused');
      assert.match(error.message, /missing from the secret store: t-hsm-so-password\. Restore them.*No others are generated.*“Lost secrets”/);
      return true;
    });
    assert.ok(!values.has('t-hsm-so-password'));
    values.set('t-hsm-so-password', before.get('t-hsm-so-password')!);
    await run(values);
    assert.deepEqual([...values].toSorted(), [...before].toSorted());
  });

  it('goes on where an earlier run was cut off before all were there, and with secrets that nobody wrote down', async () => {
    const values = withKeys().set('t-hsm-so-password', 'kept-before');
    await run(values);
    assert.equal(values.get('t-hsm-so-password'), 'kept-before');
    assert.ok(values.get(record)?.includes('hsm-so-password'));
  });

  it('writes down one more that a later request needs, beside the first ones, and makes none of the others again', async () => {
    const values = withKeys();
    await run(values, { cipherTrust: { sshKeyInAzure: 'anna' } });
    assert.ok(!values.get(record)!.includes('ciphertrust-ssh-key'));
    await run(values);
    assert.equal(values.get(`${record}-2`), 'ciphertrust-ssh-key');
    values.delete('t-ciphertrust-ssh-key');
    await assert.rejects(run(values), /missing from the secret store: t-ciphertrust-ssh-key\./);
  });

  it('generates one more that a later request needs, before the job goes on', async () => {
    const values = withKeys();
    values.delete('t-ciphertrust-ssh-key');
    await run(values, { cipherTrust: { sshKeyInAzure: 'anna' } });
    assert.ok(!values.has('t-ciphertrust-ssh-key'));
    assert.match((await run(values)).cipherTrustPublicKey, /^ssh-rsa /);
    assert.ok(values.has('t-ciphertrust-ssh-key'));
  });

  it('lets one begin anew on purpose, by moving every entry of the job away', async () => {
    const values = withKeys();
    await run(values);
    const old = values.get('t-hsm-so-password')!;
    for (const name of [...values.keys()].filter((name) => /^t-(?!.*-ssh-key$)/.test(name))) values.delete(name);
    await run(values);
    assert.notEqual(values.get('t-hsm-so-password') ?? old, old);
    assert.ok(values.has(record));
  });
});

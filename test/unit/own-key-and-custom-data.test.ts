import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import ssh2 from 'ssh2';
import { keepSecrets } from '../../activities/permissions/keep-secrets.ts';
import type { Systems } from '../../activities/systems.ts';
import { plan } from '../../domain/plan.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { StepResult } from '../../domain/results.ts';
import { rsaBits } from '../../domain/rules/ssh-key.ts';
import { customDataProblem } from '../../systems/ciphertrust/custom-data.ts';
import { readRsaKey, sameKey } from '../../systems/ssh/private-key.ts';
import { exampleRequest } from '../support/example.ts';

const pem = (key: KeyObject, type: 'pkcs1' | 'pkcs8') => key.export({ type, format: 'pem' }) as string;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const openSsh = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048, comment: 'anna' });

describe('A private key of the user’s', () => {
  it('is read in OpenSSH, PKCS#1 and PKCS#8 form', () => {
    const [one, eight] = [readRsaKey(pem(privateKey, 'pkcs1')), readRsaKey(pem(privateKey, 'pkcs8'))];
    assert.equal(one.publicLine, eight.publicLine);
    assert.equal(rsaBits(one.publicLine), 2048);
    assert.match(openSsh.private, /BEGIN OPENSSH PRIVATE KEY/);
    assert.ok(sameKey(readRsaKey(openSsh.private).publicLine, openSsh.public), 'whatever the comment');
    assert.match(readRsaKey(openSsh.private).privatePem, /BEGIN RSA PRIVATE KEY/);
  });

  const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
  const refusals: [what: string, text: string, why: RegExp][] = [
    ['protected (PKCS#8)', privateKey.export(locked) as string, /passphrase/],
    ['protected (OpenSSH)', ssh2.utils.generateKeyPairSync('rsa', { bits: 2048, passphrase: 'x', cipher: 'aes256-cbc' }).private, /passphrase/],
    ['too short', pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey, 'pkcs1'), /1024 bits/],
    ['of another kind', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, /ed25519/],
    ['no key at all', 'opensesame', /no private key/],
  ];
  for (const [what, text, why] of refusals)
    it(`that is ${what} is refused in a sentence that does not quote it`, () =>
      assert.throws(
        () => readRsaKey(text),
        ({ message }: Error) => why.test(message) && !message.includes(text.slice(0, 10)),
      ));
});

describe('Custom data', () => {
  const rows: [what: string, text: string, expected: RegExp | undefined][] = [
    ['cloud-init’s YAML', '#cloud-config\nkeysecure:\n  initial-user:\n    generate-password: true\n', undefined],
    ['of Windows’ line ends', '#cloud-config\r\nkeysecure: {}\r\n', undefined],
    ['a shell script', '#!/bin/sh\nreboot\n', /first line/],
    ['no YAML', '#cloud-config\nkeysecure: [\n', /no YAML/],
    ['no map', '#cloud-config\n- one\n', /no settings/],
    ['nothing', '#cloud-config\n', /no settings/],
    ['too long', `#cloud-config\nkey: ${'x'.repeat(64 * 1024)}\n`, /65\d{3} bytes/],
  ];
  for (const [what, text, expected] of rows)
    it(`${what}: ${expected ? 'refused' : 'taken'}`, () => {
      const problem = customDataProblem(text);
      if (expected) assert.match(problem ?? '', expected);
      else assert.equal(problem, undefined);
    });
});

describe('keep-secrets with a key of the user’s', () => {
  const run = (cipherTrust: Partial<ProvisioningRequest['cipherTrust']>, secrets: Record<string, string> = {}) => {
    const values = new Map(Object.entries({ 'ntp-key': 'k', ...secrets }));
    const store = {
      get: async (name: string) => values.get(name),
      create: async (name: string, value: string) => values.get(name) ?? values.set(name, value).get(name)!,
    };
    const request = exampleRequest();
    Object.assign(request.cipherTrust, cipherTrust);
    return new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000 }, { logger: new DefaultLogger('ERROR') }).run(
      keepSecrets({ secrets: store } as unknown as Systems),
      {
        target: 't',
        runId: 'r',
        request,
      },
    ) as Promise<StepResult<'keep-secrets'>>;
  };
  const own = { sshPrivateKey: { secret: 'my-key' } };

  it('uses it and generates none', async () => {
    const { names, cipherTrustPublicKey } = await run(own, { 'my-key': openSsh.private });
    assert.ok(sameKey(cipherTrustPublicKey, openSsh.public));
    assert.ok(!names.includes('t-ciphertrust-ssh-key'));
  });

  it('takes both halves when they belong together, and only then', async () => {
    const both = { ...own, sshPublicKey: openSsh.public };
    assert.equal((await run(both, { 'my-key': openSsh.private })).cipherTrustPublicKey, openSsh.public);
    await assert.rejects(run(both, { 'my-key': pem(privateKey, 'pkcs1') }), /my-key.*sshPublicKey is another key/);
  });

  it('leaves the public half to Azure where it is stored there', async () => {
    const { names, cipherTrustPublicKey } = await run({ sshKeyInAzure: 'anna' });
    assert.equal(cipherTrustPublicKey, '');
    assert.ok(!names.includes('t-ciphertrust-ssh-key'));
  });

  it('stops before anything is touched where key or custom data are of no use, naming both', () =>
    assert.rejects(
      run({ ...own, customData: { secret: 'my-config' } }, { 'my-key': 'opensesame', 'my-config': 'reboot' }),
      /my-key cannot be.*my-config is no cloud-init/,
    ));
});

describe('The plan of a CipherTrust Manager', () => {
  const planned = (change: Partial<ProvisioningRequest['cipherTrust']>) => {
    const request = exampleRequest();
    Object.assign(request.cipherTrust, change);
    const made = plan(request);
    return made.ok ? made.plan.warnings.filter((warning) => /private part/.test(warning)) : made.broken.map(({ path }) => path);
  };
  const urn = 'thalesdiscplusainc1596561677238:cm_k170v:ciphertrust_manager';
  it('warns where nobody here has the private half of its key', () => {
    assert.equal(planned({}).length, 0);
    assert.equal(planned({ sshPublicKey: openSsh.public }).length, 1);
    assert.equal(planned({ sshKeyInAzure: 'anna' }).length, 1);
    assert.equal(planned({ sshKeyInAzure: 'anna', sshPrivateKey: { secret: 'my-key' } }).length, 0);
  });
  it('takes one public key', () => assert.deepEqual(planned({ sshPublicKey: openSsh.public, sshKeyInAzure: 'anna' }), ['/cipherTrust/sshKeyInAzure']));
  it('takes versions from 2.6 on, the Community Edition, and an image of the user’s', () => {
    for (const image of [
      `${urn}:2.6.6506`,
      `${urn}:2.10.7973`,
      urn,
      urn.replace(/cm_.*/, 'cm_ce:ciphertrust_manager_ce'),
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/cm-1.9',
    ])
      assert.deepEqual(planned({ image }), []);
    assert.deepEqual(planned({ image: `${urn}:2.5.6000` }), ['/cipherTrust/image']);
  });
});

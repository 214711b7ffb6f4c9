import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { keepSecrets } from '../../activities/permissions/keep-secrets.ts';
import type { Systems } from '../../activities/systems.ts';
import type { StepResult } from '../../domain/results.ts';
import { createFileStore } from '../../systems/secrets/file-store.ts';
import { purposes, type SecretStore } from '../../systems/secrets/store.ts';
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
    const store = new URL('../../systems/secrets/file-store.ts', import.meta.url).href;
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
    await assert.rejects(open(randomBytes(32).toString('base64')).get('x'), /another key/);
    chmodSync(join(folder, 'key'), 0o644);
    await assert.rejects(open().get('x'), /read by others/);
    await assert.rejects(open('short').get('x'), /32 bytes in base64/);
  });
});

describe('keep-secrets', () => {
  const input = { target: 't', runId: 'r', request: exampleRequest() };
  const run = (secrets: SecretStore) =>
    new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(keepSecrets({ secrets } as Systems), input) as Promise<
      StepResult<'keep-secrets'>
    >;
  const memory = (start: Record<string, string> = { 'ntp-key': 'k' }, lies = false): SecretStore => {
    const values = new Map(Object.entries(start));
    return {
      get: async (name) => values.get(name),
      create: async (name, value) => {
        if (!lies && !values.has(name)) values.set(name, value);
        return lies ? value : values.get(name)!;
      },
    };
  };

  it('keeps everything that the job will need before anything is touched', async () => {
    const { names, windowsPublicKey, cipherTrustPublicKey } = await run(memory());
    assert.deepEqual(
      names,
      purposes.filter((purpose) => purpose !== 'client-certificate-key').map((purpose) => `t-${purpose}`),
    );
    assert.match(windowsPublicKey, /^ssh-rsa /);
    assert.match(cipherTrustPublicKey, /^ssh-rsa /);
  });

  it('does not believe a store that says yes and keeps nothing', () => assert.rejects(run(memory(undefined, true)), /nothing changed/));

  it('stops where the request names a secret that is not there', () => assert.rejects(run(memory({})), /ntp-key/));
});

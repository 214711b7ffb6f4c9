import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheFolder, findTemporal, goProblem, obtainTemporal, temporalProblem, temporalVersion } from '../../../scripts/setup/temporal.mjs';
import { until } from '../../support/until.ts';

/** Has this process ended? Signal 0 only asks. */
function isGone(pid: number): boolean {
  try {
    return !process.kill(pid, 0);
  } catch {
    return true;
  }
}

describe('the Temporal server of the set-up', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  const program = (path: string, version = temporalVersion) => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, `#!/bin/sh\necho temporal version ${version} '(Server 1.31.2, UI 2.50.1)'\n`);
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

  it('is not an older one, whatever the PATH says, nor one that does not tell its version: the sentence says which', async () => {
    const old = program(join(folder, 'bin', 'temporal'), '1.1.0');
    assert.equal(findTemporal(env), undefined);
    const cached = program(join(cacheFolder(env), 'temporal'));
    assert.equal(findTemporal(env), cached);
    assert.equal(
      temporalProblem(old, 'temporal version 1.1.0 (Server 1.25.1, UI 2.31.2)'),
      `${old} is passed by: it is version 1.1.0, and 1.8.2 or a later 1.x is needed.`,
    );
    for (const said of ['', 'temporal version 0.0.0-DEV', 'temporal version 2.0.0']) assert.match(temporalProblem(old, said) ?? '', /is passed by/, said);
    for (const said of ['temporal version 1.8.2 (Server', 'temporal version 1.8.10', 'temporal version 1.12.0'])
      assert.equal(temporalProblem(old, said), undefined, said);
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

  it('leaves nothing half-done behind when Ctrl-C ends it, neither the file nor what writes it', async () => {
    const setup = (name: string) => new URL(`../../../scripts/setup/${name}.mjs`, import.meta.url).href;
    const script = `const { obtainTemporal } = await import('${setup('temporal')}'); const { command } = await import('${setup('command')}');
      const builder = 'console.log(process.pid); setInterval(() => {}, 1000)';
      const build = (folder) => command(process.execPath, ['-e', builder], { cwd: folder, onLine: (pid) => console.log(pid) });
      await obtainTemporal(process.env, { download: async () => undefined, build });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { env: { ...env, PATH: '' }, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    assert.equal(readdirSync(cacheFolder(env)).length, 1);
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'exit'), [130, null]);
    assert.deepEqual(readdirSync(cacheFolder(env)), []);
    await until(`the end of the builder ${line}`, async () => isGone(Number(line)) || undefined);
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

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'test', 'mutants');
const patches = readdirSync(folder).filter((name) => name.endsWith('.patch'));
const run = promisify(execFile);

describe('The planted bugs of test/mutants', () => {
  it('are at least 40', () => assert.ok(patches.length >= 40, `${patches.length}`));

  it('all apply to the source as it is', async function () {
    this.timeout(60_000);
    const problems = await Promise.all(
      patches.map((name) =>
        run('git', ['apply', '--check', join(folder, name)], { cwd: root }).then(
          () => [],
          (error: Error) => [error.message],
        ),
      ),
    );
    assert.deepEqual(problems.flat(), []);
  });

  it('all name tests that are there', () => {
    const missing = patches.flatMap((name) => {
      const [, suite = ''] = /^# found by: (.+)$/m.exec(readFileSync(join(folder, name), 'utf8')) ?? [];
      const files = [...suite.matchAll(/\S+\.test\.ts/g)].map(([file]) => file);
      return files.length > 0 && files.every((file) => existsSync(join(root, file))) ? [] : [name];
    });
    assert.deepEqual(missing, []);
  });
});

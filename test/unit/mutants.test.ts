import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Bench, createBench } from '../../scripts/mutants/bench.ts';
import { readMutant, readMutants } from '../../scripts/mutants/mutant.ts';
import { problemWithoutBug, type TestRun, verdictOf } from '../../scripts/mutants/verdict.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const mutants = readMutants(join(root, 'test', 'mutants'));
const run = promisify(execFile);

describe('The planted bugs of test/mutants', () => {
  it('are at least 40', () => assert.ok(mutants.length >= 40, `${mutants.length}`));

  it('all apply to the source as it is', async function () {
    this.timeout(60_000);
    const problems = await Promise.all(
      mutants.map(({ file }) =>
        run('git', ['apply', '--check', file], { cwd: root }).then(
          () => [],
          (error: Error) => [error.message],
        ),
      ),
    );
    assert.deepEqual(problems.flat(), []);
  });

  it('are in the product alone, and all name tests that are there', () => {
    const wrong = mutants.filter(({ where, selection }) => {
      const files = selection.filter((part) => part.endsWith('.test.ts'));
      return /^(?:test|simulator|scripts|bench)\//.test(where) || files.length === 0 || !files.every((file) => existsSync(join(root, file)));
    });
    assert.deepEqual(
      wrong.map(({ name }) => name),
      [],
    );
  });
});

describe('A planted bug', () => {
  const patch = '# it is wrong\n# found by: a.test.ts -g "two words"\n--- a/x/y.ts\n+++ b/x/y.ts\n@@ -7,3 +7,2 @@\n line\n-gone\n line\n';

  it('says what is wrong, where, and which tests should find it', () =>
    assert.deepEqual(readMutant('/f/some-bug.patch', patch), {
      name: 'some-bug',
      file: '/f/some-bug.patch',
      why: 'it is wrong',
      where: 'x/y.ts:8',
      selection: ['a.test.ts', '-g', 'two words'],
    }));

  it('is no such thing where it does not say that', () => {
    for (const part of ['# it is wrong\n', '# found by: a.test.ts -g "two words"\n', '+++ b/x/y.ts\n'])
      assert.throws(() => readMutant('bug.patch', patch.replace(part, '')), /bug\.patch must start with/);
  });
});

describe('What a run of tests says about a planted bug', () => {
  const counts = (passed: number, failed: number, firstFailure?: object): TestRun => ({
    output: '',
    timedOut: false,
    counts: { passed, failed, skipped: 0, ...(firstFailure ? { firstFailure: { title: 'a test', isHook: false, timedOut: false, ...firstFailure } } : {}) },
  });
  const rows: [what: string, run: TestRun, verdict: string, withoutBug: RegExp | undefined][] = [
    ['a test failed', counts(3, 1, {}), 'found: a test', /1 failed, first: a test/],
    ['all passed', counts(3, 0), 'missed: 3 tests passed', undefined],
    ['none ran', counts(0, 0), 'missed: no test ran', /no test ran/],
    ['the set-up failed', counts(0, 1, { isHook: true }), 'missed: a hook failed: a test', /1 failed/],
    ['a test ran out of time', counts(0, 1, { timedOut: true }), 'missed: a test ran out of time: a test', /1 failed/],
    ['they could not be loaded', { output: '', timedOut: false }, 'missed: the tests could not be loaded', /could not be loaded/],
    ['they did not end', { output: '', timedOut: true }, 'missed: the tests did not end in time', /did not end/],
  ];
  for (const [what, ran, expected, withoutBug] of rows)
    it(`where ${what}: ${expected}`, () => {
      const verdict = verdictOf(ran);
      assert.equal(`${verdict.is}: ${verdict.is === 'found' ? verdict.by : verdict.why}`, expected);
      if (withoutBug) assert.match(problemWithoutBug(ran) ?? '', withoutBug);
      else assert.equal(problemWithoutBug(ran), undefined);
    });
});

describe('A bench for planted bugs', function () {
  this.timeout(120_000);
  let bench: Bench;
  before(() => {
    bench = createBench(root);
  });
  after(() => bench.close());

  it('plants one, runs its tests, and takes it out again', async () => {
    const { file, selection } = mutants.find(({ name }) => name === 'converge-repeats')!;
    const test = () => bench.test(selection, { bail: true, longestMs: 60_000 });
    assert.equal(await bench.plant(file), true);
    assert.equal(await bench.plant(file), false, 'it is there already');
    assert.deepEqual(verdictOf(await test()), { is: 'found', by: 'A change that changed nothing is made once: then a person looks' });
    await bench.remove(file);
    assert.equal(problemWithoutBug(await test()), undefined);
  });

  it('tells tests that cannot be loaded, and none at all, from tests that fail', async () => {
    const test = (...selection: string[]) => bench.test(selection, { bail: true, longestMs: 60_000 });
    assert.equal(problemWithoutBug(await test('test/unit/no-such.test.ts')), 'the tests could not be loaded');
    assert.equal(problemWithoutBug(await test('test/unit/converge.test.ts', '-g', 'no such title')), 'no test ran');
  });
});

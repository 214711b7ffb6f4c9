import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { read, suiteNames } from '../../../scripts/setup/commands/test.mjs';
import { argumentsOfMocha } from '../../../scripts/test/suites.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const given = (...args: string[]) => argumentsOfMocha(read(args)).join(' ');

describe('What npm test gives mocha', () => {
  const file = 'test/unit/details.test.ts';

  it('is the files of .mocharc.json where none is named', () => {
    assert.equal(given(), '');
    assert.equal(given('--fgrep', 'a title'), '--fgrep a title');
  });

  it('is the named file alone, since mocha adds those of its configuration', () => {
    assert.equal(given(file, '--bail'), `--config .mocharc.suite.json ${file} --bail`);
    assert.equal(given('luna-coverage', file), `--config .mocharc.suite.json ${file}`);
  });

  it('is the files of a suite, several at a time where no coverage is counted', () => {
    assert.equal(given('explorer', '-g', 'fips'), '--config .mocharc.suite.json --parallel --jobs 3 -g fips test/explorer/**/*.test.ts');
    assert.match(given('luna-coverage'), /^--config \.mocharc\.suite\.json test\/contract\/luna/);
  });

  for (const suite of Object.keys(suiteNames))
    it(`is only files that are there, of the suite ${suite}`, () => {
      const patterns = argumentsOfMocha(read([suite])).filter((argument) => argument.startsWith('test/'));
      assert.ok(patterns.length > 0);
      for (const pattern of patterns) assert.ok(globSync(pattern, { cwd: root }).length > 0, pattern);
    });
});

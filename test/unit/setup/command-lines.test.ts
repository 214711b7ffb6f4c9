import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { faultNames, scenarioNames } from '../../../simulator/command-line.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));

interface Answer {
  code: number | null;
  stdout: string;
  stderr: string;
}

describe('An npm command in a fresh clone', () => {
  let clone: string;
  let script: Record<string, string>;

  before(() => {
    clone = mkdtempSync(join(tmpdir(), 'hsm-clone-'));
    for (const name of ['scripts', 'simulator', 'test/mutants', 'package.json', 'package-lock.json'])
      cpSync(join(root, name), join(clone, name), { recursive: true });
    mkdirSync(join(clone, 'test', 'unit'));
    script = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts;
  });
  after(() => rmSync(clone, { recursive: true }));

  /** Runs it without npm, Go or a Temporal server on the PATH, as a Node without TypeScript would: whatever it wants to install, build or start fails. */
  const type = (name: string, ...args: string[]): Answer => {
    const [, file, ...fixed] = script[name]!.replace(/^exec /, '').split(' ');
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-experimental-strip-types', join(clone, file!), ...fixed, ...args], {
      cwd: clone,
      env: { PATH: join(clone, 'nothing') },
      encoding: 'utf8',
    });
    return { code: status, stdout, stderr };
  };
  const nothingWasMade = () => assert.deepEqual(readdirSync(clone).sort(), ['package-lock.json', 'package.json', 'scripts', 'simulator', 'test']);

  const commands = ['demo', 'start', 'simulator', 'secret', 'bench', 'test', 'mutants', 'setup', 'test:luna-long', 'coverage:luna'];
  for (const name of commands) {
    it(`shows what ${name} takes before anything is installed`, () => {
      for (const help of ['--help', '-h']) {
        const { code, stdout, stderr } = type(name, help);
        assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
        assert.match(stdout, /^.*npm (?:run |test|start)[\s\S]*\n {2,}--help .*\n/);
        for (const line of stdout.split('\n').filter((line) => !/=/.test(line))) assert.ok(line.length <= 130, line);
      }
      nothingWasMade();
    });

    it(`names a mistyped option of ${name} before anything is installed`, () => {
      const { code, stdout, stderr } = type(name, '--hepl');
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
      assert.match(stderr, /^Unknown option '--hepl'\.\nTo see what there is: npm .* -- --help\n$/);
      nothingWasMade();
    });
  }

  const faults = Object.keys(faultNames).join(', ');
  for (const { typed, says } of [
    { typed: ['demo', '--fault', 'nope'], says: `There is no fault "nope"; known faults: ${faults}.` },
    { typed: ['demo', '--fault'], says: "Option '--fault <value>' argument missing." },
    { typed: ['demo', '--time-scale', 'fast'], says: '--time-scale must be a number above 0, it is "fast".' },
    { typed: ['demo', 'yes'], says: "Unexpected argument 'yes'. This command does not take positional arguments." },
    { typed: ['start', '--time-scale', '0'], says: '--time-scale must be a number above 0, it is "0".' },
    { typed: ['simulator', '--fault', 'nope'], says: `There is no fault "nope"; known faults: ${faults}.` },
    { typed: ['simulator', '--scenario', 'full'], says: `There is no scenario "full"; known scenarios: ${Object.keys(scenarioNames).join(', ')}.` },
    { typed: ['simulator', '--arm-port', '70000'], says: '--arm-port must be a port number from 0 to 65535, it is "70000".' },
    { typed: ['simulator', '--time-scale', '-1'], says: /time-scale/ },
    { typed: ['simulator', '--variant', 'luna.zoen=UTC'], says: /^There is no variant luna\.zoen; known are / },
    { typed: ['secret', 'one', 'two'], says: 'Give one name, not 2: one, two.' },
    { typed: ['secret', '--keep', 'one', 'two'], says: 'With --keep give no other name: two. The value comes by standard input.' },
    { typed: ['mutants', 'no-such-bug'], says: 'There is no planted bug no-such-bug. All bugs: npm run mutants -- --list' },
    { typed: ['test', 'luna-logn'], says: /^There is no suite or test file luna-logn; suites: contract, / },
  ] satisfies { typed: [string, ...string[]]; says: string | RegExp }[])
    it(`answers ${typed.join(' ')} at once with what is wrong`, () => {
      const { code, stdout, stderr } = type(...(typed as [string, ...string[]]));
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
      const [first] = stderr.split('\n');
      if (typeof says === 'string') assert.equal(first, says);
      else assert.match(first!, says);
      nothingWasMade();
    });
});

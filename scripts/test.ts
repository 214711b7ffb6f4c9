// `npm test [-- options] [FILE …]`: lint, types, all tests but the long ones. `npm run test:SUITE`: the tests of one suite alone. Every check runs even if one
// before it failed; the last line counts the tests.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOrExit } from './setup/command-line.mjs';
import * as command from './setup/commands/test.mjs';
import { argumentsOfMocha, type Covered, coverage } from './test/suites.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');
/** How long a finished run may take to end: longer means that a test left a server, a timer or a process behind. */
const endingMs = 30_000;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Runs a tool in this terminal; resolves with true when it ended well. `watch` gets a way to end it. */
function run(tool: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, watch: (end: () => void) => () => void = () => () => {}): Promise<boolean> {
  return new Promise((resolve) => {
    const environment = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, ...env };
    const child = spawn(join(bin, tool), args, { cwd: root, env: environment, stdio: ['ignore', 'inherit', 'inherit'] });
    const unwatch = watch(() => child.kill('SIGKILL'));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
    child.on('error', (error) => {
      console.error(`${tool} cannot be run: ${error.message}`);
      resolve(false);
    });
    child.once('exit', (code) => {
      unwatch();
      resolve(code === 0);
    });
  });
}

async function mocha(args: readonly string[], covered?: Covered): Promise<{ good: boolean; counts: Counts | undefined; enough: boolean }> {
  const folder = mkdtempSync(join(tmpdir(), 'hsm-test-'));
  const file = join(folder, 'counts.json');
  const env = { HSM_TEST_COUNTS: file, ...(covered ? { NODE_V8_COVERAGE: join(folder, 'coverage') } : {}) };
  try {
    const good = await run('mocha', args, env, (end) => endHangingRun(file, end));
    const counts = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Counts) : undefined;
    return { good, counts, enough: covered === undefined || (await isCovered(join(folder, 'coverage'), covered)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Shows how much of the code was run, files that were never loaded included; false where too few lines of one of its folders were. */
async function isCovered(folder: string, { code, lines }: Covered): Promise<boolean> {
  const common = (paths: string[]) => ['--temp-directory', folder, '--all', '--src', '.', ...paths.flatMap((path) => ['--include', path])];
  const verdicts = [await run('c8', ['report', ...common(code), '--reporter', 'text'])];
  for (const path of code) verdicts.push(await run('c8', ['check-coverage', ...common([path]), '--lines', `${lines}`]));
  return !verdicts.includes(false);
}

function endHangingRun(file: string, end: () => void): () => void {
  let finishedAt: number | undefined;
  const looking = setInterval(() => {
    if (existsSync(file)) finishedAt ??= Date.now();
    if (finishedAt === undefined || Date.now() - finishedAt < endingMs) return;
    console.error(`FAILED: the tests are over, but something that they started still runs after ${endingMs / 1000} s.`);
    clearInterval(looking);
    end();
  }, 500);
  return () => clearInterval(looking);
}

const asked = readOrExit(command, process.argv.slice(2));
const { suite } = asked;

const checks: [name: string, tool: string, args: string[]][] = [
  ['lint', 'biome', ['check', '--error-on-warnings', '.']],
  ['types', 'tsc', ['--noEmit']],
];
const failed: string[] = [];
for (const [name, tool, args] of suite ? [] : checks) {
  if (await run(tool, args)) console.log(`${name}: good`);
  else failed.push(name);
}
const { good, counts, enough } = await mocha(argumentsOfMocha(asked), suite && coverage[suite]);
if (!good) failed.push('tests');
if (!enough) failed.push('coverage');
if (!counts || counts.passed + counts.failed === 0) failed.push('no test ran');
if (failed.length > 0) console.log(`FAILED: ${failed.join(', ')}`);
console.log(`${counts?.passed ?? 0} passed, ${counts?.failed ?? 0} failed, ${counts?.skipped ?? 0} skipped`);
process.exit(failed.length > 0 ? 1 : 0);

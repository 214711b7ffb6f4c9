// `npm run mutants [-- NAME …]`: plants each bug of test/mutants in a copy of the source, and runs the part of the suite that should find it. The last line counts them;
// the exit code is 0 only if at least 95 % were found.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'test', 'mutants');
/** Must be found, percent. */
const enough = 95;
/** A test that hangs with a bug has found it. */
const longestMs = 240_000;
const atOnce = 2;

interface Mutant {
  name: string;
  file: string;
  /** What is wrong with it. */
  why: string;
  /** Arguments of mocha. */
  suite: string[];
}

function readMutant(file: string): Mutant {
  const text = readFileSync(file, 'utf8');
  const line = (pattern: RegExp) => pattern.exec(text)?.[1];
  const [why, suite] = [line(/^# (.+)$/m), line(/^# found by: (.+)$/m)];
  if (!why || !suite) throw new Error(`${file} does not say what is wrong, and what should find it.`);
  return { name: basename(file, '.patch'), file, why, suite: [...suite.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!) };
}

interface Ran {
  code: number | null;
  output: string;
}

function run(command: string, args: readonly string[], cwd: string): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: longestMs, killSignal: 'SIGKILL' });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
    child.on('error', (error) => resolve({ code: null, output: error.message }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** A copy of the source, with the packages of this one. */
function copyOfSource(): string {
  const copy = mkdtempSync(join(tmpdir(), 'hsm-mutant-'));
  const left = ['node_modules', '.git', '.data'];
  cpSync(root, copy, { recursive: true, filter: (path) => !left.some((name) => path === join(root, name)) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
const test = (copy: string, suite: readonly string[]): Promise<Ran> =>
  run(process.execPath, [mocha, '--config', '.mocharc.suite.json', '--bail', '--exit', ...suite], copy);

/** Plants one bug, and takes it out again. */
async function isFound(copy: string, { file, suite }: Mutant): Promise<'found' | 'missed' | 'broken'> {
  const planted = await run('git', ['apply', file], copy);
  if (planted.code !== 0) return 'broken';
  try {
    const { code, output } = await test(copy, suite);
    // Tests that could not even be loaded, or none at all, have found nothing.
    if (/^\s*0 passing/m.test(output) && !/failing/.test(output)) return 'broken';
    return code === 0 ? 'missed' : 'found';
  } finally {
    await run('git', ['apply', '--reverse', file], copy);
  }
}

const asked = process.argv.slice(2);
const all = readdirSync(folder)
  .filter((name) => name.endsWith('.patch'))
  .sort()
  .map((name) => readMutant(join(folder, name)))
  .filter(({ name }) => asked.length === 0 || asked.includes(name));
const results: { mutant: Mutant; result: string }[] = [];

async function worker(): Promise<void> {
  const copy = copyOfSource();
  try {
    for (let mutant = all.shift(); mutant; mutant = all.shift()) {
      const began = performance.now();
      const result = await isFound(copy, mutant);
      results.push({ mutant, result });
      console.log(`${result.padEnd(7)} ${mutant.name} (${Math.round((performance.now() - began) / 1000)} s): ${mutant.why}`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

await Promise.all(Array.from({ length: atOnce }, worker));
const count = (wanted: string) => results.filter(({ result }) => result === wanted).length;
const percent = results.length === 0 ? 0 : (100 * count('found')) / results.length;
for (const { mutant, result } of results) if (result !== 'found') console.log(`${result}: ${mutant.name}, by ${mutant.suite.join(' ')}`);
console.log(
  `${count('found')} of ${results.length} planted bugs found (${percent.toFixed(1)} %), ${count('missed')} missed, ${count('broken')} do not apply or run`,
);
process.exit(percent >= enough ? 0 : 1);

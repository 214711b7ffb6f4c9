// `npm run mutants [-- NAME …]`: plants each bug of test/mutants, or those named, in a copy of the source, and runs the tests that should find it. Each selection of
// tests runs once without a bug before. `--list` shows the bugs. The last line counts; the exit code is 0 only where at least 95 % were found and all were judged.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bench, createBench } from './mutants/bench.ts';
import { type Mutant, readMutants } from './mutants/mutant.ts';
import { problemWithoutBug, type Verdict, verdictOf } from './mutants/verdict.ts';
import { readOrExit } from './setup/command-line.mjs';
import * as command from './setup/commands/mutants.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Must be found, percent. */
const enough = 95;
const atOnce = 2;
const longestWithoutBugMs = 900_000;

interface Result {
  mutant: Mutant;
  verdict: Verdict;
  seconds: number;
}

/** How a selection of tests did without a bug. */
interface Baseline {
  problem?: string;
  ms: number;
}

const keyOf = ({ selection }: Mutant): string => selection.map((part) => (part.includes(' ') ? JSON.stringify(part) : part)).join(' ');

/** Does something with each item, several at a time, each on a bench of its own. */
async function onBenches<Item>(benches: readonly Bench[], items: readonly Item[], work: (bench: Bench, item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  await Promise.all(
    benches.map(async (bench) => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(bench, item);
    }),
  );
}

async function withoutBug(bench: Bench, selection: readonly string[]): Promise<Baseline> {
  const began = performance.now();
  const run = () => bench.test(selection, { bail: false, longestMs: longestWithoutBugMs });
  const first = await run();
  // On a machine that is busy with something else a test may run out of time: once is no verdict.
  const isSlow = first.timedOut || first.counts?.firstFailure?.timedOut === true;
  const ran = isSlow ? await run() : first;
  const problem = problemWithoutBug(ran);
  if (problem) console.log(ran.output.trim().split('\n').slice(-40).join('\n'));
  return { ms: performance.now() - began, ...(problem ? { problem } : {}) };
}

async function judge(bench: Bench, mutant: Mutant, { problem, ms }: Baseline): Promise<Verdict> {
  const notJudged = (why: string): Verdict => ({ is: 'not judged', why });
  if (problem) return notJudged(`its tests do not pass without the bug: ${problem}`);
  if (!(await bench.plant(mutant.file))) return notJudged('the patch does not apply');
  try {
    const errors = await bench.typeErrors();
    if (errors) return notJudged(`it does not compile: ${errors}`);
    return verdictOf(await bench.test(mutant.selection, { bail: true, longestMs: 120_000 + 4 * ms }));
  } finally {
    await bench.remove(mutant.file);
  }
}

async function play(mutants: readonly Mutant[]): Promise<Result[]> {
  const benches = Array.from({ length: Math.min(atOnce, mutants.length) }, () => createBench(root));
  process.once('exit', () => {
    for (const bench of benches) bench.close();
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const selections = [...new Map(mutants.map((mutant) => [keyOf(mutant), mutant.selection]))];
  const baselines = new Map<string, Baseline>();
  await onBenches(benches, selections, async (bench, [key, selection]) => {
    const baseline = await withoutBug(bench, selection);
    baselines.set(key, baseline);
    console.log(`without a bug, ${inSeconds(baseline.ms)} s: ${key}: ${baseline.problem ?? 'passes'}`);
  });
  const results: Result[] = [];
  await onBenches(benches, mutants, async (bench, mutant) => {
    const began = performance.now();
    const verdict = await judge(bench, mutant, baselines.get(keyOf(mutant))!);
    const result = { mutant, verdict, seconds: inSeconds(performance.now() - began) };
    results.push(result);
    console.log(`${verdict.is}, ${result.seconds} s: ${mutant.name}`);
  });
  return results.sort((one, other) => one.mutant.name.localeCompare(other.mutant.name));
}

const inSeconds = (ms: number): number => Math.round(ms / 1000);

function show(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
}

const { list, names } = readOrExit(command, process.argv.slice(2));
const mutants = readMutants(join(root, 'test', 'mutants')).filter(({ name }) => names.length === 0 || names.includes(name));
if (list) {
  show([['BUG', 'PLANTED IN', 'TESTS', 'WHAT IS WRONG'], ...mutants.map((mutant) => [mutant.name, mutant.where, keyOf(mutant), mutant.why])]);
  process.exit(0);
}

const began = performance.now();
const results = await play(mutants);
const told = ({ verdict }: Result): string => (verdict.is === 'found' ? verdict.by : `${verdict.is.toUpperCase()}: ${verdict.why}`);
show([
  ['BUG', 'PLANTED IN', 'SECONDS', 'TESTS', 'FOUND BY'],
  ...results.map((result) => [result.mutant.name, result.mutant.where, `${result.seconds}`, keyOf(result.mutant), told(result).replace(/\s+/g, ' ')]),
]);
const count = (wanted: Verdict['is']): number => results.filter(({ verdict }) => verdict.is === wanted).length;
console.log(`${count('missed')} missed, ${count('not judged')} not judged, ${((performance.now() - began) / 60_000).toFixed(1)} minutes`);
console.log(`${count('found')} of ${results.length} found`);
process.exit(count('not judged') === 0 && 100 * count('found') >= enough * results.length ? 0 : 1);

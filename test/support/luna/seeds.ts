import type { LunaBench } from './luna-bench.ts';
import { LunaRun } from './luna-run.ts';
import { type Kind, kinds, type Schedule, scheduleOf } from './schedule.ts';

/** So many jobs at once, and another file's beside them, keep two processors busy. */
const atOnce = 6;

export interface Played {
  runs: number;
  incidents: number;
  hits: Record<Kind, number>;
  /** What went wrong, one text a run, with all that is known of it. */
  failures: string[];
}

/** HSM_SEED=17 or HSM_SEED=1000-1299 instead of the usual ones. */
export function seedsOf(first: number, last: number): number[] {
  const [from = first, to = from] = process.env['HSM_SEED']?.split('-').map(Number) ?? [first, last];
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

/** Plays the schedules, many side by side. */
export async function playAll(bench: LunaBench, schedules: readonly Schedule[], judge: (run: LunaRun) => string[] = () => []): Promise<Played> {
  const left = [...schedules];
  const hits = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Played['hits'];
  const played: Played = { runs: 0, incidents: 0, hits, failures: [] };
  const player = async () => {
    for (let schedule = left.shift(); schedule; schedule = left.shift()) {
      const run = await LunaRun.open(bench, schedule);
      await run.play().catch((error: Error) => run.watch.note(error.message));
      await run.close();
      played.runs += 1;
      played.incidents += run.watch.incidents.length;
      for (const kind of run.hits) hits[kind] += 1;
      const wrong = [...run.watch.violations, ...judge(run)];
      if (wrong.length > 0) played.failures.push(told(schedule, run, wrong));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, player));
  return played;
}

export const playSeeds = (bench: LunaBench, seeds: readonly number[]): Promise<Played> => playAll(bench, seeds.map(scheduleOf));

const told = (schedule: Schedule, run: LunaRun, wrong: string[]): string =>
  [
    schedule.seed > 0 ? `Seed ${schedule.seed}; repeat it with: HSM_SEED=${schedule.seed} npm run test:luna-long -- -g schedules` : 'One interruption:',
    ...wrong.map((what) => `  ! ${what}`),
    `  ${JSON.stringify({ ...schedule, moods: undefined })}`,
    ...run.log.map((line) => `    ${line}`),
  ].join('\n');

/** One line a kind, for people who read the output of the tests. */
export const hitsTable = ({ runs, incidents, hits }: Played): string =>
  [`      ${runs} jobs, ${incidents} incidents; hits:`, ...Object.entries(hits).map(([kind, count]) => `        ${`${count}`.padStart(4)}  ${kind}`)].join(
    '\n',
  );

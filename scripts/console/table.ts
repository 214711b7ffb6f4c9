import type { JobState, Progress, StepState } from '../../domain/progress.ts';
import { fractionDone, shownState } from '../../domain/progress.ts';
import { catalog, type PhaseId, phases, type StepDefinition, type StepId, stepIds } from '../../domain/steps.ts';
import { clip, duration, type Paint, plain } from './format.ts';

/** What systems say about the steps that run: `Updating`, `services are starting` … */
export type Details = Partial<Record<StepId, string>>;

export interface Look {
  columns: number;
  /** How many lines fit; phases with nothing going on are one line each when not all steps fit. */
  rows: number;
  /** Milliseconds since the epoch. */
  now: number;
  paint?: Paint;
}

const marks: Record<StepState, string> = { pending: '·', running: '▶', done: '✔', skipped: '↷', 'not-needed': '–', failed: '✖', cancelled: '◼' };
const styles: Record<StepState, Parameters<Paint>[0]> = {
  pending: 'dim',
  running: 'cyan',
  done: 'green',
  skipped: 'yellow',
  'not-needed': 'dim',
  failed: 'red',
  cancelled: 'yellow',
};
export const stateNames: Record<JobState, string> = {
  running: 'running',
  'awaiting-approval': 'waits for an approval',
  incident: 'waits for a decision about an incident',
  stuck: 'is stuck: its workflow code keeps failing',
  completed: 'completed',
  rejected: 'was rejected',
  aborted: 'was aborted',
  cancelled: 'cancelled',
  failed: 'failed',
};
const titleColumns = 44;

const definition = (id: StepId): StepDefinition => catalog[id];
const phaseIds = Object.keys(phases) as PhaseId[];
const stepsOf = (phase: PhaseId): StepId[] => stepIds.filter((id) => definition(id).phase === phase);

/** What a phase waits for: two phases in a row that wait for the same step run side by side. */
const waitsFor = (phase: PhaseId): string => definition(stepsOf(phase)[0]!).after.join();

/** Phases in order, the ones that run side by side together: `[[permissions], [network], [hsm, luna-client, ciphertrust], …]`. */
export function branches(): PhaseId[][] {
  const groups: PhaseId[][] = [];
  for (const phase of phaseIds) {
    const last = groups.at(-1);
    if (last && waitsFor(last[0]!) === waitsFor(phase)) last.push(phase);
    else groups.push([phase]);
  }
  return groups;
}

/** The steps as a table: state, title, time taken, what is being said; branches that run side by side stand behind a line. */
export function renderTable(progress: Progress, details: Details, look: Look): string[] {
  const head = [header(progress, look), ''];
  const view = { progress, details, look };
  const full = body(view, () => true);
  if (head.length + full.length <= look.rows) return [...head, ...full];
  const active = (phase: PhaseId) => stepsOf(phase).some((id) => ['running', 'failed'].includes(progress.steps[id].state));
  return [...head, ...body(view, active)].slice(0, look.rows);
}

function header(progress: Progress, { now, paint = plain }: Look): string {
  const { startedAt, finishedAt } = progress.job;
  const done = stepIds.filter((id) => ['done', 'skipped'].includes(progress.steps[id].state)).length;
  const percent = Math.floor(fractionDone(progress) * 100);
  const elapsed = duration((finishedAt ? Date.parse(finishedAt) : now) - Date.parse(startedAt));
  return `${paint('bold', progress.job.hsmName)} ${stateNames[shownState(progress)]}, ${done} steps done, ${percent} %, ${elapsed}`;
}

interface View {
  progress: Progress;
  details: Details;
  look: Look;
}

function body(view: View, open: (phase: PhaseId) => boolean): string[] {
  return branches().flatMap((group) => {
    const lines = group.map((phase) => phaseLines(phase, view, open(phase)));
    if (group.length === 1) return lines.flat().map((line) => `  ${line}`);
    return lines.flatMap((branch, index) => branch.map((line, row) => `${gutter(index, row, group.length, branch.length)} ${line}`));
  });
}

function gutter(branch: number, row: number, branches: number, rows: number): string {
  if (row === 0) return branch === 0 ? '┌' : branch === branches - 1 && rows === 1 ? '└' : '├';
  return branch === branches - 1 && row === rows - 1 ? '└' : '│';
}

function phaseLines(phase: PhaseId, view: View, open: boolean): string[] {
  const { progress, look } = view;
  const { paint = plain } = look;
  const ids = stepsOf(phase);
  const state = phaseState(ids.map((id) => progress.steps[id].state));
  const count = ids.length === 1 ? '1 step' : `${ids.length} steps`;
  if (!open) return [`${paint(styles[state], marks[state])} ${phases[phase]} ${paint('dim', `(${count})`)}`];
  return [paint('bold', phases[phase]), ...ids.map((id) => stepLine(id, view))];
}

function phaseState(states: StepState[]): StepState {
  for (const state of ['failed', 'running', 'cancelled'] as const) if (states.includes(state)) return state;
  if (states.every((state) => state === 'pending')) return 'pending';
  return states.includes('pending') ? 'running' : 'done';
}

function stepLine(id: StepId, { progress, details, look: { columns, now, paint = plain } }: View): string {
  const { state, startedAt, finishedAt, attempts, outcome } = progress.steps[id];
  const elapsed = startedAt && state !== 'not-needed' ? duration((finishedAt ? Date.parse(finishedAt) : now) - Date.parse(startedAt)) : '';
  const unchanged = state === 'done' && outcome === 'unchanged' ? outcome : '';
  const told = [unchanged, attempts > 1 ? `attempt ${attempts}` : '', state === 'running' || state === 'failed' ? (details[id] ?? '') : '']
    .filter(Boolean)
    .join(', ');
  const start = `  ${clip(definition(id).title, titleColumns).padEnd(titleColumns)} ${elapsed.padStart(7)}`;
  const room = columns - start.length - 7;
  return `  ${paint(styles[state], marks[state])}${start.slice(1)}${told && room > 8 ? `  ${paint('dim', clip(told, room))}` : ''}`.trimEnd();
}

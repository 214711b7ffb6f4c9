import { type Progress, type StepView, shownState, titleOf } from '../../domain/progress.ts';
import { type StepId, stepIds } from '../../domain/steps.ts';
import { clip, duration } from './format.ts';
import { type Details, stateNames } from './table.ts';

export interface Seen {
  progress: Progress;
  details: Details;
  /** What the job’s own code fails with. */
  stuck?: string;
}

/** What has changed between two looks, a line each: for logs and everything else that is no terminal. Live details appear when they change. */
export function changes(before: Seen | undefined, after: Seen): string[] {
  return [...stepIds.flatMap((id) => stepChanges(id, before, after)), ...jobChanges(before, after)];
}

function stepChanges(id: StepId, before: Seen | undefined, after: Seen): string[] {
  const title = titleOf(id);
  const step = after.progress.steps[id];
  const isNew = step.state !== (before?.progress.steps[id].state ?? 'pending');
  const detail = step.state === 'running' ? after.details[id] : undefined;
  return [...(isNew ? [stateLine(title, step)] : []), ...(detail && detail !== before?.details[id] ? [`  ${title}: ${clip(detail, 160)}`] : [])];
}

function stateLine(title: string, { state, startedAt, finishedAt }: StepView): string {
  if (state === 'running') return `▶ ${title}`;
  const took = startedAt && finishedAt ? ` after ${duration(Date.parse(finishedAt) - Date.parse(startedAt))}` : '';
  return `${state === 'done' ? '✔' : '·'} ${title}: ${state}${took}`;
}

function jobChanges(before: Seen | undefined, after: Seen): string[] {
  const state = shownState(after.progress);
  if (state === 'running' || state === (before && shownState(before.progress))) return [];
  return [`The job ${stateNames[state]}${after.stuck ? `: ${clip(after.stuck, 160)}` : '.'}`];
}

import { type Progress, shownState, titleOf } from '../../domain/progress.ts';
import { stepIds } from '../../domain/steps.ts';
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
  const lines: string[] = [];
  for (const id of stepIds) {
    const was = before?.progress.steps[id].state ?? 'pending';
    const { state, startedAt, finishedAt } = after.progress.steps[id];
    const title = titleOf(id);
    if (state !== was) {
      const took = startedAt && finishedAt ? ` after ${duration(Date.parse(finishedAt) - Date.parse(startedAt))}` : '';
      lines.push(state === 'running' ? `▶ ${title}` : `${state === 'done' ? '✔' : '·'} ${title}: ${state}${took}`);
    }
    const detail = after.details[id];
    if (state === 'running' && detail && detail !== before?.details[id]) lines.push(`  ${title}: ${clip(detail, 160)}`);
  }
  const state = shownState(after.progress);
  const shownBefore = before ? shownState(before.progress) : undefined;
  if (state !== shownBefore && state !== 'running') lines.push(`The job ${stateNames[state]}${after.stuck ? `: ${clip(after.stuck, 160)}` : '.'}`);
  return lines;
}

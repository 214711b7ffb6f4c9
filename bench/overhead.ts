import { predecessorsOf } from '../domain/plan.ts';
import type { Progress } from '../domain/progress.ts';
import type { ProvisioningRequest } from '../domain/request.ts';
import { type StepId, stepIds } from '../domain/steps.ts';
import { type Configured, minutesOf } from './configured.ts';

/** A step on the way that the job really took: seconds it waited after what it waits for, and took beyond what the world is configured to take. */
export interface Overhead {
  step: StepId;
  waited: number;
  beyond: number;
}

interface Run {
  request: ProvisioningRequest;
  durations: Configured;
  timeScale: number;
}

/** The steps that ended last before one another, from the job's first to its last: what must be faster for the job to be faster. */
export function overheads({ job, steps }: Progress, { request, durations, timeScale }: Run): Overhead[] {
  const at = (text: string | undefined): number => Date.parse(text ?? '') / 1000;
  const last = (ids: readonly StepId[]): StepId | undefined => ids.toSorted((one, other) => at(steps[one].finishedAt) - at(steps[other].finishedAt)).at(-1);
  const before = (id: StepId): StepId[] => predecessorsOf(request)(id).flatMap((other) => (steps[other].finishedAt ? [other] : before(other)));
  const found: Overhead[] = [];
  for (let step = last(stepIds.filter((id) => steps[id].finishedAt)); step; step = last(before(step))) {
    const { startedAt, finishedAt } = steps[step];
    const previous = last(before(step));
    const since = previous ? at(steps[previous].finishedAt) : at(job.startedAt);
    const own = (minutesOf(step, durations) * 60) / timeScale;
    found.unshift({ step, waited: at(startedAt) - since, beyond: at(finishedAt) - at(startedAt) - own });
  }
  return found;
}

/** One line a step. */
export const overheadLines = (found: readonly Overhead[]): string[] =>
  found.map(({ step, waited, beyond }) => `${step.padEnd(28)} waited ${waited.toFixed(2)} s, took ${beyond.toFixed(2)} s beyond its own time`);

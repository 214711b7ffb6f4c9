import { proxyActivities } from '@temporalio/workflow';

/** Carries out one step, with heartbeats and retries as a job does, but a shorter time-out. */
export function oneStep(step: string, input: unknown, taskQueue: string): Promise<unknown> {
  const steps = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({
    taskQueue,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '3 seconds',
    retry: { initialInterval: '100 milliseconds', backoffCoefficient: 1 },
  });
  return steps[step]!(input);
}

// A process that carries out one Azure step, attempt after attempt, as a worker does. It is there to be killed: its connections and all that it knows die with it.
import { setTimeout as pause } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityId } from '../../domain/steps.ts';
import { readSettings } from '../../worker/settings.ts';
import { createSystems } from '../../worker/systems.ts';
import { attemptStep } from './azure-bench.ts';

export interface StepOrder {
  environment: NodeJS.ProcessEnv;
  step: ActivityId;
  input: object;
  scheduledAt: number;
  /** How many attempts there were before. */
  attempts: number;
}

async function carryOut({ environment, step, input, scheduledAt, attempts }: StepOrder): Promise<unknown> {
  const systems = createSystems(readSettings(environment));
  for (let number = attempts + 1; ; number++) {
    try {
      return { result: await attemptStep(systems, step, input as never, { number, scheduledAt }) };
    } catch (error) {
      if (!(error instanceof ApplicationFailure)) return { problem: `${error}` };
      if (error.nonRetryable) return { problem: error.message };
      await pause(50);
    }
  }
}

process.on('message', (order: StepOrder) => void carryOut(order).then((ended) => process.send!(ended)));
process.on('disconnect', () => process.exit(0));

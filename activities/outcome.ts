import { AsyncLocalStorage } from 'node:async_hooks';
import type { StepOutcome, WithOutcome } from '../domain/step-outcome.ts';

const current = new AsyncLocalStorage<{ outcome?: StepOutcome }>();

/** For `converge`: the step is done, and this is what became of it. Outside an attempt nobody listens. */
export function tellOutcome(outcome: StepOutcome): void {
  const attempt = current.getStore();
  if (attempt) attempt.outcome = outcome;
}

/** Carries out an attempt; its result comes with the outcome that it told, if it told one. */
export function withOutcome<Result>(work: () => Promise<Result>): Promise<Result | WithOutcome<Result>> {
  const attempt: { outcome?: StepOutcome } = {};
  return current.run(attempt, async () => {
    const result = await work();
    return attempt.outcome === undefined ? result : { stepOutcome: attempt.outcome, result };
  });
}

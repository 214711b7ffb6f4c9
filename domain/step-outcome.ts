/** Did a step that is done act, or was everything there as it should be? */
export type StepOutcome = 'unchanged' | 'changed';

/** A step’s result as an attempt gives it, beside what became of the step. */
export interface WithOutcome<Result> {
  stepOutcome: StepOutcome;
  result: Result;
}

/** Activities that do not converge, and jobs that began with an older version, give the result alone. */
export const hasOutcome = <Result>(value: Result | WithOutcome<Result>): value is WithOutcome<Result> =>
  typeof value === 'object' && value !== null && 'stepOutcome' in value && 'result' in value;

/** The result alone, for whoever does not show what became of the step. */
export const withoutOutcome = <Result>(value: Result | WithOutcome<Result>): Result => (hasOutcome(value) ? value.result : value);

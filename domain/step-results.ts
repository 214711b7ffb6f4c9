import type { StepResults } from './report.ts';
import type { StepResult } from './results.ts';
import { type ActivityId, stepIds } from './steps.ts';

type AnyResult = StepResult<ActivityId>;
type With<Field extends PropertyKey, Result = AnyResult> = Result extends unknown ? (Field extends keyof Result ? Result : never) : never;
type FieldOf<Result = AnyResult> = Result extends unknown ? keyof Result : never;

/** The results of the steps that have one, in the catalog’s order. */
const inOrder = (results: StepResults): AnyResult[] => stepIds.flatMap((id) => resultOf(results, id) ?? []);

/** Of one step, whichever. */
export const resultOf = (results: StepResults, id: string): AnyResult | undefined => (results as Readonly<Record<string, AnyResult | undefined>>)[id];

/** Every result that tells something, in the catalog’s order: what a field means is the same in all of them. */
export const allWith = <Field extends FieldOf>(results: StepResults, field: Field): With<Field>[] =>
  inOrder(results).filter((result): result is With<Field> => (result as Partial<Record<Field, unknown>>)[field] !== undefined);

/** The result of the last step that tells something. */
export const lastWith = <Field extends FieldOf>(results: StepResults, field: Field): With<Field> | undefined => allWith(results, field).at(-1);

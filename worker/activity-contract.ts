import { Value } from 'typebox/value';
import { refused, unsafe } from '../domain/failure.ts';
import { activitySchemas } from '../domain/schemas/steps.ts';
import { inspect, type Mistake } from '../domain/shape.ts';
import { firstStep } from '../domain/steps.ts';
import { validateRequest } from '../domain/validate.ts';

/**
 * Refuses an input that is not what the activity's code promises to work with; nothing was done then. The first step also judges the request by all its rules,
 * for jobs that were started around the API. Later ones do not: a worker with stricter rules must not strand jobs that are under way.
 */
export function checkInput(activity: string, input: unknown): void {
  const schema = activitySchemas[activity]?.input;
  if (!schema) return;
  const mistakes = [...mistakesOfShape(schema, input), ...(activity === firstStep ? mistakesOfRequest(input) : [])];
  if (mistakes.length === 0) return;
  const isOfRequest = mistakes.every(({ path }) => path.startsWith('/request'));
  throw refused({
    code: 'WORKER_INPUT_INVALID',
    tried: `starting ${activity}`,
    summary: `${counted(distinct(mistakes))} in its input; nothing was done: ${distinct(mistakes)
      .map(({ path, message }) => `${path}: ${message}`)
      .join(' ')}`,
    remedy: isOfRequest
      ? 'Abort the job, correct the request, then send it through the API, which validates it first.'
      : 'Run the same version on all workers, then retry; or abort and send the request again.',
  });
}

/** Stops at a result that is not what later steps rely on. Its values are not quoted: what does not belong there may be anything. */
export function checkResult(activity: string, result: unknown): void {
  const schema = activitySchemas[activity]?.output;
  if (!schema) return;
  const mistakes = mistakesOfShape(schema, result);
  if (mistakes.length === 0) return;
  throw unsafe({
    code: 'WORKER_RESULT_INVALID',
    tried: `checking the result of ${activity}`,
    summary: `it is not what later steps rely on, at ${distinct(mistakes)
      .map(({ path }) => path || '/')
      .join(', ')}`,
    remedy: 'This is a bug: report it. Retry with a fixed worker, or abort.',
  });
}

function mistakesOfShape(schema: object, value: unknown): Mistake[] {
  if (Value.Check(schema, value)) return [];
  const { mistakes } = inspect(schema, value, Value.Check);
  return mistakes.length > 0 ? mistakes : [{ path: '', message: 'It does not have the shape that this version works with.' }];
}

/** An inline template's text goes to the step that deploys it alone, so what stands in its place is not judged here. */
function mistakesOfRequest(input: unknown): Mistake[] {
  const request = typeof input === 'object' && input !== null && 'request' in input ? input.request : undefined;
  const validated = validateRequest(request);
  return validated.ok
    ? []
    : validated.mistakes.filter(({ path }) => !path.startsWith('/hsm/template/inline')).map(({ path, message }) => ({ path: `/request${path}`, message }));
}

const distinct = (mistakes: readonly Mistake[]): Mistake[] => [...new Map(mistakes.map((mistake) => [`${mistake.path} ${mistake.message}`, mistake])).values()];

const counted = ({ length }: readonly Mistake[]): string => `${length} ${length === 1 ? 'mistake' : 'mistakes'}`;

import { Value } from 'typebox/value';
import { inspect, type Mistake } from '../domain/shape.ts';
import { HttpProblem } from './problem.ts';

const parts: Record<string, string> = { body: 'body', params: 'path', querystring: 'query', headers: 'headers' };

/** The problem for mistakes of shape, and of rules beside them. */
export const misshapen = (mistakes: readonly Mistake[], part = 'body'): HttpProblem =>
  new HttpProblem(400, 'The request does not have the right shape', `${counted(mistakes)} in the ${parts[part] ?? part}. Nothing was changed.`, {
    errors: mistakes.map(({ path, message }) => ({ pointer: path || '/', detail: message })),
  });

/** The problem for a request whose shape is right, and which cannot be carried out. */
export const brokenRules = (mistakes: readonly Mistake[]): HttpProblem =>
  new HttpProblem(422, 'The request cannot be carried out', `${counted(mistakes)} in the body. Nothing was changed.`, {
    errors: mistakes.map(({ path, message }) => ({ pointer: path, detail: message })),
  });

/** Why a value does not fit a schema, in words of ours. */
export function explained(schema: object, value: unknown, part: string | undefined): HttpProblem {
  const { mistakes } = inspect(schema, value, Value.Check);
  return misshapen(mistakes.length > 0 ? mistakes : [{ path: '', message: 'The value does not match the schema in /docs.' }], part);
}

const counted = ({ length }: readonly Mistake[]): string => `${length} ${length === 1 ? 'mistake' : 'mistakes'}`;

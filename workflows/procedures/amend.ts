import { amend, type StepStates, touches } from '../../domain/amendments.ts';
import { mistakesOfShape } from '../../domain/request-shape.ts';
import { catalog, type StepId } from '../../domain/steps.ts';
import type { ProvisionInput } from '../../temporal/contract.ts';
import type { AmendedInput } from '../engine/procedure.ts';
import { mistakesIn } from './mistakes.ts';

/**
 * A request with a person’s amendment: of fields that no step has used, of the shape that a request has, and under the rules that every request is under. The
 * shape is judged of what was changed alone: a job may have been started when requests had another one.
 */
export function amendInput(input: ProvisionInput, amendment: unknown, states: StepStates<StepId>): AmendedInput<ProvisionInput> {
  const amended = amend(input.request, amendment, { steps: catalog, states });
  if (!amended.ok) return { ok: false, reason: amended.mistakes.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join(' ') };
  const misshapen = mistakesOfShape(amended.request).filter(({ path }) => touches(amended.changes, [path]));
  if (misshapen.length > 0) return { ok: false, reason: misshapen.map(({ path, message }) => `${path}: ${message}`).join(' ') };
  const changed = { ...input, request: amended.request };
  const mistakes = mistakesIn(changed);
  return mistakes.length > 0 ? { ok: false, reason: mistakes.join(' ') } : { ok: true, input: changed, changes: amended.changes };
}

import { amend, type StepStates } from '../../domain/amendments.ts';
import { catalogue, type StepId } from '../../domain/steps.ts';
import type { ProvisionInput } from '../../temporal/contract.ts';
import type { AmendedInput } from '../engine/procedure.ts';
import { mistakesIn } from './mistakes.ts';

/**
 * A request with a person’s amendment: of fields that no step has used, and under the rules that every request is under. The shape of a new value is checked
 * where it comes in through the API, and by the step that reads it.
 */
export function amendInput(input: ProvisionInput, amendment: unknown, states: StepStates<StepId>): AmendedInput<ProvisionInput> {
  const amended = amend(input.request, amendment, { steps: catalogue, states });
  if (!amended.ok) return { ok: false, reason: amended.mistakes.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join(' ') };
  const changed = { ...input, request: amended.request };
  const mistakes = mistakesIn(changed);
  return mistakes.length > 0 ? { ok: false, reason: mistakes.join(' ') } : { ok: true, input: changed, changes: amended.changes };
}

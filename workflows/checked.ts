import { ApplicationFailure } from '@temporalio/common';
import { plan } from '../domain/plan.ts';
import type { ProvisionInput } from '../temporal/contract.ts';

/** The input of a job that may be carried out. Whoever starts a job around the API gets every mistake at once, too, and nothing is touched. */
export function checked(input: ProvisionInput): ProvisionInput {
  const mistakes = mistakesIn(input);
  if (mistakes.length > 0) throw ApplicationFailure.nonRetryable(`The request cannot be carried out: ${mistakes.join(' ')}`, 'Refused');
  return input;
}

function mistakesIn(input: ProvisionInput): string[] {
  if (typeof input?.requestedBy !== 'string' || input.requestedBy === '') return ['/requestedBy: who asks for this is missing.'];
  try {
    const planned = plan(input.request);
    return planned.ok ? [] : planned.broken.map(({ path, message }) => `${path}: ${message}`);
  } catch {
    return ['/request: it does not have the shape of a provisioning request; send it through the API, which says what is wrong.'];
  }
}

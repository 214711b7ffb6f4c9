import { plan } from '../../domain/plan.ts';
import type { ProvisionInput } from '../../temporal/contract.ts';

/** Every mistake of what a job was started with. Whoever starts a job around the API gets them all at once, too, and nothing is touched. */
export function mistakesIn(input: Partial<ProvisionInput> | undefined): string[] {
  if (typeof input?.requestedBy !== 'string' || input.requestedBy === '') return ['/requestedBy: who asks for this is missing.'];
  // It is published with every change.
  if (input.requestedBy.length > longestName) return [`/requestedBy: a name has at most ${longestName} characters.`];
  try {
    if (input.request === undefined) return shapeless;
    const planned = plan(input.request);
    return planned.ok ? [] : planned.broken.map(({ path, message }) => `${path}: ${message}`);
  } catch {
    return shapeless;
  }
}

const longestName = 200;

const shapeless = ['/request: it does not have the shape of a provisioning request; send it through the API, which says what is wrong.'];

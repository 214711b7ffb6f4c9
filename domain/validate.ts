import type { Static } from 'typebox';
import { Value } from 'typebox/value';
import type { ProvisioningRequest } from './request.ts';
import { ProvisioningRequest as schema } from './request-schema.ts';
import { brokenRules } from './rules/broken.ts';
import { inspect, type Mistake } from './shape.ts';

export type Validated =
  | { ok: true; request: ProvisioningRequest }
  /** Every mistake at once. `isMisshapen`: some are of shape, not of rules alone. */
  | { ok: false; isMisshapen: boolean; mistakes: Mistake[] };

/**
 * The one validator of a request: shape and rules together, every mistake at once, one sentence each. The rules judge what is well-shaped also where other
 * parts are not. A top-level `$schema`, which editors use, is left out of the request.
 */
export function validateRequest(value: unknown): Validated {
  if (!Value.Check(schema, value)) return misshapen(value);
  const mistakes = withoutRepetition(brokenRules(value));
  return mistakes.length === 0 ? { ok: true, request: withoutSchema(value) } : { ok: false, isMisshapen: false, mistakes };
}

function misshapen(value: unknown): Validated {
  const { mistakes, draft } = inspect(schema, value, Value.Check);
  const ofShape = mistakes.length > 0 ? mistakes : [{ path: '', message: 'This is not a provisioning request: compare it with examples/.' }];
  const ofRules = isReadable(draft) ? brokenRules(draft) : [];
  return { ok: false, isMisshapen: true, mistakes: withoutRepetition([...ofShape, ...ofRules]) };
}

/** A draft throws where it is not what its type says. */
const isReadable = (draft: unknown): draft is ProvisioningRequest => typeof draft === 'object' && draft !== null;

function withoutSchema(request: Static<typeof schema>): ProvisioningRequest {
  const { $schema: _, ...rest } = request;
  return rest;
}

function withoutRepetition(mistakes: readonly Mistake[]): Mistake[] {
  const seen = new Set<string>();
  return mistakes.filter(({ path, message }) => {
    const key = JSON.stringify([path, message]);
    return !seen.has(key) && seen.add(key);
  });
}

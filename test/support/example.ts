import { readFileSync } from 'node:fs';
import type { ProvisioningRequest } from '../../domain/request.ts';

/** The runbook’s own example, anew each time: a test may change it. */
export function exampleRequest(name = 'luna-kylo'): ProvisioningRequest {
  const { $schema: _, ...request } = JSON.parse(readFileSync(new URL(`../../examples/${name}.json`, import.meta.url), 'utf8'));
  return request;
}

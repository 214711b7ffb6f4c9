import { readFileSync } from 'node:fs';
import type { ProvisioningRequest } from '../../domain/request.ts';

/** The runbook’s own example, anew each time: a test may change it. */
export const exampleRequest = (name = 'luna-kylo'): ProvisioningRequest =>
  JSON.parse(readFileSync(new URL(`../../examples/${name}.json`, import.meta.url), 'utf8'));

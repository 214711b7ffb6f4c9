import type { Settings } from '../../worker/settings.ts';
import type { Outbound } from '../outbound.ts';
import { policies } from './policies.ts';

/** How every Azure client sends. A client that repeats by itself would repeat what must not be repeated: retries are ours. */
export function transport(settings: Settings, outbound: Outbound) {
  const ca = settings.authorityPem;
  return {
    ...(ca ? { tlsOptions: { ca } } : {}),
    additionalPolicies: policies(outbound, ca, settings.azure.timeoutMs),
    retryOptions: { maxRetries: 0 },
  };
}

export type Transport = ReturnType<typeof transport>;

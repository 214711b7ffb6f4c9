import type { HttpClient, PipelinePolicy, SendRequest } from '@azure/core-rest-pipeline';
import type { Outbound } from '../outbound.ts';
import type { Settings } from '../settings.ts';
import { policies } from './policies.ts';
import { hearing } from './sign-in.ts';

/** How every Azure client sends. A client that repeats by itself would repeat what must not be repeated: retries are ours. */
export function transport(settings: Settings, outbound: Outbound) {
  return {
    ...trust(settings),
    additionalPolicies: policies(outbound, settings.authorityPem, settings.azure.timeoutMs),
    retryOptions: { maxRetries: 0 },
  };
}

/** How tokens are asked for. Credentials of a host take no policies from outside, so the policies stand before the wire itself. */
export async function signInTransport(settings: Settings, outbound: Outbound) {
  return { ...trust(settings), httpClient: await sender(settings, outbound, [hearing]), retryOptions: { maxRetries: 0 } };
}

/** How clients send that take neither policies nor an authority from outside, as those for blobs. */
export const httpClient = (settings: Settings, outbound: Outbound): Promise<HttpClient> => sender(settings, outbound, [trusting(settings)]);

async function sender(settings: Settings, outbound: Outbound, first: PipelinePolicy[]): Promise<HttpClient> {
  const { createDefaultHttpClient } = await import('@azure/core-rest-pipeline');
  const wire = createDefaultHttpClient();
  const all = [...first, ...policies(outbound, settings.authorityPem, settings.azure.timeoutMs).map(({ policy }) => policy)];
  const sendRequest = all.reduceRight<SendRequest>(
    (next, policy) => (request) => policy.sendRequest(request, next),
    (request) => wire.sendRequest(request),
  );
  return { sendRequest };
}

function trusting(settings: Settings): PipelinePolicy {
  // One object for all requests: connections are kept by it.
  const { tlsOptions } = trust(settings);
  return {
    name: 'trusting',
    sendRequest(request, next) {
      if (tlsOptions) request.tlsSettings = tlsOptions;
      return next(request);
    },
  };
}

const trust = ({ authorityPem: ca }: Settings): { tlsOptions?: { ca: string } } => (ca ? { tlsOptions: { ca } } : {});

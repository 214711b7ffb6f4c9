import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import type { Outbound } from '../outbound.ts';
import { NoAnswer, refusals } from './errors.ts';

interface Placed {
  policy: PipelinePolicy;
  position: 'perRetry';
}

/** What every request of every client, those for tokens included, goes through. */
export const policies = (outbound: Outbound, ca: string | undefined, timeoutMs: number): Placed[] =>
  [wayOut(outbound, ca), patience(timeoutMs), keepRefusals].map((policy) => ({ policy, position: 'perRetry' }));

/** Azure goes the same way out as everything else. Where no proxy is set for this service, one of the environment (`HTTPS_PROXY`), which the clients heed, stays. */
function wayOut(outbound: Outbound, ca: string | undefined): PipelinePolicy {
  const agent = outbound.httpsAgent(ca ? { ca } : {});
  return {
    name: 'outbound',
    sendRequest: (request, next) => {
      // Plain http is only the host’s own identity endpoint, which is nowhere else.
      if (request.url.startsWith('https:') && (outbound.proxy || !request.agent)) request.agent = agent;
      return next(request);
    },
  };
}

/** Cuts a request whose answer does not come, or stops half-way: neither the clients nor the operating system would notice. */
const patience = (timeoutMs: number): PipelinePolicy => ({
  name: 'patience',
  async sendRequest(request, next) {
    const outOfTime = new AbortController();
    const { abortSignal } = request;
    const giveUp = () => outOfTime.abort();
    const timer = setTimeout(giveUp, timeoutMs);
    abortSignal?.addEventListener('abort', giveUp);
    request.abortSignal = outOfTime.signal;
    try {
      if (abortSignal?.aborted) giveUp();
      return await next(request);
    } catch (error) {
      throw outOfTime.signal.aborted && !abortSignal?.aborted ? new NoAnswer(timeoutMs) : error;
    } finally {
      clearTimeout(timer);
      abortSignal?.removeEventListener('abort', giveUp);
      if (abortSignal) request.abortSignal = abortSignal;
      else delete request.abortSignal;
    }
  },
});

/** The newer clients drop all but the outermost code and message of a refusal; the causes are deeper. */
const keepRefusals: PipelinePolicy = {
  name: 'keep-refusals',
  async sendRequest(request, next) {
    const response = await next(request);
    if (response.status >= 400 && response.bodyAsText) refusals.set(request, response.bodyAsText);
    return response;
  },
};

/**
 * The clients that know every version of their provider take no `apiVersion`: they speak the newest, whatever they are told. Addresses of running operations
 * are Azure’s own and stay as they are, and so does the list of SKUs, which has had one version for years.
 */
export const speaking = (apiVersion: string): { policy: PipelinePolicy; position: 'perCall' } => ({
  position: 'perCall',
  policy: {
    name: 'speaking',
    sendRequest(request, next) {
      const url = new URL(request.url);
      if (!/\/operation(s|results|statuses)\/|\/Microsoft\.Compute\/skus$/i.test(url.pathname)) {
        url.searchParams.set('api-version', apiVersion);
        request.url = url.href;
      }
      return next(request);
    },
  },
});

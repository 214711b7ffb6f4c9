import type { PipelinePolicy, PipelineRequest } from '@azure/core-rest-pipeline';
import { currentFence } from '../fence.ts';
import type { LastingActName } from '../lasting-acts.ts';
import type { Outbound } from '../outbound.ts';

const reads = ['GET', 'HEAD'];
const isQuestion = /\/(validate|whatIf|list\w*|check\w+)$/i;

/** What goes on at Azure once it has accepted the request; undefined where a POST only asks something. */
function lastingActOf({ method, url }: PipelineRequest): LastingActName | undefined {
  const { pathname } = new URL(url);
  if (method === 'POST' && isQuestion.test(pathname)) return undefined;
  if (method === 'PUT' && /\/deployments\/[^/]+$/i.test(pathname)) return 'arm-deployment';
  if (method === 'PUT' && /\/runCommands\/[^/]+$/i.test(pathname)) return 'run-command';
  if (method === 'PUT' && /\/virtualMachines\/[^/]+$/i.test(pathname)) return 'arm-machine';
  return 'arm-change';
}

/**
 * Sends what is no plain read on a connection of its own, for which the permit of the present attempt is asked once TLS is finished: anywhere earlier, name
 * resolution and handshakes would lie between the permit and the bytes. Stands right before the wire: below it nothing repeats or redirects a request.
 */
export const underPermit = (outbound: Outbound, ca: string | undefined, fenceOf = currentFence): { policy: PipelinePolicy; position: 'perRetry' } => ({
  position: 'perRetry',
  policy: {
    name: 'under-permit',
    async sendRequest(request, next) {
      if (reads.includes(request.method)) return next(request);
      const fence = fenceOf();
      // The clients wrap whatever breaks a connection, and keep its words alone.
      const refusal: { error?: unknown } = {};
      request.agent = outbound.httpsAgent(ca ? { ca } : {}, () =>
        fence.permit(lastingActOf(request)).catch((error: unknown) => {
          refusal.error = error;
          throw error;
        }),
      );
      try {
        return await next(request);
      } catch (error) {
        throw refusal.error ?? error;
      }
    },
  },
});

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { createHttpHeaders, type PipelineRequest, type PipelineResponse, RestError, type SendRequest } from '@azure/core-rest-pipeline';
import { advance, newState, serve } from '../../../simulator/azure/azure.ts';
import { Engine } from '../../../simulator/azure/engine.ts';
import { parseId } from '../../../simulator/azure/ids.ts';
import type { Limits } from '../../../simulator/azure/limits.ts';
import { StaleReads } from '../../../simulator/azure/stale-reads.ts';
import { type AzureState, subscriptionId } from '../../../simulator/azure/state.ts';
import type { World } from '../../../simulator/world.ts';
import { type Azure, createAzure } from '../../../systems/azure/azure.ts';
import { currentFence } from '../../../systems/fence.ts';
import type { Outbound } from '../../../systems/outbound.ts';
import type { Settings } from '../../../systems/settings.ts';
import { type Actor, actor } from './actor.ts';

const base = 'https://management.azure.com';
const token = { value: 'token', audience: base, endsAt: Date.now() + 86_400_000 };
const delivered: AzureState = { ...(await newState()), tokens: [token] };

/** Stands where an agent would: it opens no connection, and only knows whom to ask for the permit. */
interface Asking {
  permit?: () => Promise<void>;
}

const outbound = { httpsAgent: (_: object, permit?: () => Promise<void>): Asking => (permit ? { permit } : {}) } as unknown as Outbound;
const identity = { getToken: async () => ({ token: token.value, expiresOnTimestamp: token.endsAt }) };

/** Where the requests of an attempt go. */
const ways = new WeakMap<Actor, SendRequest>();
export const sendsTo = (attempt: Actor, way: SendRequest): void => void ways.set(attempt, way);

/** The product's access to Azure, cut at the clients' `httpClient`: they, their policies and the permit are real. They take long to make, so there is one for all. */
export const memoryAzure: Azure = createAzure({ azure: { timeoutMs: 600_000 } } as unknown as Settings, outbound, currentFence, {
  identity,
  httpClient: { sendRequest: (request) => ways.get(actor())!(request) },
});

const engineOf = (world: World): Engine => new Engine(world, world.state['azure'] as AzureState);

/** What takes time at Azure has come further; scripts that it runs on machines have ended. */
export async function passTime(world: World): Promise<void> {
  if (!world.state['azure']) return;
  const engine = engineOf(world);
  await advance(engine);
  while (Object.values(engine.state.runCommands).some(({ view }) => view.executionState === 'Running')) await turn();
}

/** A subscription with a group, and in it these resources, by what follows its id. */
export async function subscription(world: (state: { azure: AzureState }) => World, group: string, resources: Record<string, object>): Promise<AzureState> {
  const azure = structuredClone(delivered);
  const location = 'westus2';
  const id = `/subscriptions/${subscriptionId}/resourceGroups/${group}`;
  azure.groups[group.toLowerCase()] = { id, name: group, location };
  azure.providers['Microsoft.HardwareSecurityModules'] = azure.providers['Microsoft.MarketplaceOrdering'] = 0;
  const engine = engineOf(world({ azure }));
  for (const [path, body] of Object.entries(resources)) {
    engine.put(parseId(`${id}/providers/${path}`)!, { location, ...body });
    await engine.advance();
  }
  return azure;
}

/** Where nothing takes time, no allowance grows again. */
const unlimited = { take: () => ({ headers: {} }) } as unknown as Limits;

/** Answers the requests of attempts as the simulated Azure does. */
export function azureOf(world: World, violated: (what: string) => void): SendRequest {
  const front = { engine: engineOf(world), base, limits: unlimited, staleReads: new StaleReads(world), capture: undefined };
  return async (request) => {
    const { method, url } = request;
    const path = new URL(url).pathname.replace(/^\/subscriptions\/[^/]+/, '').replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]+){4}/g, '…');
    if (method === 'GET') await actor().gate('look', path);
    else await (request.agent as Asking).permit?.();
    if (method !== 'GET' && !actor().spend()) violated(`${actor().name} sent ${method} ${path} without a permit`);
    const answer = await answered(request, (incoming, outgoing) => serve(front, incoming, outgoing));
    if (actor().answerIsLost()) throw new RestError('socket hang up', { code: 'ECONNRESET', request });
    return answer;
  };
}

/** A request and its answer without a connection between them. */
async function answered(request: PipelineRequest, work: (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>): Promise<PipelineResponse> {
  const { method, url, headers, body } = request;
  const { pathname, search } = new URL(url);
  const incoming = Object.assign(Readable.from(typeof body === 'string' ? [Buffer.from(body)] : []), {
    method,
    url: pathname + search,
    headers: headers.toJSON(),
    socket: { remotePort: actor().name, destroy: () => {} },
  });
  const response: PipelineResponse = { request, status: 0, headers: createHttpHeaders(), bodyAsText: '' };
  const outgoing = {
    writeHead(status: number, sent: Record<string, string>) {
      Object.assign(response, { status, headers: createHttpHeaders(sent) });
      return outgoing;
    },
    end(text = '') {
      response.bodyAsText = text;
    },
    destroy() {},
  };
  await work(incoming as unknown as IncomingMessage, outgoing as unknown as ServerResponse);
  return response;
}

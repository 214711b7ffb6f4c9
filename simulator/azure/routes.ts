import * as deployments from './deployments/deployments.ts';
import { whatIf } from './deployments/what-if.ts';
import type { Engine } from './engine.ts';
import { groupRoutes } from './groups.ts';
import type { Handler, Route } from './handler.ts';
import * as hsmDeletion from './hsm-deletion.ts';
import { type ArmReply, type ArmRequest, methodNotAllowed } from './http.ts';
import { parseId, type ResourceId } from './ids.ts';
import { imageRoutes } from './images.ts';
import { list, listRoutes } from './lists.ts';
import { lockRoutes } from './locks.ts';
import { offerRoutes } from './offers.ts';
import { operation, operationEnd, operationResult } from './operations.ts';
import { providerRoutes } from './providers.ts';
import { act, resource, runCommand, securityRule, subnet } from './resources.ts';
import { subscriptionId } from './state.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { canonicalType } from './types.ts';

export interface Routed {
  /** What is asked, for request log and faults: `VERB Namespace/type[/action]`. */
  operation: string;
  target: string;
  answer(lies: boolean): ArmReply;
}

type Match = Parameters<Handler>[2];

const sub = '/subscriptions/[^/]+';
const fixed: Route[] = [
  ...subscriptionRoutes,
  ...lockRoutes,
  ...groupRoutes,
  ...listRoutes,
  ['GET', `${sub}/resourcegroups/([^/]+)/providers/Microsoft\\.Resources/deployments`, 'Microsoft.Resources/deployments', deployments.inGroup],
  ...providerRoutes,
  ...offerRoutes,
  ...imageRoutes,
  ['GET', `${sub}/providers/Microsoft\\.(?:Network|Compute)/locations/[^/]+/operations/([^/]+)`, 'operations', operation],
  ['GET', `${sub}/providers/Microsoft\\.Network/locations/[^/]+/operationResults/([^/]+)`, 'operationresults', operationEnd],
  ['GET', `${sub}/operationresults/([^/]+)`, 'operationresults', operationResult],
  [
    'GET',
    `${sub}/providers/Microsoft\\.HardwareSecurityModules/locations/[^/]+/operationResults/([^/]+)`,
    'operationresults',
    (engine, request, [, token = '']) => hsmDeletion.poll(engine, request, token),
  ],
];

/** What is asked at fixed paths, as it is named in the log. */
export const fixedOperations: readonly string[] = fixed.map(([method, , name]) => `${method} ${name}`);

const patterns = fixed.map(([method, path, name, handler]) => ({ method, pattern: new RegExp(`^${path}$`, 'i'), name, handler }));

/** What the HSM’s provider adds to its answers. */
const hsmHeaders = { 'x-ms-keyvault-service-version': '1.5.339.0', server: 'Microsoft-IIS/10.0', 'x-aspnet-version': '4.0.30319', 'x-powered-by': 'ASP.NET' };

/** Finds what a request means; undefined where there is nothing like it. */
export function route(engine: Engine, request: ArmRequest): Routed | undefined {
  const routed = find(engine, request);
  if (!routed || !/\/providers\/Microsoft\.HardwareSecurityModules\/[^/]+/i.test(request.path)) return routed;
  const answer = (lies: boolean) => {
    const reply = routed.answer(lies);
    return { ...reply, headers: { ...hsmHeaders, ...reply.headers } };
  };
  return { ...routed, answer };
}

function find(engine: Engine, request: ArmRequest): Routed | undefined {
  const { path } = request;
  const matching = patterns.filter(({ pattern }) => pattern.test(path));
  const fitting = matching.find(({ method }) => method === request.method);
  if (fitting) {
    const match = fitting.pattern.exec(path)!.map((part) => decodeURIComponent(part ?? '')) as unknown as Match;
    return { operation: `${request.method} ${fitting.name}`, target: path, answer: (lies) => fitting.handler(engine, request, match, lies) };
  }
  if (matching[0]) return refusing(request, matching[0].name);
  return deploymentRoute(engine, request, path) ?? resourceRoute(engine, request, path);
}

/** What is there, but not for this method. */
function refusing(request: ArmRequest, what: string): Routed {
  const answer = () => {
    throw methodNotAllowed(request);
  };
  return { operation: `${request.method} ${what}`, target: request.path, answer };
}

function deploymentRoute(engine: Engine, request: ArmRequest, path: string): Routed | undefined {
  const [, head, group, name, rest = ''] =
    /^(.*?\/resourcegroups\/([^/]+))(?:\/providers\/Microsoft\.Resources)?\/deployments\/([^/]+)(\/.*)?$/i.exec(path) ?? [];
  if (!head || !group || !name) return undefined;
  const id = `/subscriptions/${subscriptionId}/resourceGroups/${engine.state.groups[group.toLowerCase()]?.name ?? group}/providers/Microsoft.Resources/deployments/${name}`;
  const parsed: ResourceId = { id, group, name, type: 'Microsoft.Resources/deployments' };
  const on = (method: string, suffix: RegExp, what: string, answer: (lies: boolean) => ArmReply): Routed | undefined =>
    request.method === method && suffix.test(rest) ? { operation: `${method} ${what}`, target: id, answer } : undefined;
  return (
    on('PUT', /^$/, 'Microsoft.Resources/deployments', (lies) => deployments.submit(engine, parsed, request, lies)) ??
    on('GET', /^$/, 'Microsoft.Resources/deployments', () => deployments.show(engine, parsed)) ??
    on('HEAD', /^$/, 'Microsoft.Resources/deployments', () => deployments.exists(engine, parsed)) ??
    on('DELETE', /^$/, 'Microsoft.Resources/deployments', (lies) => deployments.forget(engine, parsed, lies)) ??
    on('POST', /^\/cancel$/i, 'Microsoft.Resources/deployments/cancel', (lies) => deployments.cancel(engine, parsed, lies)) ??
    on('POST', /^\/exportTemplate$/i, 'Microsoft.Resources/deployments/exportTemplate', () => deployments.template(engine, parsed)) ??
    on('GET', /^\/operationStatuses\//i, 'operationStatuses', () => deployments.status(engine, parsed)) ??
    on('GET', /^\/operations$/i, 'Microsoft.Resources/deployments/operations', () => deployments.operations(engine, parsed, request)) ??
    on('GET', /^\/operations\/[^/]+$/i, 'Microsoft.Resources/deployments/operations', () => deployments.oneOperation(engine, parsed, rest.split('/')[2]!)) ??
    on('POST', /^\/validate$/i, 'Microsoft.Resources/deployments/validate', () => deployments.validate(engine, parsed, request)) ??
    on('POST', /^\/whatIf$/i, 'Microsoft.Resources/deployments/whatIf', () => whatIf(engine, parsed, request)) ??
    refusing(request, 'Microsoft.Resources/deployments')
  );
}

function resourceRoute(engine: Engine, request: ArmRequest, path: string): Routed | undefined {
  const routed = (what: string, answer: (lies: boolean) => ArmReply, target = path): Routed => ({ operation: `${request.method} ${what}`, target, answer });
  const action = request.method === 'POST' || /\/instanceView$/i.test(path) ? /^(.*)\/([A-Za-z]+)$/.exec(path) : null;
  if (action) {
    const parsed = parseId(action[1]!);
    return (
      parsed && routed(`${canonicalType(parsed.type)}/${action[2]}`, () => act(engine, request, engine.need(parsed.id), action[2]!.toLowerCase()), parsed.id)
    );
  }
  const parsed = parseId(path);
  if (!parsed) {
    const found = list(engine, request, path);
    return found && (request.method === 'GET' ? routed(found.type, found.answer) : refusing(request, found.type));
  }
  const type = canonicalType(parsed.type);
  switch (parsed.type.toLowerCase()) {
    case 'microsoft.network/virtualnetworks/subnets':
      return routed(type, (lies) => subnet(engine, request, parsed, lies));
    case 'microsoft.network/networksecuritygroups/securityrules':
      return routed(type, (lies) => securityRule(engine, request, parsed, lies));
    case 'microsoft.compute/virtualmachines/runcommands':
      return routed(type, (lies) => runCommand(engine, request, parsed, lies));
    default:
      return routed(type, (lies) => resource(engine, request, parsed, lies));
  }
}

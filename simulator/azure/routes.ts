import * as deployments from './deployments/deployments.ts';
import { whatIf } from './deployments/what-if.ts';
import type { Engine } from './engine.ts';
import { groupRoutes } from './groups.ts';
import { type Handler, listed, ok, type Route, same } from './handler.ts';
import * as hsmDeletion from './hsm-deletion.ts';
import { ArmError, type ArmReply, type ArmRequest } from './http.ts';
import { canonicalType, parseId, type ResourceId } from './ids.ts';
import { offerRoutes } from './offers.ts';
import { providerRoutes } from './providers.ts';
import { act, resource, runCommand, securityRule, subnet } from './resources.ts';
import { subscriptionId } from './state.ts';

export interface Routed {
  /** What is asked, for ledger and weather: `VERB Namespace/type[/action]`. */
  operation: string;
  target: string;
  answer(lies: boolean): ArmReply;
}

type Match = Parameters<Handler>[2];

const operation: Handler = (engine, _, [, id = '']) => {
  const found = engine.state.operations[id];
  if (!found) throw new ArmError(404, 'OperationNotFound', `The operation ${id} was not found.`);
  const resource = engine.find(found.about);
  const state = found.kind !== 'resource' || found.lied || !resource ? 'Succeeded' : engine.provisioningState(resource);
  const running = !['Succeeded', 'Failed'].includes(state) || Date.now() < found.doneAt;
  return ok({ status: running ? 'InProgress' : state, name: id, ...(state === 'Failed' ? { error: resource?.failure } : {}) });
};

const operationResult: Handler = (engine, request, [, token = '']) => {
  const { whatIfs, operations } = engine.state;
  if (token.startsWith('whatif-') && whatIfs[token.slice('whatif-'.length)]) return ok(whatIfs[token.slice('whatif-'.length)]);
  const deletion = operations[token];
  if (!deletion) throw new ArmError(404, 'OperationNotFound', `The operation ${token} was not found.`);
  if (Date.now() >= deletion.doneAt) return { status: 200 };
  const location = `${request.base}${request.path}?api-version=${request.apiVersion}`;
  return { status: 202, headers: { location, 'retry-after': `${engine.world.clock.retryAfterSeconds(15)}` } };
};

const subscriptionView = ({ state }: Engine) => ({
  id: `/subscriptions/${subscriptionId}`,
  subscriptionId,
  tenantId: state.credentials.tenantId,
  displayName: 'Simulated',
  state: 'Enabled',
  subscriptionPolicies: { locationPlacementId: 'Public_2014-09-01', quotaId: 'EnterpriseAgreement_2014-09-01', spendingLimit: 'Off' },
  authorizationSource: 'RoleBased',
  managedByTenants: [],
});

const tenantView = ({ state }: Engine) => ({ id: `/tenants/${state.credentials.tenantId}`, tenantId: state.credentials.tenantId, displayName: 'Simulated' });

const sub = '/subscriptions/[^/]+';
const fixed: Route[] = [
  ['GET', '/tenants', 'Microsoft.Resources/tenants', (engine, request) => listed(engine, request, [tenantView(engine)])],
  ['GET', '/subscriptions', 'Microsoft.Resources/subscriptions', (engine, request) => listed(engine, request, [subscriptionView(engine)])],
  ['GET', sub, 'Microsoft.Resources/subscriptions', (engine) => ok(subscriptionView(engine))],
  ...groupRoutes,
  ...providerRoutes,
  ...offerRoutes,
  ['GET', `${sub}/providers/Microsoft\\.(?:Network|Compute)/locations/[^/]+/operations/([^/]+)`, 'operations', operation],
  ['GET', `${sub}/operationresults/([^/]+)`, 'operationresults', operationResult],
  [
    'GET',
    `${sub}/providers/Microsoft\\.HardwareSecurityModules/locations/[^/]+/operationResults/([^/]+)`,
    'operationresults',
    (engine, request, [, token = '']) => hsmDeletion.poll(engine, request, token),
  ],
];

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
  const path = request.path.replace(/\/$/, '');
  for (const [method, pattern, name, handler] of fixed) {
    const match = method === request.method ? new RegExp(`^${pattern}$`, 'i').exec(path) : null;
    if (match)
      return {
        operation: `${method} ${name}`,
        target: path,
        answer: (lies) => handler(engine, request, match.map((part) => decodeURIComponent(part ?? '')) as unknown as Match, lies),
      };
  }
  return deploymentRoute(engine, request, path) ?? resourceRoute(engine, request, path);
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
    on('GET', /^\/operationStatuses\//i, 'operationStatuses', () => deployments.status(engine, parsed)) ??
    on('GET', /^\/operations$/i, 'Microsoft.Resources/deployments/operations', () => deployments.operations(engine, parsed, request)) ??
    on('POST', /^\/validate$/i, 'Microsoft.Resources/deployments/validate', () => deployments.validate(engine, parsed, request)) ??
    on('POST', /^\/whatIf$/i, 'Microsoft.Resources/deployments/whatIf', () => whatIf(engine, parsed, request))
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
  if (!parsed) return listRoute(engine, request, path);
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

/** Everything of a type, in a group or in the whole subscription. */
function listRoute(engine: Engine, request: ArmRequest, path: string): Routed | undefined {
  const [, group, type] = /^\/subscriptions\/[^/]+(?:\/resourcegroups\/([^/]+))?\/providers\/([^/]+\/[^/]+)$/i.exec(path) ?? [];
  if (!type || request.method !== 'GET') return undefined;
  const wanted = (id: string) => group === undefined || same(parseId(id)?.group ?? '', group);
  return {
    operation: `GET ${canonicalType(type)}`,
    target: path,
    answer: () => {
      if (group !== undefined) engine.needGroup(group);
      const found = engine.all(type).filter(({ id }) => wanted(id));
      return listed(
        engine,
        request,
        found.map((resource) => engine.view(resource)),
      );
    },
  };
}

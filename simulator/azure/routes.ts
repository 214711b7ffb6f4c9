import { randomUUID } from 'node:crypto';
import { images, namespaces, sizes } from './catalogue.ts';
import * as deployments from './deployments.ts';
import type { Engine } from './engine.ts';
import { ArmError, type ArmReply, type ArmRequest } from './http.ts';
import { canonicalType, parseId, type ResourceId } from './ids.ts';
import { act, resource, runCommand, securityRule, subnet } from './resources.ts';
import { type Resource, subscriptionId } from './state.ts';

export interface Routed {
  /** What is asked, for ledger and weather: `VERB Namespace/type[/action]`. */
  operation: string;
  target: string;
  answer(lies: boolean): ArmReply;
}

type Match = RegExpExecArray;
type Handler = (engine: Engine, request: ArmRequest, match: Match, lies: boolean) => ArmReply;

const ok = (body: unknown, status = 200): ArmReply => ({ status, body });
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function groupView({ id, name, location, tags }: Engine['state']['groups'][string]) {
  return { id, name, type: 'Microsoft.Resources/resourceGroups', location, ...(tags ? { tags } : {}), properties: { provisioningState: 'Succeeded' } };
}

function needGroup(engine: Engine, name: string) {
  const group = engine.state.groups[name.toLowerCase()];
  if (!group) throw new ArmError(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);
  return group;
}

const putGroup: Handler = (engine, { body }, [, name = ''], lies) => {
  const old = engine.state.groups[name.toLowerCase()];
  const location = body['location'] as string;
  if (old && !same(old.location, location))
    throw new ArmError(
      409,
      'InvalidResourceGroupLocation',
      `Invalid resource group location '${location}'. The Resource group already exists in location '${old.location}'.`,
    );
  const group = {
    id: `/subscriptions/${subscriptionId}/resourceGroups/${old?.name ?? name}`,
    name: old?.name ?? name,
    location,
    ...(body['tags'] ? { tags: body['tags'] as Record<string, string> } : {}),
  };
  if (!lies) engine.state.groups[name.toLowerCase()] = group;
  engine.world.changed();
  return ok(groupView(group), old ? 200 : 201);
};

const deleteGroup: Handler = (engine, { base, apiVersion }, [, name = '']) => {
  const group = needGroup(engine, name);
  for (const resource of Object.values(engine.state.resources))
    if (resource.id.toLowerCase().startsWith(`${group.id.toLowerCase()}/`) && !resource.type.endsWith('dedicatedHSMs')) engine.remove(resource.id);
  delete engine.state.groups[name.toLowerCase()];
  return {
    status: 202,
    headers: { location: `${base}/subscriptions/${subscriptionId}/operationresults/group-${randomUUID()}?api-version=${apiVersion}`, 'retry-after': '1' },
  };
};

const featureView = (engine: Engine, namespace: string, name: string) => ({
  id: `/subscriptions/${subscriptionId}/providers/Microsoft.Features/providers/${namespace}/features/${name}`,
  name: `${namespace}/${name}`,
  type: 'Microsoft.Features/providers/features',
  properties: { state: same(name, 'AzureDedicatedHSM') ? engine.state.feature : 'NotRegistered' },
});

function providerView(engine: Engine, namespace: string) {
  const name = namespaces.find((known) => same(known, namespace));
  if (!name) throw new ArmError(404, 'InvalidResourceNamespace', `The resource namespace '${namespace}' is invalid.`);
  const at = engine.state.providers[name];
  const state = at === undefined ? 'NotRegistered' : at > Date.now() ? 'Registering' : 'Registered';
  return {
    id: `/subscriptions/${subscriptionId}/providers/${name}`,
    namespace: name,
    registrationState: state,
    registrationPolicy: 'RegistrationRequired',
    resourceTypes: [],
  };
}

const registerProvider: Handler = (engine, _, [, namespace = ''], lies) => {
  const shown = providerView(engine, namespace);
  if (!lies) engine.state.providers[shown.namespace] ??= engine.world.clock.inMinutes(engine.world.durations.providerRegistration);
  engine.world.changed();
  return ok({ ...shown, registrationState: 'Registering' });
};

const termsOf = (engine: Engine, publisher: string, offer: string, plan: string) => ({
  id: `/subscriptions/${subscriptionId}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/${publisher}/offers/${offer}/plans/${plan}/agreements/current`,
  name: plan,
  type: 'Microsoft.MarketplaceOrdering/offertypes',
  properties: {
    publisher,
    product: offer,
    plan,
    licenseTextLink: 'https://example.com/licence',
    privacyPolicyLink: 'https://example.com/privacy',
    marketplaceTermsLink: 'https://example.com/terms',
    retrieveDatetime: '2024-01-01T00:00:00.0000000Z',
    signature: `SIGNATURE-${publisher}-${offer}-${plan}`.toUpperCase(),
    accepted: engine.state.terms[`${publisher}/${offer}/${plan}`] ?? false,
  },
});

const acceptTerms: Handler = (engine, { body }, [, publisher = '', offer = '', plan = ''], lies) => {
  const shown = termsOf(engine, publisher, offer, plan);
  const given = (body['properties'] ?? {}) as { signature?: string; accepted?: boolean };
  if (given.signature !== shown.properties.signature) throw new ArmError(400, 'BadRequest', 'The signature of the terms does not match: read them again.');
  if (!lies) engine.state.terms[`${publisher}/${offer}/${plan}`] = given.accepted === true;
  engine.world.changed();
  return ok({ ...shown, properties: { ...shown.properties, accepted: given.accepted === true } });
};

const imageVersions: Handler = (_, { query }, [, location = '', publisher = '', offer = '', sku = '']) => {
  const found = images.filter((image) => same(image.publisher, publisher) && same(image.offer, offer) && same(image.sku, sku));
  if (found.length === 0) throw new ArmError(404, 'NotFound', `Artifact: VMImage was not found.`);
  const list = found.map(({ version }) => ({
    location,
    name: version,
    id: `/Subscriptions/${subscriptionId}/Providers/Microsoft.Compute/Locations/${location}/Publishers/${publisher}/ArtifactTypes/VMImage/Offers/${offer}/Skus/${sku}/Versions/${version}`,
  }));
  const ordered = /desc/i.test(query.get('$orderby') ?? '') ? list.reverse() : list;
  return ok(ordered.slice(0, Number(query.get('$top') ?? ordered.length)));
};

const imageVersion: Handler = (_, __, [, location = '', publisher = '', offer = '', sku = '', version = '']) => {
  const image = images.find((known) => same(known.publisher, publisher) && same(known.offer, offer) && same(known.sku, sku) && known.version === version);
  if (!image) throw new ArmError(404, 'NotFound', `Artifact: VMImage was not found.`);
  return ok({
    location,
    name: version,
    id: `/Subscriptions/${subscriptionId}/Providers/Microsoft.Compute/Locations/${location}/Publishers/${publisher}/ArtifactTypes/VMImage/Offers/${offer}/Skus/${sku}/Versions/${version}`,
    properties: {
      ...(image.plan ? { plan: { publisher, name: sku, product: offer } } : {}),
      osDiskImage: { operatingSystem: publisher.startsWith('Microsoft') ? 'Windows' : 'Linux' },
      dataDiskImages: [],
      hyperVGeneration: 'V2',
    },
  });
};

const vmSizes: Handler = () =>
  ok({
    value: Object.entries(sizes).map(([name, memoryGb]) => ({
      name,
      numberOfCores: Number(/\d+/.exec(name.split('_')[1]!)?.[0]),
      memoryInMB: memoryGb * 1024,
      maxDataDiskCount: 8,
      osDiskSizeInMB: 1_047_552,
      resourceDiskSizeInMB: 16_384,
    })),
  });

const vmSkus: Handler = ({ world }, { query }) => {
  const location = /location eq '([^']+)'/.exec(query.get('$filter') ?? '')?.[1] ?? 'westus2';
  return ok({
    value: Object.entries(sizes).map(([name, memoryGb]) => ({
      resourceType: 'virtualMachines',
      name,
      tier: 'Standard',
      size: name.replace('Standard_', ''),
      family: `standard${name.split('_')[1]!.replace(/\d+/, '')}Family`,
      locations: [location],
      locationInfo: [{ location, zones: [], zoneDetails: [] }],
      capabilities: [{ name: 'MemoryGB', value: `${memoryGb}` }],
      restrictions:
        world.quirks['azure.restrictedSize'] === name
          ? [{ type: 'Location', values: [location], restrictionInfo: { locations: [location] }, reasonCode: 'NotAvailableForSubscription' }]
          : [],
    })),
  });
};

const operation: Handler = (engine, _, [, id = '']) => {
  const found = engine.state.operations[id];
  if (!found) throw new ArmError(404, 'OperationNotFound', `The operation ${id} was not found.`);
  const resource = engine.find(found.about);
  const state = found.kind !== 'resource' || found.lied || !resource ? 'Succeeded' : engine.provisioningState(resource);
  const running = !['Succeeded', 'Failed'].includes(state) || Date.now() < found.doneAt;
  return ok({ status: running ? 'InProgress' : state, name: id, ...(state === 'Failed' ? { error: resource?.failure } : {}) });
};

const operationResult: Handler = (engine, _, [, token = '']) => {
  const result = token.startsWith('whatif-') ? engine.state.whatIfs[token.slice('whatif-'.length)] : undefined;
  return result ? ok(result) : { status: 200 };
};

const deleted: Handler = (engine, { base, path, apiVersion }, [, token = '']) => {
  const found = engine.state.operations[token];
  if (found && Date.now() < found.doneAt)
    return { status: 202, headers: { location: `${base}${path}?api-version=${apiVersion}`, 'retry-after': `${engine.world.clock.retryAfterSeconds(5)}` } };
  if (found) engine.remove(found.about);
  return { status: 204 };
};

const listed = (resources: Record<string, unknown>[]): ArmReply => ok({ value: resources });

const sub = '/subscriptions/[^/]+';
const fixed: [method: string, path: string, operation: string, handler: Handler][] = [
  [
    'GET',
    `${sub}`,
    'Microsoft.Resources/subscriptions',
    () => ok({ id: `/subscriptions/${subscriptionId}`, subscriptionId, displayName: 'Simulated', state: 'Enabled' }),
  ],
  ['PUT', `${sub}/resourcegroups/([^/]+)`, 'Microsoft.Resources/resourceGroups', putGroup],
  ['GET', `${sub}/resourcegroups/([^/]+)`, 'Microsoft.Resources/resourceGroups', (engine, _, [, name = '']) => ok(groupView(needGroup(engine, name)))],
  [
    'HEAD',
    `${sub}/resourcegroups/([^/]+)`,
    'Microsoft.Resources/resourceGroups',
    (engine, _, [, name = '']) => ({ status: engine.state.groups[name.toLowerCase()] ? 204 : 404 }),
  ],
  ['DELETE', `${sub}/resourcegroups/([^/]+)`, 'Microsoft.Resources/resourceGroups', deleteGroup],
  ['GET', `${sub}/resourcegroups`, 'Microsoft.Resources/resourceGroups', (engine) => listed(Object.values(engine.state.groups).map(groupView))],
  [
    'GET',
    `${sub}/resourcegroups/([^/]+)/resources`,
    'Microsoft.Resources/resources',
    (engine, _, [, name = '']) => {
      const { id } = needGroup(engine, name);
      return listed(
        Object.values(engine.state.resources)
          .filter((resource) => resource.id.toLowerCase().startsWith(`${id.toLowerCase()}/`))
          .map((resource) => brief(engine, resource)),
      );
    },
  ],
  [
    'GET',
    `${sub}/providers/Microsoft\\.Features/providers/([^/]+)/features/([^/]+)`,
    'Microsoft.Features/features',
    (engine, _, [, namespace = '', name = '']) => ok(featureView(engine, namespace, name)),
  ],
  [
    'POST',
    `${sub}/providers/Microsoft\\.Features/providers/([^/]+)/features/([^/]+)/register`,
    'Microsoft.Features/features/register',
    (engine, _, [, namespace = '', name = '']) => {
      if (engine.state.feature !== 'Registered') engine.state.feature = 'Pending';
      return ok(featureView(engine, namespace, name));
    },
  ],
  ['POST', `${sub}/providers/([^/]+)/register`, 'Microsoft.Resources/providers/register', registerProvider],
  ['GET', `${sub}/providers/([^/]+)`, 'Microsoft.Resources/providers', (engine, _, [, namespace = '']) => ok(providerView(engine, namespace))],
  ['GET', `${sub}/providers`, 'Microsoft.Resources/providers', (engine) => listed(namespaces.map((name) => providerView(engine, name)))],
  [
    'GET',
    `${sub}/providers/Microsoft\\.MarketplaceOrdering/offerTypes/virtualmachine/publishers/([^/]+)/offers/([^/]+)/plans/([^/]+)/agreements/current`,
    'Microsoft.MarketplaceOrdering/agreements',
    (engine, _, [, publisher = '', offer = '', plan = '']) => ok(termsOf(engine, publisher, offer, plan)),
  ],
  [
    'PUT',
    `${sub}/providers/Microsoft\\.MarketplaceOrdering/offerTypes/virtualmachine/publishers/([^/]+)/offers/([^/]+)/plans/([^/]+)/agreements/current`,
    'Microsoft.MarketplaceOrdering/agreements',
    acceptTerms,
  ],
  [
    'GET',
    `${sub}/providers/Microsoft\\.Compute/locations/([^/]+)/publishers/([^/]+)/artifacttypes/vmimage/offers/([^/]+)/skus/([^/]+)/versions`,
    'Microsoft.Compute/images',
    imageVersions,
  ],
  [
    'GET',
    `${sub}/providers/Microsoft\\.Compute/locations/([^/]+)/publishers/([^/]+)/artifacttypes/vmimage/offers/([^/]+)/skus/([^/]+)/versions/([^/]+)`,
    'Microsoft.Compute/images',
    imageVersion,
  ],
  ['GET', `${sub}/providers/Microsoft\\.Compute/locations/([^/]+)/vmSizes`, 'Microsoft.Compute/vmSizes', vmSizes],
  ['GET', `${sub}/providers/Microsoft\\.Compute/skus`, 'Microsoft.Compute/skus', vmSkus],
  ['GET', `${sub}/providers/Microsoft\\.(?:Network|Compute)/locations/[^/]+/operations/([^/]+)`, 'operations', operation],
  ['GET', `${sub}/operationresults/([^/]+)`, 'operationresults', operationResult],
  ['GET', `${sub}/providers/Microsoft\\.HardwareSecurityModules/locations/[^/]+/operationResults/([^/]+)`, 'operationresults', deleted],
  [
    'GET',
    `${sub}/providers/Microsoft\\.HardwareSecurityModules/dedicatedHSMs`,
    'Microsoft.HardwareSecurityModules/dedicatedHSMs',
    (engine) => listed(engine.all('Microsoft.HardwareSecurityModules/dedicatedHSMs').map((resource) => engine.view(resource))),
  ],
];

const brief = (engine: Engine, resource: Resource) => {
  const { id, name, type, location, tags } = engine.view(resource);
  return { id, name, type, location, ...(tags ? { tags } : {}) };
};

/** Finds what a request means; undefined where there is nothing like it. */
export function route(engine: Engine, request: ArmRequest): Routed | undefined {
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
    on('GET', /^\/operations$/i, 'Microsoft.Resources/deployments/operations', () => deployments.operations(engine, parsed)) ??
    on('POST', /^\/validate$/i, 'Microsoft.Resources/deployments/validate', () => deployments.validate(engine, parsed, request)) ??
    on('POST', /^\/whatIf$/i, 'Microsoft.Resources/deployments/whatIf', () => deployments.whatIf(engine, parsed, request))
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

function listRoute(engine: Engine, request: ArmRequest, path: string): Routed | undefined {
  const [, group, type] = /\/resourcegroups\/([^/]+)\/providers\/([^/]+\/[^/]+)$/i.exec(path) ?? [];
  if (!group || !type || request.method !== 'GET') return undefined;
  return {
    operation: `GET ${canonicalType(type)}`,
    target: path,
    answer: () =>
      listed(
        engine
          .all(type)
          .filter(({ id }) => same(parseId(id)?.group ?? '', group))
          .map((found) => engine.view(found)),
      ),
  };
}

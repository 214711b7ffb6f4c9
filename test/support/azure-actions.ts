import type { Exchange } from '../../simulator/azure/capture.ts';

/**
 * The actions of Azure’s access control that captured traffic needs. ARM’s rule: the types along the path, then `read`, `write`, `delete`, or the POST’s own
 * name and `action`. What follows no rule stands in the tables.
 */

const subscription = '^/subscriptions/[^/]+';
const irregular: [method: RegExp, path: string, action: string][] = [
  [/GET|HEAD/, `${subscription}/resourcegroups/[^/]+$`, 'Microsoft.Resources/subscriptions/resourceGroups/read'],
  [/PUT|PATCH/, `${subscription}/resourcegroups/[^/]+$`, 'Microsoft.Resources/subscriptions/resourceGroups/write'],
  [/GET/, `${subscription}/resourcegroups/[^/]+/resources$`, 'Microsoft.Resources/subscriptions/resourcegroups/resources/read'],
  [/GET/, `${subscription}/providers/[^/]+$`, 'Microsoft.Resources/subscriptions/providers/read'],
  [/GET/, `${subscription}/operationresults/[^/]+$`, 'Microsoft.Resources/subscriptions/operationresults/read'],
  [/GET/, `${subscription}/providers/Microsoft.Features/providers/[^/]+/features/[^/]+$`, 'Microsoft.Features/providers/features/read'],
  [/GET/, '/virtualMachines/[^/]+/instanceView$', 'Microsoft.Compute/virtualMachines/instanceView/read'],
  [/GET/, '/virtualMachines/[^/]+/vmSizes$', 'Microsoft.Compute/virtualMachines/vmSizes/read'],
  [
    /GET/,
    '/providers/Microsoft.MarketplaceOrdering/offerTypes/.*/agreements/current$',
    'Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements/read',
  ],
  [
    /PUT/,
    '/providers/Microsoft.MarketplaceOrdering/offerTypes/.*/agreements/current$',
    'Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements/write',
  ],
];

/** What a body refers to needs an action of its own, though no request shows it. */
const linked: [id: RegExp, action: string][] = [
  [/\/virtualNetworks\/[^/]+\/subnets\/[^/]+$/i, 'Microsoft.Network/virtualNetworks/subnets/join/action'],
  [/\/publicIPAddresses\/[^/]+$/i, 'Microsoft.Network/publicIPAddresses/join/action'],
  [/\/networkSecurityGroups\/[^/]+$/i, 'Microsoft.Network/networkSecurityGroups/join/action'],
  [/\/networkInterfaces\/[^/]+$/i, 'Microsoft.Network/networkInterfaces/join/action'],
  [/\/diskEncryptionSets\/[^/]+$/i, 'Microsoft.Compute/diskEncryptionSets/read'],
  [/\/Microsoft.Compute\/images\/[^/]+$/i, 'Microsoft.Compute/images/read'],
  [/\/galleries\/[^/]+\/images\/[^/]+\/versions\/[^/]+$/i, 'Microsoft.Compute/galleries/images/versions/read'],
];

const suffix: Record<string, string> = { GET: 'read', HEAD: 'read', PUT: 'write', PATCH: 'write', DELETE: 'delete' };

function actionOf(method: string, path: string): string {
  const special = irregular.find(([verb, pattern]) => verb.test(method) && new RegExp(pattern, 'i').test(path));
  if (special) return special[2];
  const [, rest] = /.*\/providers\/(.+)$/i.exec(path) ?? [];
  // The operations of a deployment are asked for without naming their provider.
  const named = rest ?? path.replace(new RegExp(`${subscription}/resourcegroups/[^/]+/`, 'i'), 'Microsoft.Resources/');
  const [namespace, ...parts] = named.split('/');
  if (method !== 'POST') return [namespace, ...parts.filter((_, at) => at % 2 === 0), suffix[method]].join('/');
  return [namespace, ...parts.slice(0, -1).filter((_, at) => at % 2 === 0), parts.at(-1), 'action'].join('/');
}

/** Everything that a body refers to by its id. */
function references(body: unknown): string[] {
  if (Array.isArray(body)) return body.flatMap(references);
  if (typeof body !== 'object' || body === null) return [];
  return Object.entries(body).flatMap(([name, value]) => (name === 'id' && typeof value === 'string' ? [value] : references(value)));
}

function linkedActions(body: unknown): string[] {
  const referred = references(body).flatMap((id) => linked.flatMap(([pattern, action]) => (pattern.test(id) ? [action] : [])));
  // A machine’s disk is made on its behalf, and named nowhere.
  return /"managedDisk":/.test(JSON.stringify(body ?? null)) ? [...referred, 'Microsoft.Compute/disks/write'] : referred;
}

/** What a deployment will write is in what-if’s answer, worked out; the deployment writes it with the caller’s rights. */
function innerWrites({ response }: Exchange): string[] {
  const changes = (response?.body as { properties?: { changes?: { resourceId: string; changeType: string; after?: object }[] } } | undefined)?.properties
    ?.changes;
  return (changes ?? [])
    .filter(({ changeType }) => changeType !== 'Ignore')
    .flatMap(({ resourceId, after }) => [actionOf('PUT', resourceId), ...linkedActions({ ...after, id: undefined })]);
}

/** All actions, each once, in order; names are compared without regard to case, as Azure does. */
export function actionsOf(exchanges: Exchange[]): string[] {
  const all = exchanges.flatMap((exchange) => {
    const { method, url, body } = exchange.request;
    return [actionOf(method, new URL(url).pathname), ...(method === 'PUT' ? linkedActions(body) : []), ...innerWrites(exchange)];
  });
  return [...new Map(all.map((action) => [action.toLowerCase(), action])).values()].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
}

import type { Engine } from './engine.ts';
import { type Handler, listed, ok, type Route, same } from './handler.ts';
import { ArmError } from './http.ts';
import { regions } from './regions.ts';
import { subscriptionId } from './state.ts';
import { canonicalNamespace, namespaces, providers } from './types.ts';

/** Features and resource providers of the subscription. */

const hsmFeature = 'AzureDedicatedHSM';

const featureView = (engine: Engine, namespace: string, name: string) => ({
  id: `/subscriptions/${subscriptionId}/providers/Microsoft.Features/providers/${namespace}/features/${name}`,
  name: `${namespace}/${name}`,
  type: 'Microsoft.Features/providers/features',
  properties: { state: same(name, hsmFeature) ? engine.state.feature : 'NotRegistered' },
});

function providerView(engine: Engine, namespace: string) {
  const name = canonicalNamespace(namespace);
  if (!name) throw new ArmError(404, 'InvalidResourceNamespace', `The resource namespace '${namespace}' is invalid.`);
  const at = engine.state.providers[name];
  const state = at === undefined ? 'NotRegistered' : at > Date.now() ? 'Registering' : 'Registered';
  return {
    id: `/subscriptions/${subscriptionId}/providers/${name}`,
    namespace: name,
    registrationState: state,
    registrationPolicy: 'RegistrationRequired',
    resourceTypes: resourceTypes(engine, name),
  };
}

/** The HSM’s type is hidden from a subscription that may not have one. */
function resourceTypes({ state }: Engine, namespace: string) {
  if (namespace === 'Microsoft.HardwareSecurityModules' && state.feature !== 'Registered') return [];
  const { types, versions, locations } = providers[namespace]!;
  return types.map((resourceType) => ({
    resourceType,
    locations: locations.map((location) => regions[location]![0]),
    apiVersions: versions.toReversed(),
    capabilities: locations.length > 0 ? 'SupportsTags, SupportsLocation' : 'None',
  }));
}

const registerProvider: Handler = (engine, _, [, namespace = ''], lies) => {
  const shown = providerView(engine, namespace);
  if (!lies) engine.state.providers[shown.namespace] ??= engine.world.clock.inMinutes(engine.world.durations.providerRegistration);
  engine.world.changed();
  return ok({ ...shown, registrationState: 'Registering' });
};

const registerFeature: Handler = (engine, _, [, namespace = '', name = '']) => {
  if (same(name, hsmFeature) && engine.state.feature !== 'Registered') engine.state.feature = 'Pending';
  engine.world.changed();
  return ok(featureView(engine, namespace, name));
};

/** Of one provider, or of all: there is one that anything depends on. */
const listFeatures: Handler = (engine, request, [, namespace]) => {
  const owner = 'Microsoft.HardwareSecurityModules';
  const all = !namespace || same(namespace, owner) ? [featureView(engine, owner, hsmFeature)] : [];
  return listed(engine, request, all);
};

const sub = '/subscriptions/[^/]+';
const feature = `${sub}/providers/Microsoft\\.Features/providers/([^/]+)/features/([^/]+)`;

export const providerRoutes: Route[] = [
  ['GET', feature, 'Microsoft.Features/features', (engine, _, [, namespace = '', name = '']) => ok(featureView(engine, namespace, name))],
  ['POST', `${feature}/register`, 'Microsoft.Features/features/register', registerFeature],
  ['GET', `${sub}/providers/Microsoft\\.Features/providers/([^/]+)/features`, 'Microsoft.Features/features', listFeatures],
  ['GET', `${sub}/providers/Microsoft\\.Features/features`, 'Microsoft.Features/features', listFeatures],
  ['POST', `${sub}/providers/([^/]+)/register`, 'Microsoft.Resources/providers/register', registerProvider],
  ['GET', `${sub}/providers/([^/]+)`, 'Microsoft.Resources/providers', (engine, _, [, namespace = '']) => ok(providerView(engine, namespace))],
  [
    'GET',
    `${sub}/providers`,
    'Microsoft.Resources/providers',
    (engine, request) =>
      listed(
        engine,
        request,
        namespaces.map((name) => providerView(engine, name)),
      ),
  ],
];

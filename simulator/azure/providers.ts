import { namespaces } from './catalogue.ts';
import type { Engine } from './engine.ts';
import { type Handler, listed, ok, type Route, same } from './handler.ts';
import { ArmError } from './http.ts';
import { subscriptionId } from './state.ts';

/** Features and resource providers of the subscription. */

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

const registerFeature: Handler = (engine, _, [, namespace = '', name = '']) => {
  if (engine.state.feature !== 'Registered') engine.state.feature = 'Pending';
  engine.world.changed();
  return ok(featureView(engine, namespace, name));
};

const sub = '/subscriptions/[^/]+';
const feature = `${sub}/providers/Microsoft\\.Features/providers/([^/]+)/features/([^/]+)`;

export const providerRoutes: Route[] = [
  ['GET', feature, 'Microsoft.Features/features', (engine, _, [, namespace = '', name = '']) => ok(featureView(engine, namespace, name))],
  ['POST', `${feature}/register`, 'Microsoft.Features/features/register', registerFeature],
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

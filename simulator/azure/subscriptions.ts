import type { Engine } from './engine.ts';
import { type Handler, listed, ok, type Route } from './handler.ts';
import { regions } from './regions.ts';
import { subscriptionId } from './state.ts';

/** The tenant, its one subscription and where that can put things. */

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

const locationView = ([name, [displayName, group]]: [string, [string, string]]) => ({
  id: `/subscriptions/${subscriptionId}/locations/${name}`,
  name,
  type: 'Region',
  displayName,
  regionalDisplayName: `(${group}) ${displayName}`,
  metadata: { regionType: 'Physical', regionCategory: 'Recommended', geographyGroup: group },
});

const locations: Handler = (engine, request) => listed(engine, request, Object.entries(regions).map(locationView));

export const subscriptionRoutes: Route[] = [
  ['GET', '/tenants', 'Microsoft.Resources/tenants', (engine, request) => listed(engine, request, [tenantView(engine)])],
  ['GET', '/subscriptions', 'Microsoft.Resources/subscriptions', (engine, request) => listed(engine, request, [subscriptionView(engine)])],
  ['GET', '/subscriptions/[^/]+', 'Microsoft.Resources/subscriptions', (engine) => ok(subscriptionView(engine))],
  ['GET', '/subscriptions/[^/]+/locations', 'Microsoft.Resources/subscriptions/locations', locations],
];

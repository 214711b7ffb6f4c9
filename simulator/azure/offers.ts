import { sizes } from './catalog.ts';
import type { Engine } from './engine.ts';
import { type Handler, listed, ok, type Route } from './handler.ts';
import { ArmError } from './http.ts';
import { subscriptionId } from './state.ts';

/** What can be had: the terms of images, and VM sizes. */

const termsOf = (engine: Engine, publisher: string, offer: string, plan: string) => ({
  id: `/subscriptions/${subscriptionId}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/${publisher}/offers/${offer}/plans/${plan}/agreements/current`,
  name: plan,
  type: 'Microsoft.MarketplaceOrdering/offertypes',
  properties: {
    publisher,
    product: offer,
    plan,
    licenseTextLink: 'https://example.com/license',
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

const vmSkus: Handler = (engine, request) => {
  const location = /location eq '([^']+)'/.exec(request.query.get('$filter') ?? '')?.[1] ?? 'westus2';
  return listed(
    engine,
    request,
    Object.entries(sizes).map(([name, memoryGb]) => ({
      resourceType: 'virtualMachines',
      name,
      tier: 'Standard',
      size: name.replace('Standard_', ''),
      family: `standard${name.split('_')[1]!.replace(/\d+/, '')}Family`,
      locations: [location],
      locationInfo: [{ location, zones: [], zoneDetails: [] }],
      capabilities: [{ name: 'MemoryGB', value: `${memoryGb}` }],
      restrictions:
        engine.world.variants['azure.restrictedSize'] === name
          ? [{ type: 'Location', values: [location], restrictionInfo: { locations: [location] }, reasonCode: 'NotAvailableForSubscription' }]
          : [],
    })),
  );
};

const sub = '/subscriptions/[^/]+';
const agreement = `${sub}/providers/Microsoft\\.MarketplaceOrdering/offerTypes/virtualmachine/publishers/([^/]+)/offers/([^/]+)/plans/([^/]+)/agreements/current`;

export const offerRoutes: Route[] = [
  [
    'GET',
    agreement,
    'Microsoft.MarketplaceOrdering/agreements',
    (engine, _, [, publisher = '', offer = '', plan = '']) => ok(termsOf(engine, publisher, offer, plan)),
  ],
  ['PUT', agreement, 'Microsoft.MarketplaceOrdering/agreements', acceptTerms],
  ['GET', `${sub}/providers/Microsoft\\.Compute/locations/([^/]+)/vmSizes`, 'Microsoft.Compute/vmSizes', vmSizes],
  ['GET', `${sub}/providers/Microsoft\\.Compute/skus`, 'Microsoft.Compute/skus', vmSkus],
];

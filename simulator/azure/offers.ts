import type { World } from '../world.ts';
import { images, sizes } from './catalogue.ts';
import type { Engine } from './engine.ts';
import { type Handler, ok, type Route, same } from './handler.ts';
import { ArmError } from './http.ts';
import { subscriptionId } from './state.ts';

/** What can be had: images with their terms, and VM sizes. */

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

const imageVersion: Handler = ({ world }, _, [, location = '', publisher = '', offer = '', sku = '', version = '']) => {
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
      imageDeprecationStatus: deprecationOf(world, version),
    },
  });
};

/** Has a publisher given up a version, or does it intend to? */
export function deprecationOf({ quirks }: World, version: string) {
  const [deprecated, day] = (quirks['azure.deprecatedImage'] ?? '').split('@');
  if (deprecated !== version) return { imageState: 'Active' };
  const alternativeOption = { type: 'Plan', value: 'another-plan' };
  return day
    ? { imageState: 'ScheduledForDeprecation', scheduledDeprecationTime: `${day}T00:00:00+00:00`, alternativeOption }
    : { imageState: 'Deprecated', alternativeOption };
}

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

const sub = '/subscriptions/[^/]+';
const agreement = `${sub}/providers/Microsoft\\.MarketplaceOrdering/offerTypes/virtualmachine/publishers/([^/]+)/offers/([^/]+)/plans/([^/]+)/agreements/current`;
const versions = `${sub}/providers/Microsoft\\.Compute/locations/([^/]+)/publishers/([^/]+)/artifacttypes/vmimage/offers/([^/]+)/skus/([^/]+)/versions`;

export const offerRoutes: Route[] = [
  [
    'GET',
    agreement,
    'Microsoft.MarketplaceOrdering/agreements',
    (engine, _, [, publisher = '', offer = '', plan = '']) => ok(termsOf(engine, publisher, offer, plan)),
  ],
  ['PUT', agreement, 'Microsoft.MarketplaceOrdering/agreements', acceptTerms],
  ['GET', versions, 'Microsoft.Compute/images', imageVersions],
  ['GET', `${versions}/([^/]+)`, 'Microsoft.Compute/images', imageVersion],
  ['GET', `${sub}/providers/Microsoft\\.Compute/locations/([^/]+)/vmSizes`, 'Microsoft.Compute/vmSizes', vmSizes],
  ['GET', `${sub}/providers/Microsoft\\.Compute/skus`, 'Microsoft.Compute/skus', vmSkus],
];

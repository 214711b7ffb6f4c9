import type { World } from '../world.ts';
import { images } from './catalog.ts';
import { type Handler, ok, type Route, same } from './handler.ts';
import { ArmError } from './http.ts';
import { subscriptionId } from './state.ts';

/** The marketplace’s images: publisher, offer, SKU, version. Compute lists each as a bare array. */

const levels = ['publisher', 'offer', 'sku', 'version'] as const;
const words = ['Publishers', 'ArtifactTypes/VMImage/Offers', 'Skus', 'Versions'];

const idOf = (location: string, names: string[]): string =>
  [`/Subscriptions/${subscriptionId}/Providers/Microsoft.Compute/Locations/${location}`, ...names.map((name, at) => `${words[at]}/${name}`)].join('/');

/** The images under these names. */
function under(names: string[]) {
  const found = images.filter((image) => names.every((name, at) => same(image[levels[at]!], name)));
  if (found.length === 0) throw new ArmError(404, 'NotFound', 'Artifact: VMImage was not found.');
  return found;
}

/** What there is one level below these names; versions in their order, or the other way round. */
const listBelow: Handler = (_, { query }, [, location = '', ...given]) => {
  const names = given.filter((name) => name !== '');
  const below = [...new Set(under(names).map((image) => image[levels[names.length]!]))];
  const ordered = /desc/i.test(query.get('$orderby') ?? '') ? below.reverse() : below;
  return ok(ordered.slice(0, Number(query.get('$top') ?? below.length)).map((name) => ({ location, name, id: idOf(location, [...names, name]) })));
};

/** Has a publisher given up a version, or does it intend to? */
export function deprecationOf({ variants }: World, version: string) {
  const [deprecated, day] = (variants['azure.deprecatedImage'] ?? '').split('@');
  if (deprecated !== version) return { imageState: 'Active' };
  const alternativeOption = { type: 'Plan', value: 'another-plan' };
  return day
    ? { imageState: 'ScheduledForDeprecation', scheduledDeprecationTime: `${day}T00:00:00+00:00`, alternativeOption }
    : { imageState: 'Deprecated', alternativeOption };
}

const show: Handler = ({ world }, __, [, location = '', ...names]) => {
  const [image] = under(names);
  const { publisher, offer, sku, version, plan } = image!;
  return ok({
    location,
    name: version,
    id: idOf(location, [publisher, offer, sku, version]),
    properties: {
      ...(plan ? { plan: { publisher, name: sku, product: offer } } : {}),
      osDiskImage: { operatingSystem: publisher.startsWith('Microsoft') ? 'Windows' : 'Linux' },
      dataDiskImages: [],
      hyperVGeneration: 'V2',
      imageDeprecationStatus: deprecationOf(world, version),
    },
  });
};

const publishers = '/subscriptions/[^/]+/providers/Microsoft\\.Compute/locations/([^/]+)/publishers';
const offers = `${publishers}/([^/]+)/artifacttypes/vmimage/offers`;
const skus = `${offers}/([^/]+)/skus`;
const versions = `${skus}/([^/]+)/versions`;
const kind = 'Microsoft.Compute/images';

export const imageRoutes: Route[] = [
  ...[publishers, offers, skus, versions].map((path): Route => ['GET', path, kind, listBelow]),
  ['GET', `${versions}/([^/]+)`, kind, show],
];

import { Type } from 'typebox';
import { Check } from 'typebox/value';
import type { ImageVersion } from '../../domain/results.ts';
import type { Azure, AzureClients } from './azure.ts';
import { notAsAzure } from './errors.ts';
import { readStored } from './stored.ts';

/** An image as it is used, and what may speak against it. */
export interface FoundImage<Image = ImageVersion | { id: string }> {
  image: Image;
  /** Active, ScheduledForDeprecation or Deprecated, in Azure’s words; Active where nothing is said. */
  state: string;
  /** The day on which it is deprecated, where that is planned. */
  until?: string;
  /** What its publisher offers in its place. */
  instead?: string;
  /** Sold with a plan of the marketplace, and so with terms. */
  hasPlan: boolean;
  /** Where it can be used, in short names; everywhere when absent. */
  regions?: string[];
}

/** The version of `publisher:offer:sku[:version]` that a machine would get: the one named, or the latest by the order of versions. */
export async function findImage(
  azure: Azure,
  { compute }: AzureClients,
  { region, urn, signal }: { region: string; urn: string; signal: AbortSignal },
): Promise<FoundImage<ImageVersion> | undefined> {
  const [publisher = '', offer = '', sku = '', wanted = 'latest'] = urn.split(':');
  const options = { abortSignal: signal };
  const images = compute.virtualMachineImages;
  const listed = (await azure.look(`listing the versions of ${urn}`, () => images.list(region, publisher, offer, sku, options))) ?? [];
  if (!Check(namedThings, listed)) throw notAsAzure(`listing the versions of ${urn}`, 'a list of versions without names');
  const names = listed.map(({ name }) => name).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const version = wanted === 'latest' ? names.at(-1) : names.find((name) => name === wanted);
  const found = version && (await azure.look(`reading the image ${urn}`, () => images.get(region, publisher, offer, sku, version, options)));
  if (!version || !found) return undefined;
  const { imageState = 'Active', scheduledDeprecationTime, alternativeOption } = found.imageDeprecationStatus ?? {};
  return {
    image: { publisher, offer, sku, version },
    state: imageState,
    ...(scheduledDeprecationTime ? { until: scheduledDeprecationTime.toISOString().slice(0, 10) } : {}),
    ...(alternativeOption?.value ? { instead: alternativeOption.value } : {}),
    hasPlan: found.plan !== undefined,
  };
}

const namedThings = Type.Array(Type.Object({ name: Type.String() }));
/** Of an image’s properties, what says where it can be used. */
const placesTold = Type.Object({
  publishingProfile: Type.Optional(Type.Union([Type.Null(), Type.Object({ targetRegions: Type.Optional(Type.Union([Type.Null(), namedThings])) })])),
});

const shortName = (region: string): string => region.toLowerCase().replaceAll(' ', '');

/** An image that somebody made, such as from Thales’ VHD: usable in its own region, or where its gallery copies it to. */
export async function findStoredImage(azure: Azure, clients: AzureClients, id: string, signal: AbortSignal): Promise<FoundImage<{ id: string }> | undefined> {
  const found = await azure.look(`reading ${id}`, () => readStored(clients, id, signal));
  if (!found) return undefined;
  const properties = found.properties ?? {};
  if (!Check(placesTold, properties)) throw notAsAzure(`reading ${id}`, 'an image whose regions cannot be read');
  const { publishingProfile } = properties;
  const regions = publishingProfile?.targetRegions?.map(({ name }) => name) ?? (found.location ? [found.location] : undefined);
  return { image: { id }, state: 'Active', hasPlan: false, ...(regions ? { regions: regions.map(shortName) } : {}) };
}

import type { ProvisioningRequest } from '../../domain/request.ts';
import type { ImageVersion, StepInput, StepResult } from '../../domain/results.ts';
import { converge, done, refuse } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'check-availability'>;

const usualWindowsImage = 'MicrosoftWindowsDesktop:Windows-10:win10-22h2-pro-g2:latest';
/** Microsoft’s quota for one subscription. */
const quota = { perStamp: 2, perRegion: 4 };

interface Seen {
  /** Other HSMs of the subscription in the region. */
  hsms: { name: string; stamp: string }[];
  sizes: string[];
  windowsImage: ImageVersion | undefined;
  cipherTrustImage: ImageVersion | { id: string } | undefined;
  termsAccepted: boolean;
}

const [windowsSize, cipherTrustSize] = [
  ({ lunaClient }: ProvisioningRequest) => lunaClient.size ?? 'Standard_D2s_v3',
  ({ cipherTrust }: ProvisioningRequest) => cipherTrust.size ?? 'Standard_F4s_v2',
];

/** Everything that is missing, at once. */
export function findings({ hsms, sizes, windowsImage, cipherTrustImage }: Seen, request: ProvisioningRequest): string[] {
  const stamp = request.hsm.stamp ?? 'stamp1';
  const missing = (size: string) => (sizes.includes(size) ? [] : [`the size ${size} is not offered in ${request.azure.region}`]);
  return [
    ...(hsms.length >= quota.perRegion ? [`the region already has ${hsms.length} HSMs of this subscription (${quota.perRegion} are allowed)`] : []),
    ...(hsms.filter((other) => other.stamp === stamp).length >= quota.perStamp ? [`${stamp} already has ${quota.perStamp} HSMs of this subscription`] : []),
    ...missing(windowsSize(request)),
    ...missing(cipherTrustSize(request)),
    ...(windowsImage ? [] : [`there is no image ${request.lunaClient.image ?? usualWindowsImage}`]),
    ...(cipherTrustImage ? [] : [`there is no image ${request.cipherTrust.image}`]),
  ];
}

export const decideCheckAvailability = (seen: Seen, { request }: Pick<Input, 'request'>) => {
  const missing = findings(seen, request);
  if (missing.length > 0)
    return refuse({
      tried: 'checking what is available',
      seen: missing.join('; '),
      source: 'Azure Resource Manager',
      remedy: 'Send a request that asks for what is there; nothing was created.',
    });
  const { windowsImage, cipherTrustImage, termsAccepted } = seen;
  return done<StepResult<'check-availability'>>({
    windowsImage: windowsImage!,
    cipherTrustImage: cipherTrustImage!,
    termsNeeded: !('id' in cipherTrustImage!) && !termsAccepted,
    warnings: [],
  });
};

/** Region, quota, sizes, images and terms, before anything is created. */
export const checkAvailability = ({ azure }: Systems) =>
  converge<Input, Seen, StepResult<'check-availability'>, never>({
    async observe({ request }, { signal }) {
      const { region } = request.azure;
      const clients = await azure.clients(request.azure);
      const options = { abortSignal: signal };
      const resolve = async (urn: string): Promise<ImageVersion | undefined> => {
        const [publisher = '', offer = '', sku = '', version = 'latest'] = urn.split(':');
        const found =
          (await azure.look(`listing the versions of ${urn}`, () => clients.compute.virtualMachineImages.list(region, publisher, offer, sku, options))) ?? [];
        const names = found.map(({ name }) => name!).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
        const chosen = version === 'latest' ? names.at(-1) : names.find((name) => name === version);
        return chosen ? { publisher, offer, sku, version: chosen } : undefined;
      };
      const { image } = request.cipherTrust;
      const cipherTrustImage = image.startsWith('/') ? { id: image } : await resolve(image);
      const terms =
        cipherTrustImage && !('id' in cipherTrustImage)
          ? await azure.look('reading the marketplace terms', () =>
              clients.marketplace.marketplaceAgreements.get(
                'virtualmachine',
                cipherTrustImage.publisher,
                cipherTrustImage.offer,
                cipherTrustImage.sku,
                options,
              ),
            )
          : undefined;
      return {
        hsms: await azure.ask('listing the HSMs of the subscription', async () => {
          const all = await collect(clients.hsms.dedicatedHsmOperations.listBySubscription(options));
          return all
            .filter(({ name, location }) => location === region && name !== request.hsm.name)
            .map(({ name, stampId }) => ({ name: name!, stamp: stampId ?? '' }));
        }),
        sizes: await azure.ask(`listing the sizes in ${region}`, async () =>
          (await collect(clients.compute.virtualMachineSizes.list(region, options))).map(({ name }) => name ?? ''),
        ),
        windowsImage: await resolve(request.lunaClient.image ?? usualWindowsImage),
        cipherTrustImage,
        termsAccepted: terms?.accepted === true,
      };
    },
    decide: decideCheckAvailability,
    act: {},
  });

async function collect<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of pages) all.push(item);
  return all;
}

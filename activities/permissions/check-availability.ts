import { Type } from 'typebox';
import { cipherTrustHost, windowsHost } from '../../domain/hosts.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { ImageVersion, StepInput, StepResult } from '../../domain/results.ts';
import { rsaBits } from '../../domain/rules/ssh-key.ts';
import type { Azure } from '../../systems/azure/azure.ts';
import { type FoundImage, findImage, findStoredImage } from '../../systems/azure/images.ts';
import { restrictions } from '../../systems/azure/sizes.ts';
import { readStored, sshKeyId } from '../../systems/azure/stored.ts';
import { readFields } from '../../systems/foreign.ts';
import { hsmIdOf } from '../asked-hsm.ts';
import { converge, done, refuse } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'check-availability'>;

const usualWindowsImage = 'MicrosoftWindowsDesktop:Windows-10:win10-22h2-pro-g2:latest';
/** Microsoft’s usual quota for one subscription (docs/reference/azure.md#quota): it may be another for this one, and nothing tells it before an HSM is deployed. */
const quota = { perStamp: 2, perRegion: 4 };
/** Thales’ minimum for CipherTrust Manager (docs/reference/ciphertrust.md#machine-size). The runbook’s own Standard_F4s_v2 has half of it. */
const minimumMemoryGb = 16;

interface Seen {
  /** The machines that are there already: nothing has to be had for them. */
  machines: string[];
  /** The HSM is there already: it counts already. */
  hsmThere: boolean;
  /** Other HSMs of the subscription in the region. */
  hsms: { name: string; stamp: string }[];
  sizes: { name: string; memoryGb: number }[];
  /** Those of the two sizes asked for that the subscription may not use here, with Azure’s reason. */
  restricted: { size: string; reason: string }[];
  windowsImage: FoundImage<ImageVersion> | undefined;
  cipherTrustImage: FoundImage | undefined;
  termsAccepted: boolean;
  /** Where the terms can be read, if they are not accepted. */
  termsLink?: string;
  /** Disk encryption sets that the request names, each with its region; without one where it is not there. */
  encryptionSets: { id: string; region?: string }[];
  /** ksadmin’s public key, where the request names one that is stored in Azure; empty where it is not there. */
  keyInAzure?: string;
}

const encryptionSetsOf = ({ lunaClient, cipherTrust }: ProvisioningRequest): string[] => [
  ...new Set([lunaClient, cipherTrust].flatMap(({ disk }) => disk?.encryptionSet ?? [])),
];

/** Everything that is missing, at once. */
export function findings(
  { machines, restricted, sizes, windowsImage, cipherTrustImage, encryptionSets, keyInAzure }: Seen,
  request: ProvisioningRequest,
): string[] {
  const { region } = request.azure;
  const [windows, cipherTrust] = [windowsHost(request), cipherTrustHost(request)];
  const toMake = [windows, cipherTrust].filter(({ name }) => !isThere(machines, name));
  const images = [
    { host: windows, found: windowsImage, named: request.lunaClient.image ?? usualWindowsImage },
    { host: cipherTrust, found: cipherTrustImage, named: request.cipherTrust.image },
  ].filter(({ host }) => toMake.includes(host));
  return [
    ...toMake.flatMap(({ size }) => (sizes.some(({ name }) => isSame(name, size)) ? [] : [`the size ${size} is not offered in ${region}`])),
    ...restricted
      .filter((found) => toMake.some(({ size }) => isSame(size, found.size)))
      .map(({ size, reason }) => `the size ${size} may not be used in ${region}: ${reason}`),
    ...images.flatMap(({ found, named }) => imageFindings(found, named, region)),
    ...(windowsImage?.hasPlan && toMake.includes(windows) ? ['the image of the Windows host needs a marketplace plan, which this service does not buy'] : []),
    ...encryptionSets.flatMap(({ id, region: elsewhere }) => {
      const name = id.split('/').at(-1);
      if (elsewhere === undefined) return [`there is no disk encryption set ${name}`];
      return isSame(elsewhere, region) ? [] : [`the disk encryption set ${name} is in ${elsewhere}`];
    }),
    ...(keyInAzure === undefined ? [] : keyFindings(keyInAzure, request.cipherTrust.sshKeyInAzure!)),
  ];
}

const isThere = (machines: string[], name: string): boolean => machines.some((machine) => isSame(machine, name));

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

function imageFindings(found: FoundImage | undefined, named: string, region: string): string[] {
  if (!found) return [`no image ${named}`];
  const { state, instead, regions = [region] } = found;
  return [
    ...(isSame(state, 'Deprecated')
      ? [`the image ${nameOf(found)} is deprecated and cannot be used for a new machine${instead ? ` (replacement: ${instead})` : ''}`]
      : []),
    ...(regions.includes(region) ? [] : [`the image ${nameOf(found)} is in ${regions.join(', ')}`]),
  ];
}

const nameOf = ({ image }: FoundImage): string =>
  'id' in image ? image.id.split('/').at(-1)! : `${image.publisher}:${image.offer}:${image.sku}:${image.version}`;

function keyFindings(publicKey: string, name: string): string[] {
  if (publicKey === '') return [`there is no SSH key ${name}`];
  return (rsaBits(publicKey) ?? 0) >= 2048 ? [] : [`the SSH key ${name} is not RSA with 2048 bits or more`];
}

function quotaWarnings({ hsmThere, hsms }: Seen, { hsm, azure }: ProvisioningRequest): string[] {
  if (hsmThere) return [];
  // With a template of the user’s own the stamp is not known here.
  const stamp = hsm.template ? undefined : (hsm.stamp ?? 'stamp1');
  const inStamp = hsms.filter((other) => other.stamp === stamp).length;
  const warning = (place: string, count: number, usual: number) =>
    `HSMs of this subscription already in ${place}: ${count}. Microsoft’s usual quota is ${usual}. Unless it was raised, the deployment will fail.`;
  return [
    ...(hsms.length >= quota.perRegion ? [warning(azure.region, hsms.length, quota.perRegion)] : []),
    ...(stamp && inStamp >= quota.perStamp ? [warning(stamp, inStamp, quota.perStamp)] : []),
  ];
}

/** What is there, but less than what is recommended, or not for long. */
function warningsOf(seen: Seen, request: ProvisioningRequest): string[] {
  const { sizes, windowsImage, cipherTrustImage } = seen;
  const size = sizes.find(({ name }) => isSame(name, cipherTrustHost(request).size));
  return [
    ...quotaWarnings(seen, request),
    ...(size && size.memoryGb < minimumMemoryGb
      ? [`${size.name} has ${size.memoryGb} GB of memory; Thales’ minimum for CipherTrust Manager is ${minimumMemoryGb} GB.`]
      : []),
    ...[windowsImage, cipherTrustImage].flatMap((found) =>
      found?.state.toLowerCase() === 'scheduledfordeprecation'
        ? [
            `The image ${nameOf(found)} can be used until ${found.until ?? 'its publisher deprecates it'}${found.instead ? `; in its place: ${found.instead}` : ''}.`,
          ]
        : [],
    ),
  ];
}

export const decideCheckAvailability = (seen: Seen, { request }: Pick<Input, 'request'>) => {
  const missing = findings(seen, request);
  if (missing.length > 0)
    return refuse({
      code: 'AZURE_NOT_OFFERED',
      tried: 'checking what is available',
      summary: missing.join('; '),
      remedy:
        'Nothing was created. Retry with an amendment that asks for what is offered, such as /lunaClient/size or /cipherTrust/image. For another region or SSH key, abort and send the request again.',
    });
  const { termsAccepted, termsLink, keyInAzure } = seen;
  // What a machine that is there was made of may be gone.
  const windowsImage = seen.windowsImage?.image ?? imageNamed(request.lunaClient.image ?? usualWindowsImage);
  const cipherTrustImage = seen.cipherTrustImage?.image ?? imageOf(request.cipherTrust.image);
  // Nothing is bought for a machine that is there; the terms of an image that is gone could not even be accepted.
  const termsNeeded = !('id' in cipherTrustImage) && !isThere(seen.machines, request.cipherTrust.vmName) && !termsAccepted;
  if (termsNeeded && request.cipherTrust.acceptTerms !== true)
    return refuse({
      code: 'AZURE_TERMS_NOT_ACCEPTED',
      tried: `using the image ${request.cipherTrust.image}`,
      summary: 'its marketplace terms are not accepted in this subscription, and the request does not allow this service to accept them',
      remedy: `Read them (${termsLink ?? 'in the Azure Marketplace'}) and accept them with az vm image terms accept, then retry; or retry with an amendment of /cipherTrust/acceptTerms to true.`,
    });
  return done<StepResult<'check-availability'>>({
    windowsImage,
    cipherTrustImage,
    termsNeeded,
    warnings: warningsOf(seen, request),
    ...(keyInAzure === undefined ? {} : { cipherTrustPublicKey: keyInAzure }),
  });
};

/** An image as it is named in a request. */
function imageNamed(urn: string): ImageVersion {
  const [publisher = '', offer = '', sku = '', version = 'latest'] = urn.split(':');
  return { publisher, offer, sku, version };
}
const imageOf = (image: string): ImageVersion | { id: string } => (image.startsWith('/') ? { id: image } : imageNamed(image));

/** Everything that can be found out about what a request needs. */
export async function observeAvailability(azure: Azure, request: ProvisioningRequest, signal: AbortSignal): Promise<Seen> {
  const { region } = request.azure;
  const clients = await azure.clients(request.azure);
  const options = { abortSignal: signal };
  const { image } = request.cipherTrust;
  const stored = (id: string) => azure.look(`reading ${id}`, () => readStored(clients, id, signal));
  const resolve = (urn: string) => findImage(azure, clients, { region, urn, signal });
  const cipherTrustImage = await (image.startsWith('/') ? findStoredImage(azure, clients, image, signal) : resolve(image));
  const offered = cipherTrustImage && !('id' in cipherTrustImage.image) ? cipherTrustImage.image : undefined;
  const { sshKeyInAzure } = request.cipherTrust;
  const key = sshKeyInAzure && (await stored(sshKeyId(sshKeyInAzure, request.azure)));
  const terms =
    offered &&
    (await azure.look('reading the marketplace terms', () =>
      clients.marketplace.marketplaceAgreements.get('virtualmachine', offered.publisher, offered.offer, offered.sku, options),
    ));
  const devices = await azure.ask('listing the HSMs of the subscription', () => collect(clients.hsms.dedicatedHsmOperations.listBySubscription(options)));
  const machines = [windowsHost(request).name, cipherTrustHost(request).name].map(async (name) =>
    (await azure.look(`reading ${name}`, () => clients.compute.virtualMachines.get(request.azure.resourceGroup, name, options))) ? [name] : [],
  );
  const isOurs = ({ id = '' }: { id?: string }) => isSame(id, hsmIdOf(request));
  return {
    machines: (await Promise.all(machines)).flat(),
    hsmThere: devices.some(isOurs),
    hsms: devices.filter((device) => isSame(device.location ?? '', region) && !isOurs(device)).map(({ name = '', stampId = '' }) => ({ name, stamp: stampId })),
    sizes: await azure.ask(`listing the sizes in ${region}`, async () =>
      (await collect(clients.compute.virtualMachineSizes.list(region, options))).map(({ name, memoryInMB }) => ({
        name: name ?? '',
        memoryGb: Math.floor((memoryInMB ?? 0) / 1024),
      })),
    ),
    restricted: await azure.ask(`reading which sizes may be used in ${region}`, () =>
      restrictions(clients, region, [windowsHost(request).size, cipherTrustHost(request).size], signal),
    ),
    windowsImage: await resolve(request.lunaClient.image ?? usualWindowsImage),
    cipherTrustImage,
    termsAccepted: terms?.accepted === true,
    ...(terms?.licenseTextLink ? { termsLink: terms.licenseTextLink } : {}),
    encryptionSets: await Promise.all(
      encryptionSetsOf(request).map(async (id) => {
        const found = await stored(id);
        return { id, ...(found?.location ? { region: found.location } : {}) };
      }),
    ),
    ...(sshKeyInAzure === undefined ? {} : { keyInAzure: key ? (readFields({ publicKey: Type.String() }, key.properties).publicKey ?? '') : '' }),
  };
}

/** Region, quota, sizes, images and terms, before anything is created. */
export const checkAvailability = ({ azure }: Systems) =>
  converge<Input, Seen, StepResult<'check-availability'>, never>({
    observe: ({ request }, { signal }) => observeAvailability(azure, request, signal),
    decide: decideCheckAvailability,
    act: {},
  });

async function collect<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of pages) all.push(item);
  return all;
}

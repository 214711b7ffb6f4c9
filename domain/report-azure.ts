import { cipherTrustHost, diskText, type HostWanted, windowsHost } from './hosts.ts';
import type { ReportDraft } from './report.ts';
import type { ImageVersion, VmInfo } from './results.ts';
import { allWith, lastWith } from './step-results.ts';

export interface ReportedHost extends HostWanted {
  /** `publisher:offer:sku:version`, or the id of an image. */
  image?: string;
  privateAddress: string;
  publicAddress?: string;
}

/** What the report says about Azure: where, as what, with which template. */
export interface ReportedAzure {
  subscriptionId: string;
  resourceGroup: string;
  region: string;
  network: string;
  access: 'public' | 'private';
  tags?: Record<string, string>;
  hsmId?: string;
  deployment?: {
    id: string;
    /** As Azure works it out. */
    templateHash: string;
    /** SHA-256 of the user’s own template, where one was deployed. */
    templateSha256?: string;
    gatewayWasThere: boolean;
  };
  hosts: ReportedHost[];
  /** What was closed at the end. */
  closed?: { removedRules: string[]; deallocated: boolean };
}

const imageText = (image: ImageVersion | { id: string } | undefined): { image?: string } =>
  image ? { image: 'id' in image ? image.id : [image.publisher, image.offer, image.sku, image.version].join(':') } : {};

/** The machine of that name, which is the end of its id. */
const hostOf = (wanted: HostWanted, machines: VmInfo[], image: ImageVersion | { id: string } | undefined): ReportedHost[] =>
  machines
    .filter(({ id }) => id.toLowerCase().endsWith(`/${wanted.name.toLowerCase()}`))
    .map(({ privateAddress, publicAddress }) => ({ ...wanted, ...imageText(image), privateAddress, ...(publicAddress ? { publicAddress } : {}) }));

export function azureOf({ request, results }: ReportDraft): ReportedAzure {
  const { subscriptionId, resourceGroup, region, access, tags } = request.azure;
  const deployed = lastWith(results, 'deploymentId');
  const verified = lastWith(results, 'hsmId');
  const available = lastWith(results, 'windowsImage');
  const closed = lastWith(results, 'removedRules');
  const machines = allWith(results, 'privateAddress');
  const withId = ({ deploymentId: id, warnings: _, ...more }: NonNullable<typeof deployed>) => ({ id, ...more });
  return {
    subscriptionId,
    resourceGroup,
    region,
    network: request.network.name,
    access,
    ...(tags ? { tags } : {}),
    ...(verified ? { hsmId: verified.hsmId } : {}),
    ...(deployed ? { deployment: withId(deployed) } : {}),
    hosts: [...hostOf(windowsHost(request), machines, available?.windowsImage), ...hostOf(cipherTrustHost(request), machines, available?.cipherTrustImage)],
    ...(closed ? { closed } : {}),
  };
}

/** The same for people, one line each. */
export function azureLines({ subscriptionId, resourceGroup, region, network, access, tags, hsmId, deployment, hosts, closed }: ReportedAzure): string[] {
  const own = deployment?.templateSha256;
  return [
    `Subscription ${subscriptionId}, resource group ${resourceGroup} in ${region}, network ${network}, ${access} access`,
    ...(tags
      ? [
          `Tags: ${Object.entries(tags)
            .map(([name, value]) => `${name}=${value}`)
            .join(', ')}`,
        ]
      : []),
    ...(hsmId ? [`HSM ${hsmId}`] : []),
    ...(deployment
      ? [
          `Deployment ${deployment.id}, template hash ${deployment.templateHash}${own ? `, the customer’s own template with SHA-256 ${own}` : ''}${deployment.gatewayWasThere ? '; the gateway was there before' : ''}`,
        ]
      : []),
    ...hosts.map(
      ({ name, size, disk, image, privateAddress, publicAddress }) =>
        `Virtual machine ${name}: ${size}, ${diskText(disk)}${image ? `, ${image}` : ''}, ${privateAddress}${publicAddress ? ` (public ${publicAddress})` : ''}`,
    ),
    ...(closed && closed.removedRules.length > 0
      ? [`Closed at the end: ${closed.removedRules.join(', ')}${closed.deallocated ? '; the Windows host is deallocated' : ''}`]
      : []),
  ];
}

import { randomUUID } from 'node:crypto';
import type { World } from '../../world.ts';
import { images, sizes } from '../catalog.ts';
import type { Engine } from '../engine.ts';
import { ArmError } from '../http.ts';
import { deprecationOf } from '../images.ts';
import type { Resource } from '../state.ts';
import { asWritten } from '../wording.ts';
import type { Kind } from './kind.ts';

interface ImageReference {
  id?: string;
  publisher?: string;
  offer?: string;
  sku?: string;
  version?: string;
  exactVersion?: string;
}
interface MachineProperties {
  vmId?: string;
  hardwareProfile?: { vmSize?: string };
  storageProfile?: { imageReference?: ImageReference; osDisk?: Record<string, unknown> };
  osProfile?: {
    computerName?: string;
    adminUsername?: string;
    adminPassword?: string;
    customData?: string;
    linuxConfiguration?: { ssh?: { publicKeys?: { keyData: string }[] } };
  };
  networkProfile?: { networkInterfaces?: { id: string }[] };
}
const propertiesOf = ({ properties }: Resource): MachineProperties => properties as MachineProperties;

export const isWindows = (resource: Resource): boolean =>
  propertiesOf(resource).storageProfile?.imageReference?.publisher?.toLowerCase().startsWith('microsoftwindows') ?? false;

/** The private and public address of a machine, from its interface. */
export function addressesOf(engine: Engine, resource: Resource): { privateAddress: string; publicAddress?: string } {
  const nic = engine.need(propertiesOf(resource).networkProfile?.networkInterfaces?.[0]?.id ?? '');
  const [configuration] = nic.properties['ipConfigurations'] as { properties: { privateIPAddress: string; publicIPAddress?: { id: string } } }[];
  const publicId = configuration!.properties.publicIPAddress?.id;
  const publicAddress = publicId && (engine.find(publicId)?.properties['ipAddress'] as string);
  return { privateAddress: configuration!.properties.privateIPAddress, ...(publicAddress ? { publicAddress } : {}) };
}

function checkImage(engine: Engine, resource: Resource, image: ImageReference): void {
  if (image.id) return;
  const known = images.filter(
    ({ publisher, offer, sku }) => `${publisher}/${offer}/${sku}`.toLowerCase() === `${image.publisher}/${image.offer}/${image.sku}`.toLowerCase(),
  );
  const found = image.version === 'latest' ? known.at(-1) : known.find(({ version }) => version === image.version);
  if (!found)
    throw new ArmError(
      404,
      'PlatformImageNotFound',
      `The platform image '${image.publisher}:${image.offer}:${image.sku}:${image.version}' is not available. Verify that all fields in the storage profile are correct.`,
    );
  if (deprecationOf(engine.world, found.version).imageState === 'Deprecated')
    throw new ArmError(
      400,
      'ImageVersionDeprecated',
      `VM Image from publisher: ${image.publisher} with - Offer: ${image.offer}, Sku: ${image.sku}, Version: ${found.version} is deprecated.`,
    );
  image.exactVersion = found.version;
  if (!found.plan) return;
  if (resource.plan?.['name'] !== image.sku || resource.plan?.['product'] !== image.offer)
    throw new ArmError(400, 'VMMarketplaceInvalidInput', 'Creating a virtual machine from Marketplace image requires Plan information in the request.');
  if (!engine.state.terms[`${image.publisher}/${image.offer}/${image.sku}`])
    throw new ArmError(
      400,
      'ResourcePurchaseValidationFailed',
      `User failed validation to purchase resources. Error message: 'You have not accepted the legal terms on this subscription: '${engine.state.credentials.tenantId}' for this plan. Before the subscription can be used, you need to accept the legal terms of the image.'`,
    );
}

const virtualMachine: Kind = {
  polling: 'operation',
  location: 'Microsoft.Compute',
  prepare(engine, resource, old) {
    const properties = propertiesOf(resource);
    if (!Object.hasOwn(sizes, properties.hardwareProfile?.vmSize ?? ''))
      throw new ArmError(400, 'SkuNotAvailable', `The requested VM size ${properties.hardwareProfile?.vmSize} is not available in the current region.`);
    checkImage(engine, resource, properties.storageProfile?.imageReference ?? {});
    addressesOf(engine, resource);
    if (isWindows(resource) && (properties.osProfile?.computerName ?? resource.name).length > 15)
      throw new ArmError(400, 'InvalidParameter', 'Windows computer name cannot be more than 15 characters long.');
    const { osDisk } = properties.storageProfile ?? {};
    if (osDisk) osDisk['createOption'] = asWritten(osDisk['createOption'], ['FromImage', 'Empty', 'Attach', 'Copy', 'Restore']);
    properties.vmId = (old?.properties['vmId'] as string | undefined) ?? randomUUID();
    if (old) return 0.1;
    Object.assign(resource, { machine: 'wanted', power: 'running' });
    if (engine.armed('Microsoft.Compute/virtualMachines/agent')) resource.agentIsDead = true;
    return engine.world.durations.virtualMachine;
  },
  running: (_, { powerAt }) => (powerAt === undefined ? 'Creating' : 'Updating'),
  show(_, resource, provisioningState) {
    const { osProfile, ...rest } = structuredClone(propertiesOf(resource));
    if (osProfile) {
      delete osProfile.adminPassword;
      delete osProfile.customData;
    }
    return { ...rest, ...(osProfile ? { osProfile } : {}), provisioningState, timeCreated: new Date(resource.startedAt).toISOString() };
  },
  removed(engine, resource) {
    if (engine.find(propertiesOf(resource).networkProfile?.networkInterfaces?.[0]?.id ?? '')) engine.world.scrap(addressesOf(engine, resource).privateAddress);
  },
  async switchOn(engine, resource) {
    const { privateAddress: address, publicAddress } = addressesOf(engine, resource);
    const { osProfile } = propertiesOf(resource);
    const { machines, windowsHosts, cipherTrusts } = engine.world;
    const machine = isWindows(resource)
      ? (windowsHosts.get(address) ??
        (await machines.windowsHost({
          name: resource.name,
          address,
          adminUser: osProfile?.adminUsername ?? '',
          adminPassword: osProfile?.adminPassword ?? '',
        })))
      : (cipherTrusts.get(address) ??
        (await machines.cipherTrust({
          name: resource.name,
          address,
          adminUser: osProfile?.adminUsername ?? '',
          sshPublicKey: osProfile?.linuxConfiguration?.ssh?.publicKeys?.[0]?.keyData ?? '',
          ...(osProfile?.customData ? { customData: osProfile.customData } : {}),
        })));
    if (publicAddress) machine.attach(publicAddress);
  },
};

function powerOf({ variants }: World, { power = 'running', powerAt = 0 }: Resource): string {
  if (Date.now() >= powerAt) return power;
  if (variants['azure.powerShown'] === 'late') return power === 'running' ? 'deallocated' : 'running';
  return { running: 'starting', stopped: 'stopping', deallocated: 'deallocating' }[power];
}

/** What `…/instanceView` shows. */
export function instanceView(engine: Engine, resource: Resource): Record<string, unknown> {
  const state = engine.provisioningState(resource);
  const time = new Date(Math.min(Date.now(), resource.readyAt)).toISOString();
  const isOn = isWindows(resource) && engine.world.windowsHosts.has(addressesOf(engine, resource).privateAddress);
  const agentReady = isOn && !resource.agentIsDead && Date.now() >= resource.readyAt + engine.world.clock.realMs(engine.world.durations.agentReady);
  const status = (code: string, displayStatus: string) => ({ code, level: 'Info', displayStatus, time });
  const power = powerOf(engine.world, resource);
  return {
    computerName: resource.name,
    ...(isWindows(resource)
      ? {
          vmAgent: {
            vmAgentVersion: agentReady ? '2.7.41491.1117' : 'Unknown',
            statuses: [
              agentReady
                ? status('ProvisioningState/succeeded', 'Ready')
                : {
                    ...status('ProvisioningState/Unavailable', 'Not Ready'),
                    level: 'Warning',
                    message: 'VM status blob is found but not yet populated.',
                  },
            ],
          },
        }
      : {}),
    disks: [],
    statuses: [
      resource.failure && state === 'Failed'
        ? { ...status(`ProvisioningState/failed/${resource.failure.code}`, 'Provisioning failed'), level: 'Error', message: resource.failure.message }
        : status(`ProvisioningState/${state.toLowerCase()}`, `Provisioning ${state.toLowerCase()}`),
      ...(['Succeeded', 'Updating'].includes(state) ? [status(`PowerState/${power}`, `VM ${power}`)] : []),
    ],
  };
}

/** What only lies there: an image made from a VHD, a public key, a disk encryption set. */
const stored: Kind = { polling: 'operation', location: 'Microsoft.Compute', prepare: () => 0 };

export const compute: Record<string, Kind> = {
  'microsoft.compute/virtualmachines': virtualMachine,
  'microsoft.compute/diskencryptionsets': stored,
  'microsoft.compute/images': stored,
  'microsoft.compute/galleries/images/versions': stored,
  'microsoft.compute/sshpublickeys': stored,
};

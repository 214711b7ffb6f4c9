import type { Engine } from '../engine.ts';
import { ArmError } from '../http.ts';
import { parseId } from '../ids.ts';
import type { Resource } from '../state.ts';
import type { Kind } from './kind.ts';
import { allocate, findSubnet, isExpressRoute, networkOf } from './network.ts';

const delegation = 'Microsoft.HardwareSecurityModules/dedicatedHSMs';
const ready = 'The Dedicated HSM device is provisioned successfully and ready to use.';

interface HsmProperties {
  networkProfile?: { subnet?: { id: string }; networkInterfaces?: { id?: string; privateIpAddress?: string }[] };
  stampId?: string;
}
const propertiesOf = ({ properties }: Resource): HsmProperties => properties as HsmProperties;

/** The private address that it has, or shall have. */
export const addressOf = (resource: Resource): string | undefined => propertiesOf(resource).networkProfile?.networkInterfaces?.[0]?.privateIpAddress;

/** How far the delivery has come, 0 to 1. */
const progress = ({ startedAt, readyAt }: Resource): number => (Date.now() - startedAt) / Math.max(1, readyAt - startedAt);

function stage(resource: Resource): { state: string; message: string } {
  const done = progress(resource);
  if (done < 0.05 || !propertiesOf(resource).networkProfile?.networkInterfaces?.[0]?.id)
    return { state: 'CheckingQuota', message: 'Resource creation in progress. Validating subscription device quota...' };
  if (done < 0.25) return { state: 'Connecting', message: 'Resource creation in progress. Connecting the device to the virtual network...' };
  return { state: 'Provisioning', message: 'Resource creation in progress. Configuring the device...' };
}

/** What only shows when the device is connected: the reasons that Azure gives late. */
function lateProblem(engine: Engine, resource: Resource): string | undefined {
  const subnetId = propertiesOf(resource).networkProfile?.subnet?.id ?? '';
  const subnet = findSubnet(engine, subnetId);
  if (!subnet) return `The subnet ${subnetId} was not found.`;
  if (!subnet.properties.delegations?.some(({ properties }) => properties.serviceName.toLowerCase() === delegation.toLowerCase()))
    return `The subnet ${subnet.name} is not delegated to ${delegation}.`;
  const network = subnetId.replace(/\/subnets\/.*$/i, '').toLowerCase();
  const gateway = engine.all('Microsoft.Network/virtualNetworkGateways').find((candidate) => networkOf(candidate) === network && isExpressRoute(candidate));
  if (!gateway || engine.provisioningState(gateway) !== 'Succeeded') return 'The virtual network has no ExpressRoute gateway that is ready.';
  const inRegion = engine.all(delegation).filter(({ location, failure }) => location === resource.location && !failure);
  if (inRegion.length > 4 || inRegion.filter((other) => propertiesOf(other).stampId === propertiesOf(resource).stampId).length > 2)
    return 'The subscription’s device quota is used up.';
  return undefined;
}

/** Whether or not anybody polls. */
function endDeletion(engine: Engine, resource: Resource): void {
  const { deletion } = resource;
  if (!deletion || Date.now() < deletion.endsAt) return;
  delete resource.deletion;
  if (deletion.refused === undefined) engine.remove(resource.id);
  else resource.failure = { code: 'Conflict', message: deletion.refused };
  engine.world.changed();
}

const dedicatedHsm: Kind = {
  polling: 'body',
  failsEarly: true,
  prepare(engine, resource, old) {
    if (!/^[a-zA-Z0-9-]{3,24}$/.test(resource.name))
      throw new ArmError(400, 'InvalidResourceName', `The name ${resource.name} is not valid for a dedicated HSM.`);
    if (resource.sku?.['name'] !== 'SafeNet Luna Network HSM A790')
      throw new ArmError(400, 'InvalidSku', `The SKU ${resource.sku?.['name']} is not available.`);
    if (engine.state.feature !== 'Registered')
      throw new ArmError(
        409,
        'SubscriptionNotRegisteredForFeature',
        'The subscription is not registered for the feature Microsoft.HardwareSecurityModules/AzureDedicatedHSM.',
      );
    const properties = propertiesOf(resource);
    properties.stampId ??= 'stamp1';
    if (old && !old.failure) {
      resource.properties = old.properties;
      resource.tags = { ...old.tags, ...resource.tags };
      return 0;
    }
    resource.machine = 'wanted';
    return engine.world.durations.hsm;
  },
  running: (_, resource) => stage(resource).state,
  show(_, resource, provisioningState) {
    const { networkProfile, stampId } = propertiesOf(resource);
    const messages: Record<string, string> = { Succeeded: ready, Failed: resource.failure?.message ?? '', Deleting: 'Resource deletion in progress.' };
    const message = messages[provisioningState] ?? stage(resource).message;
    return { networkProfile, provisioningState, statusMessage: message, stampId };
  },
  /** The device gets its interface once it is connected; a deletion ends when it is due. */
  advance(engine, resource) {
    endDeletion(engine, resource);
    if (resource.deletion || resource.failure || resource.orphaned || engine.find(resource.id) !== resource || progress(resource) < 0.05) return;
    const nicId = resource.id.replace(/\/providers\/.*$/, `/providers/Microsoft.Network/networkInterfaces/${resource.name}_HSMnic`);
    if (engine.find(nicId)) return;
    const problem = lateProblem(engine, resource);
    if (problem) {
      resource.failure = { code: 'DedicatedHsmProvisioningFailed', message: problem };
      return engine.world.changed();
    }
    const profile = propertiesOf(resource).networkProfile!;
    const subnetId = profile.subnet!.id;
    const address = allocate(engine, subnetId, profile.networkInterfaces?.[0]?.privateIpAddress, nicId);
    engine.put(parseId(nicId)!, {
      location: resource.location,
      properties: {
        ipConfigurations: [{ name: 'HSMipConfig', properties: { privateIPAllocationMethod: 'Static', privateIPAddress: address, subnet: { id: subnetId } } }],
      },
    });
    profile.networkInterfaces = [{ id: nicId, privateIpAddress: address }];
  },
  removed(engine, resource) {
    const [nic] = propertiesOf(resource).networkProfile?.networkInterfaces ?? [];
    if (nic?.id) engine.remove(nic.id);
    if (nic?.privateIpAddress) engine.world.scrap(nic.privateIpAddress);
  },
  async switchOn(engine, resource) {
    const address = propertiesOf(resource).networkProfile!.networkInterfaces![0]!.privateIpAddress!;
    if (!engine.world.appliances.has(address)) await engine.world.machines.appliance({ name: resource.name, address });
  },
};

export const hsm: Record<string, Kind> = { 'microsoft.hardwaresecuritymodules/dedicatedhsms': dedicatedHsm };

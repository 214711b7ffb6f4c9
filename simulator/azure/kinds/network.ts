import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine.ts';
import { ArmError } from '../http.ts';
import type { Resource } from '../state.ts';
import type { Kind } from './kind.ts';
import { securityGroup } from './security-group.ts';
import { usual } from './usual.ts';

export interface Subnet {
  id: string;
  name: string;
  etag?: string;
  properties: { addressPrefix: string; delegations?: { name: string; properties: { serviceName: string } }[]; networkSecurityGroup?: { id: string } } & Record<
    string,
    unknown
  >;
}
interface IpConfiguration {
  id?: string;
  name: string;
  properties: {
    primary?: boolean;
    privateIPAllocationMethod?: string;
    privateIPAddress?: string;
    subnet?: { id: string };
    publicIPAddress?: { id: string };
  } & Record<string, unknown>;
}
interface Reference {
  id: string;
}

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const addressOf = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

export const subnetsOf = (network: Resource): Subnet[] => (network.properties['subnets'] ?? []) as Subnet[];

export function findSubnet(engine: Engine, id: string): Subnet | undefined {
  const network = engine.find(id.replace(/\/subnets\/[^/]+$/i, ''));
  return network && subnetsOf(network).find((subnet) => subnet.id.toLowerCase() === id.toLowerCase());
}

/** Every private address that is taken in a subnet. */
function taken(engine: Engine, subnetId: string, but: string): string[] {
  return engine
    .all('Microsoft.Network/networkInterfaces')
    .filter(({ id }) => id.toLowerCase() !== but.toLowerCase())
    .flatMap(({ properties }) => properties['ipConfigurations'] as IpConfiguration[])
    .filter(({ properties }) => properties.subnet?.id.toLowerCase() === subnetId.toLowerCase())
    .map(({ properties }) => properties.privateIPAddress ?? '');
}

/** The wanted address if it is free, else the first free one: Azure starts at the fourth. */
export function allocate(engine: Engine, subnetId: string, wanted: string | undefined, owner: string): string {
  const subnet = findSubnet(engine, subnetId);
  if (!subnet)
    throw new ArmError(
      400,
      'InvalidResourceReference',
      `Resource ${subnetId} referenced by resource ${owner} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.`,
    );
  const used = taken(engine, subnetId, owner);
  const [base = '', bits = '24'] = subnet.properties.addressPrefix.split('/');
  const [first, size] = [numberOf(base), 2 ** (32 - Number(bits))];
  if (wanted !== undefined) {
    if (used.includes(wanted))
      throw new ArmError(
        400,
        'PrivateIPAddressInUse',
        `IP configuration ${owner} is using the private IP address ${wanted} which is already allocated to another resource.`,
      );
    if (numberOf(wanted) < first + 4 || numberOf(wanted) >= first + size - 1)
      throw new ArmError(
        400,
        'PrivateIPAddressNotInSubnet',
        `Private static IP address ${wanted} does not belong to the range of subnet prefix ${subnet.properties.addressPrefix}.`,
      );
    return wanted;
  }
  for (let at = first + 4; at < first + size - 1; at++) if (!used.includes(addressOf(at))) return addressOf(at);
  throw new ArmError(400, 'SubnetIsFull', `Subnet ${subnet.name} with address prefix ${subnet.properties.addressPrefix} does not have enough capacity.`);
}

function completeSubnet(networkId: string, subnet: Subnet): Subnet {
  const id = `${networkId}/subnets/${subnet.name}`;
  const delegations = (subnet.properties.delegations ?? []).map((delegation) => ({
    ...delegation,
    id: `${id}/delegations/${delegation.name}`,
    type: 'Microsoft.Network/virtualNetworks/subnets/delegations',
    properties: {
      ...delegation.properties,
      provisioningState: 'Succeeded',
      actions: ['Microsoft.Network/networkinterfaces/*', 'Microsoft.Network/virtualNetworks/subnets/join/action'],
    },
  }));
  return {
    id,
    name: subnet.name,
    etag: `W/"${randomUUID()}"`,
    properties: {
      privateEndpointNetworkPolicies: 'Disabled',
      privateLinkServiceNetworkPolicies: 'Enabled',
      ...subnet.properties,
      delegations,
      provisioningState: 'Succeeded',
    },
  };
}

/** One operation at a time in a network, its subnets included. */
function onlyOne(engine: Engine, network: Resource): void {
  if (Date.now() >= network.readyAt) return;
  throw new ArmError(
    engine.world.variants['azure.anotherOperation'] === '409' ? 409 : 429,
    'AnotherOperationInProgress',
    `Another operation on this or dependent resource is in progress: ${network.id}.`,
  );
}

const virtualNetwork: Kind = {
  ...usual,
  prepare(engine, resource, old) {
    const { properties } = resource;
    const wanted = properties['subnets'] as Subnet[] | undefined;
    const kept = old ? subnetsOf(old) : [];
    if (old) onlyOne(engine, old);
    const lost = kept.filter(({ name }) => wanted && !wanted.some((subnet) => subnet.name.toLowerCase() === name.toLowerCase()));
    for (const { id, name } of lost)
      if (inUse(engine, id)) throw new ArmError(400, 'InUseSubnetCannotBeDeleted', `Subnet ${name} is in use and cannot be deleted.`);
    properties['subnets'] = (wanted ?? kept).map((subnet) => completeSubnet(resource.id, subnet));
    properties['resourceGuid'] = old?.properties['resourceGuid'] ?? randomUUID();
    properties['enableDdosProtection'] = false;
    return engine.world.durations.virtualNetwork;
  },
};

/** Is there anything in a subnet? */
const inUse = (engine: Engine, subnetId: string): boolean =>
  ['networkInterfaces', 'virtualNetworkGateways']
    .flatMap((type) => engine.all(`Microsoft.Network/${type}`))
    .some(({ properties }) =>
      ((properties['ipConfigurations'] ?? []) as IpConfiguration[]).some((one) => one.properties.subnet?.id.toLowerCase() === subnetId.toLowerCase()),
    );

const rangeOf = (prefix: string): [first: number, last: number] => {
  const [base = '', bits = '32'] = prefix.split('/');
  return [numberOf(base), numberOf(base) + 2 ** (32 - Number(bits)) - 1];
};

/** A subnet lies in its network’s address space and overlaps no other. */
function checkRange(network: Resource, { name, properties: { addressPrefix } }: Subnet, others: Subnet[]): void {
  const [first, last] = rangeOf(addressPrefix);
  const space = (network.properties['addressSpace'] as { addressPrefixes?: string[] } | undefined)?.addressPrefixes ?? [];
  if (!space.map(rangeOf).some(([from, to]) => from <= first && last <= to))
    throw new ArmError(400, 'NetcfgSubnetRangeOutsideVnet', `Subnet '${name}' is not valid in virtual network '${network.name}'.`);
  const other = others.find((there) => {
    const [from, to] = rangeOf(there.properties.addressPrefix);
    return from <= last && first <= to;
  });
  if (other)
    throw new ArmError(
      400,
      'NetcfgSubnetRangesOverlap',
      `Subnet '${name}' is not valid because its IP address range overlaps with that of an existing subnet.`,
    );
}

/** Adds or replaces a subnet of a network; until that is done, nothing else can be done with the network. */
export function putSubnet(engine: Engine, network: Resource, subnet: Subnet): { subnet: Subnet; created: boolean } {
  onlyOne(engine, network);
  const complete = completeSubnet(network.id, subnet);
  const others = subnetsOf(network).filter(({ name }) => name.toLowerCase() !== subnet.name.toLowerCase());
  checkRange(network, complete, others);
  const created = others.length === subnetsOf(network).length;
  network.properties['subnets'] = [...others, complete];
  network.readyAt = engine.world.clock.inMinutes(engine.world.durations.subnet);
  engine.world.changed();
  return { subnet: complete, created };
}

/** Takes a subnet out of a network, unless something is in it. */
export function removeSubnet(engine: Engine, network: Resource, { id, name }: Subnet): void {
  onlyOne(engine, network);
  if (inUse(engine, id)) throw new ArmError(400, 'InUseSubnetCannotBeDeleted', `Subnet ${name} is in use and cannot be deleted.`);
  network.properties['subnets'] = subnetsOf(network).filter((subnet) => subnet.id !== id);
  network.readyAt = engine.world.clock.inMinutes(engine.world.durations.subnet);
  engine.world.changed();
}

const publicAddress: Kind = {
  ...usual,
  prepare(engine, resource, old) {
    const { properties } = resource;
    resource.sku ??= { name: 'Basic', tier: 'Regional' };
    const next = old ? undefined : engine.state.lastPublicAddress++;
    properties['ipAddress'] = old?.properties['ipAddress'] ?? `20.51.${Math.floor((next ?? 0) / 250) + 10}.${((next ?? 0) % 250) + 4}`;
    properties['resourceGuid'] = old?.properties['resourceGuid'] ?? randomUUID();
    properties['publicIPAddressVersion'] ??= 'IPv4';
    properties['publicIPAllocationMethod'] ??= 'Dynamic';
    properties['idleTimeoutInMinutes'] ??= 4;
    return engine.world.durations.publicAddress;
  },
};

const networkInterface: Kind = {
  ...usual,
  prepare(engine, resource, old) {
    const configurations = (resource.properties['ipConfigurations'] ?? []) as IpConfiguration[];
    resource.properties['ipConfigurations'] = configurations.map((configuration) => {
      const { properties } = configuration;
      const subnetId = properties.subnet?.id ?? '';
      const delegated = findSubnet(engine, subnetId)?.properties.delegations?.[0]?.properties.serviceName;
      if (delegated && !resource.name.endsWith('_HSMnic'))
        throw new ArmError(
          400,
          'SubnetWithDelegationCannotBeUsedByResource',
          `Subnet ${subnetId} is delegated to ${delegated} and cannot be used by ${resource.id}.`,
        );
      const publicId = properties.publicIPAddress?.id;
      if (publicId && !engine.find(publicId))
        throw new ArmError(400, 'InvalidResourceReference', `Resource ${publicId} referenced by resource ${resource.id} was not found.`);
      const isStatic = properties.privateIPAllocationMethod === 'Static';
      const before = ((old?.properties['ipConfigurations'] ?? []) as IpConfiguration[]).find(({ name }) => name === configuration.name)?.properties
        .privateIPAddress;
      return {
        id: `${resource.id}/ipConfigurations/${configuration.name}`,
        name: configuration.name,
        etag: resource.etag,
        type: 'Microsoft.Network/networkInterfaces/ipConfigurations',
        properties: {
          ...properties,
          primary: properties.primary ?? true,
          privateIPAddressVersion: 'IPv4',
          provisioningState: 'Succeeded',
          privateIPAddress: allocate(engine, subnetId, isStatic ? properties.privateIPAddress : before, resource.id),
        },
      };
    });
    return engine.world.durations.networkInterface;
  },
};

const gateway: Kind = {
  ...usual,
  prepare(engine, { id, properties }) {
    const [configuration] = (properties['ipConfigurations'] ?? []) as IpConfiguration[];
    const subnetId = configuration?.properties.subnet?.id ?? '';
    if (!/\/subnets\/GatewaySubnet$/i.test(subnetId) || !findSubnet(engine, subnetId))
      throw new ArmError(400, 'VirtualNetworkGatewayNotInGatewaySubnet', `The gateway ${id} must be in a subnet named GatewaySubnet.`);
    const network = subnetId.replace(/\/subnets\/.*$/i, '').toLowerCase();
    const other = engine
      .all('Microsoft.Network/virtualNetworkGateways')
      .find(
        (existing) => existing.id.toLowerCase() !== id.toLowerCase() && networkOf(existing) === network && typeOf(existing.properties) === typeOf(properties),
      );
    if (other) throw new ArmError(400, 'VirtualNetworkGatewayAlreadyExists', `The virtual network already has the gateway ${other.name}.`);
    return engine.world.durations.gateway;
  },
};

/** A VPN gateway and one for ExpressRoute may stand side by side. */
const typeOf = (properties: Resource['properties']): string => String(properties['gatewayType'] ?? '').toLowerCase();
export const isExpressRoute = ({ properties }: Resource): boolean => typeOf(properties) === 'expressroute';

/** The virtual network (lower-cased id) that a gateway is in. */
export const networkOf = ({ properties }: Resource): string =>
  ((((properties['ipConfigurations'] ?? []) as IpConfiguration[])[0]?.properties.subnet as Reference | undefined)?.id ?? '')
    .replace(/\/subnets\/.*$/i, '')
    .toLowerCase();

export const network: Record<string, Kind> = {
  'microsoft.network/virtualnetworks': virtualNetwork,
  'microsoft.network/publicipaddresses': publicAddress,
  'microsoft.network/networksecuritygroups': securityGroup,
  'microsoft.network/networkinterfaces': networkInterface,
  'microsoft.network/virtualnetworkgateways': gateway,
};

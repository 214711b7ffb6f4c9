import type { Subnet } from '@azure/arm-network';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { contains, overlap, parseRange, type Range } from '../../domain/rules/addresses.ts';
import type { Azure } from '../../systems/azure/azure.ts';
import { tagsOf } from '../../systems/azure/tags.ts';
import { act, converge, done, lasting, refuse, wait } from '../converge.ts';
import { type Systems, staleReadDelays } from '../systems.ts';

type Input = StepInput<'virtual-network'>;

const serviceName = 'Microsoft.HardwareSecurityModules/dedicatedHSMs';

interface SubnetSeen {
  id: string;
  name: string;
  range: string;
  delegatedTo: string[];
  securityGroup: boolean;
  routeTable: boolean;
  state: string;
}
type Seen = { id: string; state: string; location: string; addressSpace: string[]; subnets: SubnetSeen[] } | undefined;

interface Wanted {
  name: string;
  range: string;
  forHsm: boolean;
}

/** The three subnets that a job needs, in the order in which they are made. */
const wanted = ({ network }: ProvisioningRequest): Wanted[] => [
  { name: network.compute.name ?? 'Compute', range: network.compute.range, forHsm: false },
  { name: network.hsm.name, range: network.hsm.range, forHsm: true },
  { name: 'GatewaySubnet', range: network.gateway.range, forHsm: false },
];

const named = (subnets: SubnetSeen[], name: string) => subnets.find((subnet) => subnet.name.toLowerCase() === name.toLowerCase());

/** What an existing network has that the job cannot use. What is there is kept: a person decides. */
function problems({ state, location, addressSpace, subnets }: NonNullable<Seen>, request: ProvisioningRequest): string[] {
  const space = addressSpace.map(parseRange).filter((range) => range !== undefined);
  return [
    ...(state === 'Failed' ? ['the network’s last change failed, so nothing can be added to it'] : []),
    ...(location.toLowerCase() === request.azure.region.toLowerCase() ? [] : [`the network is in ${location}, not in ${request.azure.region}`]),
    ...wanted(request).flatMap((subnet) => {
      const there = named(subnets, subnet.name);
      return there ? subnetProblems(there, subnet) : missingProblems(subnet, space, subnets);
    }),
  ];
}

function subnetProblems(there: SubnetSeen, { name, range, forHsm }: Wanted): string[] {
  const isDelegated = there.delegatedTo.some((service) => service.toLowerCase() === serviceName.toLowerCase());
  return [
    ...(there.state === 'Failed' ? [`the last change of ${name} failed`] : []),
    ...(there.range === range ? [] : [`${name} has the range ${there.range}, not ${range}`]),
    ...(forHsm && !isDelegated ? [`${name} is not delegated to ${serviceName}`] : []),
    ...(forHsm && there.securityGroup ? [`${name} has a network security group, which a Dedicated HSM does not support`] : []),
    ...(forHsm && there.routeTable ? [`${name} has a route table, which a Dedicated HSM does not support`] : []),
    ...(!forHsm && there.delegatedTo.length > 0 ? [`${name} is delegated to ${there.delegatedTo.join(', ')}`] : []),
    ...(name === 'GatewaySubnet' && there.securityGroup ? [`${name} has a network security group, which a gateway does not support`] : []),
  ];
}

/** Can a subnet that is not there be added? */
function missingProblems({ name, range }: Wanted, space: Range[], subnets: SubnetSeen[]): string[] {
  const own = parseRange(range)!;
  const other = subnets.find((there) => {
    const theirs = parseRange(there.range);
    return theirs !== undefined && overlap(own, theirs);
  });
  return [
    ...(space.some((whole) => contains(whole, own)) ? [] : [`${name} (${range}) lies outside the network’s address space`]),
    ...(other ? [`${name} (${range}) overlaps the existing subnet ${other.name} (${other.range})`] : []),
  ];
}

const isBusy = ({ state }: { state: string }): boolean => ['Updating', 'Deleting'].includes(state);

export const decideVirtualNetwork = (seen: Seen, { request }: Pick<Input, 'request'>) => {
  if (!seen) return act('create');
  const busy = seen.subnets.find(isBusy);
  if (isBusy(seen) || busy) return wait(`The virtual network ${request.network.name} is being changed${busy ? `: ${busy.name}` : ''}.`);
  const wrong = problems(seen, request);
  if (wrong.length > 0)
    return refuse({
      code: 'AZURE_RESOURCE_MISMATCH',
      tried: `using the virtual network ${request.network.name}`,
      summary: wrong.join('; '),
      remedy:
        'Nothing existing is overwritten. Fix the network in Azure, then retry; or retry with an amendment of the ranges and names that differ (/network/compute, /network/hsm, /network/gateway).',
    });
  if (wanted(request).some(({ name }) => !named(seen.subnets, name))) return act('add-subnet');
  const [compute, hsm, gateway] = wanted(request).map(({ name }) => named(seen.subnets, name)!.id);
  return done<StepResult<'virtual-network'>>({ computeSubnetId: compute!, hsmSubnetId: hsm!, gatewaySubnetId: gateway! });
};

const shape = (range: string, forHsm: boolean): Subnet => ({
  addressPrefix: range,
  ...(forHsm ? { delegations: [{ name: 'dedicated-hsm', serviceName }] } : {}),
});

export async function observeVirtualNetwork(azure: Azure, request: ProvisioningRequest, signal: AbortSignal): Promise<Seen> {
  const { network } = await azure.clients(request.azure);
  const found = await azure.look(`reading the virtual network ${request.network.name}`, () =>
    network.virtualNetworks.get(request.azure.resourceGroup, request.network.name, { abortSignal: signal }),
  );
  return (
    found && {
      id: found.id!,
      state: found.provisioningState ?? '',
      location: found.location ?? '',
      addressSpace: found.addressSpace?.addressPrefixes ?? [],
      subnets: (found.subnets ?? []).map((subnet) => ({
        id: subnet.id!,
        name: subnet.name!,
        range: subnet.addressPrefix ?? subnet.addressPrefixes?.[0] ?? '',
        delegatedTo: (subnet.delegations ?? []).map((delegation) => delegation.serviceName ?? ''),
        securityGroup: subnet.networkSecurityGroup !== undefined,
        routeTable: subnet.routeTable !== undefined,
        state: subnet.provisioningState ?? '',
      })),
    }
  );
}

/**
 * The virtual network with the subnets Compute, HSM (delegated) and GatewaySubnet. An existing one is kept; only what is missing is added, one after the other.
 * The network itself is made without subnets, and only if it is not there: whoever sends a network with a list of subnets deletes those that are not in it,
 * such as the ones that another job has just added (docs/reference/azure.md#subnet-lists).
 */
export const virtualNetwork = ({ azure, settings }: Systems) =>
  converge<Input, Seen, StepResult<'virtual-network'>, 'create' | 'add-subnet'>({
    lasting: lasting(settings, 'arm-change'),
    observe: ({ request }, { signal }) => observeVirtualNetwork(azure, request, signal),
    decide: decideVirtualNetwork,
    staleReadDelaysMs: staleReadDelays({ settings }),
    act: {
      async create(input, _, { signal }) {
        const {
          azure: where,
          network: { name, addressSpace },
        } = input.request;
        const { network } = await azure.clients(where);
        const body = {
          location: where.region,
          tags: tagsOf(input),
          addressSpace: { addressPrefixes: [addressSpace] },
        };
        const onlyIfMissing = { abortSignal: signal, requestOptions: { headers: { 'if-none-match': '*' } } };
        await azure.submit(`creating the virtual network ${name}`, () =>
          network.virtualNetworks.createOrUpdate(where.resourceGroup, name, body, onlyIfMissing),
        );
      },
      async 'add-subnet'({ request }, seen, { signal }) {
        const { network } = await azure.clients(request.azure);
        const { name, range, forHsm } = wanted(request).find((subnet) => !named(seen!.subnets, subnet.name))!;
        await azure.submit(`adding the subnet ${name}`, () =>
          network.subnets.createOrUpdate(request.azure.resourceGroup, request.network.name, name, shape(range, forHsm), { abortSignal: signal }),
        );
      },
    },
  });

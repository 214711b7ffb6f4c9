import type { DedicatedHsm } from '@azure/arm-hardwaresecuritymodules';
import type { ProvisioningRequest } from '../domain/request.ts';
import { hsmSku } from '../systems/azure/hsm-template.ts';
import { halt } from './converge.ts';

/** What an HSM is, as far as it cannot be changed any more; what Azure does not tell is left out. */
export interface HsmNature {
  subnetId?: string;
  sku?: string;
  stamp?: string;
}

export const natureOf = ({ networkProfile, sku, stampId }: DedicatedHsm): HsmNature => ({
  ...(networkProfile?.subnet?.id ? { subnetId: networkProfile.subnet.id } : {}),
  ...(sku?.name ? { sku: sku.name } : {}),
  ...(stampId ? { stamp: stampId } : {}),
});

/** The id of something in the resource group of a request. */
export const inGroup = ({ azure }: ProvisioningRequest, path: string): string =>
  `/subscriptions/${azure.subscriptionId}/resourceGroups/${azure.resourceGroup}/providers/${path}`;

/** The id of the HSM that a request asks for. */
export const hsmIdOf = (request: ProvisioningRequest): string => inGroup(request, `Microsoft.HardwareSecurityModules/dedicatedHSMs/${request.hsm.name}`);

/** The id of the subnet that it asks for. */
export const hsmSubnetIdOf = (request: ProvisioningRequest): string =>
  inGroup(request, `Microsoft.Network/virtualNetworks/${request.network.name}/subnets/${request.network.hsm.name}`);

const differs = (found: string | undefined, wanted: string | undefined): boolean =>
  found !== undefined && wanted !== undefined && found.toLowerCase() !== wanted.toLowerCase();

/** An HSM of the name that is another than the one asked for: a name proves nothing. Nothing where it is the one. */
export function another({ subnetId, sku, stamp }: HsmNature, request: ProvisioningRequest) {
  const wanted = hsmSubnetIdOf(request);
  const inWords = (id: string) => id.replace(/^.*\/virtualNetworks\//i, '');
  const wrong = [
    ...(differs(subnetId, wanted) ? [`it is in the subnet ${inWords(subnetId!)}, not in ${inWords(wanted)}`] : []),
    ...(differs(sku, hsmSku) ? [`it is a ${sku}, not a ${hsmSku}`] : []),
    ...(differs(stamp, request.hsm.stamp) ? [`it is in ${stamp}, not in ${request.hsm.stamp}`] : []),
  ];
  if (wrong.length === 0) return undefined;
  return halt({
    code: 'AZURE_RESOURCE_MISMATCH',
    tried: `using the HSM ${request.hsm.name}`,
    summary: wrong.join('; '),
    remedy: 'Nothing was changed. Abort, then send the request again with another HSM name, or with the values of this HSM.',
  });
}

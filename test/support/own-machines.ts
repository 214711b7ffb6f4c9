import { vmIdOf } from '../../activities/machine-record.ts';
import type { Systems } from '../../activities/systems.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { EarlierEntry } from './earlier-entries.ts';

export const ownVmId = '3f0c8d5e-6c1a-4b7e-9d2f-0123456789ab';

/** As the step enters it that creates the VM of CipherTrust Manager. */
export function managerCreated(request: ProvisioningRequest) {
  const resourceId = vmIdOf(request, request.cipherTrust.vmName);
  return [
    ['machine-create-begun', { resourceId, absent: true, tag: 'random' }],
    ['machine-created', { resourceId, vmId: ownVmId }],
  ] as const satisfies readonly EarlierEntry<'ciphertrust'>[];
}

/** Azure as far as whoever gives a secret to a machine asks about it: one machine of each name is there, with this id. */
export const azureWithMachines = (vmId = () => ownVmId): Systems['azure'] =>
  ({
    clients: async () => ({ compute: { virtualMachines: { get: async () => ({ vmId: vmId() }) } } }),
    ask: (_tried: string, work: () => Promise<unknown>) => work(),
  }) as unknown as Systems['azure'];

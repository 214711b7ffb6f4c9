import type { Systems } from '../../activities/systems.ts';

export const ownVmId = '3f0c8d5e-6c1a-4b7e-9d2f-0123456789ab';

/** Azure as far as whoever gives a secret to a machine asks about it: one machine of each name is there, with this id. */
export const azureWithMachines = (vmId = () => ownVmId): Systems['azure'] =>
  ({
    clients: async () => ({ compute: { virtualMachines: { get: async () => ({ vmId: vmId() }) } } }),
    ask: (_tried: string, work: () => Promise<unknown>) => work(),
  }) as unknown as Systems['azure'];

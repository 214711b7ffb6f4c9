import type { StepInput } from '../../domain/results.ts';
import { kept } from '../../systems/secrets/kept.ts';
import type { Systems } from '../systems.ts';
import { allow, virtualMachine } from '../virtual-machine.ts';

/** The doors that are open while the job runs; `close-doors` removes them. */
export const temporaryRule = 'provisioner-admin';

/** “Create a Windows instance”: Windows 10 Pro in the Compute subnet, Standard HDD, a static address, SSH and RDP for the admins and this service alone. */
export const windowsVm = (systems: Systems) =>
  virtualMachine<StepInput<'windows-vm'>>(systems, async ({ target, request, computeSubnetId, image }) => {
    const { vmName, address, adminUser = 'LunaAdmin', size = 'Standard_D2s_v3' } = request.lunaClient;
    return {
      name: vmName,
      subnetId: computeSubnetId,
      privateAddress: address,
      isPublic: request.azure.access === 'public',
      needsAgent: true,
      rules: [allow(temporaryRule, ['22', '3389'], [...request.azure.adminSources, ...systems.settings.workerSources], 100)],
      machine: {
        hardwareProfile: { vmSize: size },
        storageProfile: {
          imageReference: { ...image },
          osDisk: { createOption: 'FromImage', caching: 'ReadWrite', managedDisk: { storageAccountType: 'Standard_LRS' } },
        },
        osProfile: {
          computerName: vmName,
          adminUsername: adminUser,
          adminPassword: await kept(systems.secrets, target, 'windows-admin-password'),
          windowsConfiguration: { provisionVMAgent: true, enableAutomaticUpdates: true },
        },
        ...(image.publisher === 'MicrosoftWindowsDesktop' ? { licenseType: 'Windows_Client' } : {}),
      },
    };
  });

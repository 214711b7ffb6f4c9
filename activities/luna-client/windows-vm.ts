import { temporaryRule, windowsHost } from '../../domain/hosts.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { StepInput } from '../../domain/results.ts';
import { requireSecret } from '../../stores/secrets/kept.ts';
import type { Systems } from '../systems.ts';
import { allowIn, osDisk, virtualMachine } from '../virtual-machine.ts';

export const windowsRules = ({ azure }: ProvisioningRequest, workerSources: string[]) => [
  allowIn([...azure.adminSources, ...workerSources], { name: temporaryRule, ports: ['22', '3389'], priority: 100 }),
];

/** “Create a Windows instance”: Windows 10 Pro in the Compute subnet, Standard HDD, a static address, SSH and RDP for the admins and this service alone. */
export const windowsVm = (systems: Systems) =>
  virtualMachine<StepInput<'windows-vm'>>(systems, async ({ target, request, computeSubnetId, image }) => {
    const { vmName, address, adminUser = 'LunaAdmin' } = request.lunaClient;
    const { size, disk } = windowsHost(request);
    return {
      subject: 'windows',
      name: vmName,
      secretsGiven: ['windows-admin-password'],
      subnetId: computeSubnetId,
      privateAddress: address,
      isPublic: request.azure.access === 'public',
      needsAgent: true,
      rules: windowsRules(request, systems.settings.workerSources),
      machine: {
        hardwareProfile: { vmSize: size },
        storageProfile: { imageReference: { ...image }, osDisk: osDisk(disk) },
        osProfile: {
          computerName: vmName,
          adminUsername: adminUser,
          adminPassword: await requireSecret(systems.secrets, target, 'windows-admin-password'),
          windowsConfiguration: { provisionVMAgent: true, enableAutomaticUpdates: true },
        },
        ...(image.publisher === 'MicrosoftWindowsDesktop' ? { licenseType: 'Windows_Client' } : {}),
      },
    };
  });

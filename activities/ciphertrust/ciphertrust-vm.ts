import type { StepInput } from '../../domain/results.ts';
import { userSecret } from '../../systems/secrets/kept.ts';
import type { Systems } from '../systems.ts';
import { allow, virtualMachine } from '../virtual-machine.ts';

/** The VM of CipherTrust Manager: ksadmin with an RSA key, Standard HDD, a static address (it stands in a certificate), 443 and 22 from the allowed sources alone. */
export const ciphertrustVm = (systems: Systems) =>
  virtualMachine<StepInput<'ciphertrust-vm'>>(systems, async ({ request, computeSubnetId, image, publicKey }) => {
    const { vmName, address, size = 'Standard_F4s_v2', customData } = request.cipherTrust;
    const sources = [...request.azure.adminSources, ...systems.settings.workerSources];
    return {
      name: vmName,
      subnetId: computeSubnetId,
      privateAddress: address,
      isPublic: request.azure.access === 'public',
      needsAgent: false,
      rules: [
        allow('provisioner-admin', ['443', '22'], sources, 100),
        allow('provisioner-ntls', ['1792'], [], 110, 'Outbound'),
        allow('provisioner-ntp', ['123'], [], 120, 'Outbound', 'Udp'),
      ],
      machine: {
        ...('id' in image ? {} : { plan: { name: image.sku, product: image.offer, publisher: image.publisher } }),
        hardwareProfile: { vmSize: size },
        storageProfile: { imageReference: { ...image }, osDisk: { createOption: 'FromImage', managedDisk: { storageAccountType: 'Standard_LRS' } } },
        osProfile: {
          computerName: vmName,
          adminUsername: 'ksadmin',
          linuxConfiguration: {
            disablePasswordAuthentication: true,
            ssh: { publicKeys: [{ path: '/home/ksadmin/.ssh/authorized_keys', keyData: publicKey }] },
          },
          ...(customData ? { customData: Buffer.from(await userSecret(systems.secrets, customData.secret)).toString('base64') } : {}),
        },
      },
    };
  });

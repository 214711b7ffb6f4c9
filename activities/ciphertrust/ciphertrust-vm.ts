import { cipherTrustHost, temporaryRule } from '../../domain/hosts.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { throughClient } from '../../domain/request-parts.ts';
import type { StepInput } from '../../domain/results.ts';
import { requireUserSecret } from '../../stores/secrets/kept.ts';
import type { Systems } from '../systems.ts';
import { allowIn, allowOut, osDisk, virtualMachine } from '../virtual-machine.ts';

export const cipherTrustRules = ({ azure }: ProvisioningRequest, workerSources: string[]) => [
  allowIn([...azure.adminSources, ...workerSources], { name: temporaryRule, ports: ['443', '22'], priority: 100 }),
  allowIn(azure.adminSources, { name: 'provisioner-web', ports: ['443'], priority: 110 }),
  allowOut({ name: 'provisioner-ntls', ports: ['1792'], priority: 110 }),
  allowOut({ name: 'provisioner-ntp', ports: ['123'], priority: 120, protocol: 'Udp' }),
];

/** The VM of CipherTrust Manager: ksadmin with an RSA key, Standard HDD, a static address (it stands in a certificate), 443 from the admins’ sources; while the job runs 22, too, and both from this service. */
export const ciphertrustVm = (systems: Systems) =>
  virtualMachine<StepInput<'ciphertrust-vm'>>(systems, async ({ request, computeSubnetId, image, publicKey }) => {
    const { vmName, address, customData } = request.cipherTrust;
    const { size, disk } = cipherTrustHost(request);
    return {
      subject: 'ciphertrust',
      name: vmName,
      secretsGiven: customData ? ['custom-data'] : [],
      subnetId: computeSubnetId,
      privateAddress: address,
      isPublic: request.azure.access === 'public' && !throughClient(request.cipherTrust),
      needsAgent: false,
      rules: cipherTrustRules(request, systems.settings.workerSources),
      machine: {
        ...('id' in image ? {} : { plan: { name: image.sku, product: image.offer, publisher: image.publisher } }),
        hardwareProfile: { vmSize: size },
        storageProfile: { imageReference: { ...image }, osDisk: osDisk(disk) },
        osProfile: {
          computerName: vmName,
          adminUsername: 'ksadmin',
          linuxConfiguration: {
            disablePasswordAuthentication: true,
            ssh: { publicKeys: [{ path: '/home/ksadmin/.ssh/authorized_keys', keyData: publicKey }] },
          },
          ...(customData ? { customData: Buffer.from(await requireUserSecret(systems.secrets, customData.secret)).toString('base64') } : {}),
        },
      },
    };
  });

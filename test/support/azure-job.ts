import assert from 'node:assert/strict';
import { secretName } from '../../stores/secrets/store.ts';
import type { AzureBench } from './azure-bench.ts';

const publicKey = 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 test';

/** Everything that a job does in Azure, in the order of the job: from the feature to both machines, the Luna client and the doors; and a second job’s waking of the host. */
export async function azureSteps(bench: AzureBench) {
  await bench.systems.secrets.create(secretName(bench.target, 'windows-admin-password'), 'A-password-of-Windows-1');
  await bench.step('check-feature', {});
  await bench.step('register-providers', {});
  const { windowsImage, cipherTrustImage } = await bench.step('check-availability', {});
  await bench.step('resource-group', {});
  const { hsmSubnetId, computeSubnetId } = await bench.step('virtual-network', {});
  await bench.step('deploy-hsm', { hsmSubnetId });
  const { hsmAddress: address } = await bench.step('verify-hsm', {});
  const vm = await bench.step('windows-vm', { computeSubnetId, image: windowsImage });
  const { clientVersion } = await bench.step('install-luna-client', { vm, publicKey });
  await bench.step('accept-terms', { image: cipherTrustImage });
  const manager = await bench.step('ciphertrust-vm', { computeSubnetId, image: cipherTrustImage, publicKey });
  await bench.step('remove-temporary-access', { windowsVm: vm });
  await bench.step('windows-vm', { computeSubnetId, image: windowsImage });
  return { address, clientVersion, vm, manager };
}

/** What the deployment makes: a gateway, its address and an HSM, one of each and ready. */
export function thereIsOneOfEach(bench: AzureBench): void {
  const types = ['Microsoft.Network/virtualNetworkGateways', 'Microsoft.Network/publicIPAddresses', 'Microsoft.HardwareSecurityModules/dedicatedHSMs'];
  assert.deepEqual(
    types.map((type) => bench.states(type)),
    [['Succeeded'], ['Succeeded'], ['Succeeded']],
  );
}

import { newRsaKey } from '../../../simulator/ssh-key.ts';
import type { HostState } from '../../../simulator/windows/state.ts';
import { unless } from './luna-scenarios.ts';
import { subscription } from './memory-azure.ts';
import { memoryWorld, type WorldState } from './memory-world.ts';
import { type Plant, request, type Scenario, secretOf, target } from './plant.ts';

const { resourceGroup: group, subscriptionId } = request.azure;
const providers = `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers`;
const network = `Microsoft.Network/virtualNetworks/${request.network.name}`;
const subnetId = (name: string): string => `${providers}/${network}/subnets/${name}`;
const delegation = { name: 'hsm', properties: { serviceName: 'Microsoft.HardwareSecurityModules/dedicatedHSMs' } };
const manager = { publisher: 'thalesdiscplusainc1596561677238', offer: 'cm_k170v', sku: 'ciphertrust_manager', version: '2.19.14195' };
const withCustomData = { ...request, cipherTrust: { ...request.cipherTrust, customData: { secret: 'custom-data' } } };
const image = { publisher: 'MicrosoftWindowsDesktop', offer: 'Windows-10', sku: 'win10-22h2-pro-g2', version: '19045.5011.241004' };

const inNetwork = {
  [network]: {
    properties: {
      addressSpace: { addressPrefixes: [request.network.addressSpace] },
      subnets: [
        { name: 'Compute', properties: { addressPrefix: request.network.compute.range } },
        { name: request.network.hsm.name, properties: { addressPrefix: request.network.hsm.range, delegations: [delegation] } },
        { name: 'GatewaySubnet', properties: { addressPrefix: request.network.gateway.range } },
      ],
    },
  },
};
const worldOf = (state: WorldState) => memoryWorld(state, () => {});
/** As the steps before leave it: a network with its three subnets. */
const withNetwork = await subscription(worldOf, group, inNetwork);
withNetwork.terms[`${manager.publisher}/${manager.offer}/${manager.sku}`] = true;

const { vmName, address } = request.lunaClient;
const nic = `Microsoft.Network/networkInterfaces/${vmName}-nic`;
const windows: HostState = {
  name: vmName,
  address,
  adminUser: 'LunaAdmin',
  adminPassword: secretOf('windows-admin-password'),
  files: {},
  hostKeys: { rsa: await newRsaKey(2048) },
  sshd: { installed: false, running: false },
};
/** The same with the Windows host, which runs. */
const withHost = await subscription(worldOf, group, {
  ...inNetwork,
  [nic]: {
    properties: {
      ipConfigurations: [
        { name: 'ipconfig1', properties: { privateIPAllocationMethod: 'Static', privateIPAddress: address, subnet: { id: subnetId('Compute') } } },
      ],
    },
  },
  [`Microsoft.Compute/virtualMachines/${vmName}`]: {
    tags: { provisioner: target },
    properties: {
      hardwareProfile: { vmSize: request.lunaClient.size },
      storageProfile: { imageReference: image, osDisk: { createOption: 'FromImage' } },
      osProfile: { computerName: vmName, adminUsername: 'LunaAdmin', adminPassword: secretOf('windows-admin-password') },
      networkProfile: { networkInterfaces: [{ id: `${providers}/${nic}` }] },
    },
  },
});
const vm = { id: `${providers}/Microsoft.Compute/virtualMachines/${vmName}`, privateAddress: address, reachable: address };
const publicKey = 'ssh-rsa AAAA';
const createsMachine = 'arm:PUT Microsoft.Compute/virtualMachines';
const installs = 'arm:PUT Microsoft.Compute/virtualMachines/runCommands';

/** How many of a type there are. */
const count = ({ world }: Plant, type: string): number =>
  Object.values((world.state['azure'] as typeof withNetwork).resources).filter((resource) => resource.type === type).length;

const one = (plant: Plant, type: string): string[] => unless(count(plant, type) === 1, `there are ${count(plant, type)} of ${type}`);

/** The steps that create something in Azure. */
export const azureScenarios: Scenario[] = [
  {
    step: 'deploy-hsm',
    world: { azure: withNetwork },
    input: { hsmSubnetId: subnetId(request.network.hsm.name) },
    most: { 'arm:PUT Microsoft.Resources/deployments': 1 },
    entries: { 'arm:PUT Microsoft.Resources/deployments': 'machine-create-begun' },
    wrong: (plant) => one(plant, 'Microsoft.HardwareSecurityModules/dedicatedHSMs'),
  },
  {
    step: 'windows-vm',
    world: { azure: withNetwork },
    input: { computeSubnetId: subnetId('Compute'), image },
    most: { [createsMachine]: 1 },
    entries: { [createsMachine]: ['machine-create-begun', 'secret-given'] },
    wrong: (plant) => [...one(plant, 'Microsoft.Compute/virtualMachines'), ...one(plant, 'Microsoft.Network/networkInterfaces')],
  },
  {
    step: 'install-luna-client',
    world: { azure: withHost, windowsHosts: { [address]: windows } },
    input: { vm, publicKey },
    most: { [installs]: 1 },
    entries: { [installs]: 'secret-given' },
    wrong: ({ world }) => unless((world.state as WorldState).windowsHosts?.[address]?.lunaClient !== undefined, 'the Luna client is not installed'),
  },
  {
    step: 'ciphertrust-vm',
    world: { azure: withNetwork },
    input: { computeSubnetId: subnetId('Compute'), image: manager, publicKey, request: withCustomData },
    secrets: { 'custom-data': '#cloud-config' },
    most: { [createsMachine]: 1 },
    entries: { [createsMachine]: ['machine-create-begun', 'secret-given'] },
    wrong: (plant) => [...one(plant, 'Microsoft.Compute/virtualMachines'), ...one(plant, 'Microsoft.Network/networkInterfaces')],
  },
];

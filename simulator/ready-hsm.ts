import type { Azure } from './azure/azure.ts';
import type { RunningWorld } from './create-world.ts';

const location = 'westus2';
const addresses = { hsm: '172.22.1.4', windows: '172.22.0.4', cipherTrust: '172.22.0.5' };

export interface ReadyMachines {
  luna: { host: string; port: number; ip: string };
  windows: { host: string; port: number; ip: string };
  ciphertrust: { url: string; ip: string };
}

/** The scenario `ready-hsm`: HSM, Windows host and CipherTrust Manager as Azure delivers them, for clients that only want to speak to them. */
export async function readyHsm(world: RunningWorld, azure: Azure): Promise<ReadyMachines> {
  if (world.appliances.size === 0) await deliver(world, azure);
  const [luna, windows, cipherTrust] = [
    world.appliances.get(addresses.hsm)!,
    world.windowsHosts.get(addresses.windows)!,
    world.cipherTrusts.get(addresses.cipherTrust)!,
  ];
  const host = '127.0.0.1';
  return {
    luna: { host, port: luna.ports[22]!, ip: addresses.hsm },
    windows: { host, port: windows.ports[22]!, ip: addresses.windows },
    ciphertrust: { url: `https://${host}:${cipherTrust.ports[443]}`, ip: addresses.cipherTrust },
  };
}

/** The host’s OpenSSH with password sign-in (`LunaAdmin` / `LunaAdmin-Password-1`), so that any client can use it. */
const openSsh = `Add-WindowsCapability -Online -Name OpenSSH.Server~~~~0.0.1.0
Start-Service -Name sshd
Set-NetFirewallRule -Name OpenSSH-Server-In-TCP -Profile Any`;

async function deliver(world: RunningWorld, azure: Azure): Promise<void> {
  const group = `/subscriptions/${azure.subscriptionId}/resourceGroups/Luna_kylo_rg`;
  const networkId = `${group}/providers/Microsoft.Network/virtualNetworks/Luna_kylo_vnet`;
  const subnet = (name: string) => `${networkId}/subnets/${name}`;
  azure.seedGroup('Luna_kylo_rg', location);
  await azure.seed(networkId, {
    location,
    properties: {
      addressSpace: { addressPrefixes: ['172.22.0.0/16'] },
      subnets: [
        { name: 'Compute', properties: { addressPrefix: '172.22.0.0/24' } },
        {
          name: 'Luna_kylo_HSM_subnet',
          properties: {
            addressPrefix: '172.22.1.0/24',
            delegations: [{ name: 'hsm', properties: { serviceName: 'Microsoft.HardwareSecurityModules/dedicatedHSMs' } }],
          },
        },
        { name: 'GatewaySubnet', properties: { addressPrefix: '172.22.255.0/26' } },
      ],
    },
  });
  await azure.seed(`${group}/providers/Microsoft.Network/virtualNetworkGateways/HSMLuna-ergw`, {
    location,
    properties: {
      gatewayType: 'ExpressRoute',
      sku: { name: 'Standard', tier: 'Standard' },
      ipConfigurations: [{ name: 'gwipconf', properties: { privateIPAllocationMethod: 'Dynamic', subnet: { id: subnet('GatewaySubnet') } } }],
    },
  });
  await azure.seed(`${group}/providers/Microsoft.HardwareSecurityModules/dedicatedHSMs/kylo-luna-hsm`, {
    location,
    sku: { name: 'SafeNet Luna Network HSM A790' },
    tags: { Environment: 'prod', resourceType: 'Hsm' },
    properties: {
      stampId: 'stamp1',
      networkProfile: { subnet: { id: subnet('Luna_kylo_HSM_subnet') }, networkInterfaces: [{ privateIpAddress: addresses.hsm }] },
    },
  });
  const machine = async (name: string, address: string, properties: Record<string, unknown>) => {
    const nicId = `${group}/providers/Microsoft.Network/networkInterfaces/${name}-nic`;
    const ipConfigurations = [
      { name: 'ipconfig1', properties: { privateIPAllocationMethod: 'Static', privateIPAddress: address, subnet: { id: subnet('Compute') } } },
    ];
    await azure.seed(nicId, { location, properties: { ipConfigurations } });
    await azure.seed(`${group}/providers/Microsoft.Compute/virtualMachines/${name}`, {
      location,
      properties: { ...properties, networkProfile: { networkInterfaces: [{ id: nicId }] } },
    });
  };
  await machine('lunaclient', addresses.windows, {
    hardwareProfile: { vmSize: 'Standard_D2s_v3' },
    storageProfile: { imageReference: { publisher: 'MicrosoftWindowsDesktop', offer: 'Windows-10', sku: 'win10-22h2-pro-g2', version: 'latest' } },
    osProfile: { computerName: 'lunaclient', adminUsername: 'LunaAdmin', adminPassword: 'LunaAdmin-Password-1' },
  });
  await machine('mycompany-ciphertrust', addresses.cipherTrust, {
    hardwareProfile: { vmSize: 'Standard_F4s_v2' },
    storageProfile: { imageReference: { id: `${group}/providers/Microsoft.Compute/images/ciphertrust` } },
    osProfile: { computerName: 'mycompany-ciphertrust', adminUsername: 'ksadmin' },
  });
  await world.windowsHosts.get(addresses.windows)!.runScript(openSsh, {});
}

import type { Azure } from './azure/azure.ts';
import type { AzureState } from './azure/state.ts';
import type { RunningWorld } from './create-world.ts';

const location = 'westus2';
const addresses = { hsm: '172.22.1.4', windows: '172.22.0.4', cipherTrust: '172.22.0.5' };
const hsmNamespace = 'Microsoft.HardwareSecurityModules';
const image = { publisher: 'thalesdiscplusainc1596561677238', offer: 'cm_k170v', sku: 'ciphertrust_manager' };

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
  const { providers, terms } = world.state['azure'] as AzureState;
  providers[hsmNamespace] = providers['Microsoft.MarketplaceOrdering'] = 0;
  terms[`${image.publisher}/${image.offer}/${image.sku}`] = true;
  const group = `/subscriptions/${azure.subscriptionId}/resourceGroups/Luna_kylo_rg/providers`;
  const seed = (id: string, body: Record<string, unknown>) => azure.seed(`${group}/${id}`, { location, ...body });
  const subnet = (name: string) => ({ id: `${group}/Microsoft.Network/virtualNetworks/Luna_kylo_vnet/subnets/${name}` });

  azure.seedGroup('Luna_kylo_rg', location);
  await seed('Microsoft.Network/virtualNetworks/Luna_kylo_vnet', {
    properties: {
      addressSpace: { addressPrefixes: ['172.22.0.0/16'] },
      subnets: [
        { name: 'Compute', properties: { addressPrefix: '172.22.0.0/24' } },
        {
          name: 'Luna_kylo_HSM_subnet',
          properties: { addressPrefix: '172.22.1.0/24', delegations: [{ name: 'hsm', properties: { serviceName: `${hsmNamespace}/dedicatedHSMs` } }] },
        },
        { name: 'GatewaySubnet', properties: { addressPrefix: '172.22.255.0/26' } },
      ],
    },
  });
  await seed('Microsoft.Network/virtualNetworkGateways/HSMLuna-ergw', {
    properties: {
      gatewayType: 'ExpressRoute',
      sku: { name: 'Standard', tier: 'Standard' },
      ipConfigurations: [{ name: 'gwipconf', properties: { privateIPAllocationMethod: 'Dynamic', subnet: subnet('GatewaySubnet') } }],
    },
  });
  await seed(`${hsmNamespace}/dedicatedHSMs/kylo-luna-hsm`, {
    sku: { name: 'SafeNet Luna Network HSM A790' },
    tags: { Environment: 'prod', resourceType: 'Hsm' },
    properties: { stampId: 'stamp1', networkProfile: { subnet: subnet('Luna_kylo_HSM_subnet'), networkInterfaces: [{ privateIpAddress: addresses.hsm }] } },
  });

  const machine = async (name: string, address: string, body: { plan?: object; properties: object }) => {
    const nic = `Microsoft.Network/networkInterfaces/${name}-nic`;
    const ip = { privateIPAllocationMethod: 'Static', privateIPAddress: address, subnet: subnet('Compute') };
    await seed(nic, { properties: { ipConfigurations: [{ name: 'ipconfig', properties: ip }] } });
    await seed(`Microsoft.Compute/virtualMachines/${name}`, {
      ...body,
      properties: { ...body.properties, networkProfile: { networkInterfaces: [{ id: `${group}/${nic}` }] } },
    });
  };
  await machine('lunaclient', addresses.windows, {
    properties: {
      hardwareProfile: { vmSize: 'Standard_D2s_v3' },
      storageProfile: { imageReference: { publisher: 'MicrosoftWindowsDesktop', offer: 'Windows-10', sku: 'win10-22h2-pro-g2', version: 'latest' } },
      osProfile: { computerName: 'lunaclient', adminUsername: 'LunaAdmin', adminPassword: 'LunaAdmin-Password-1' },
    },
  });
  await machine('mycompany-ciphertrust', addresses.cipherTrust, {
    plan: { name: image.sku, product: image.offer, publisher: image.publisher },
    properties: {
      hardwareProfile: { vmSize: 'Standard_F4s_v2' },
      storageProfile: { imageReference: { ...image, version: 'latest' } },
      osProfile: { computerName: 'ciphertrust', adminUsername: 'ksadmin', linuxConfiguration: { ssh: { publicKeys: [{ keyData: 'ssh-rsa AAAA' }] } } },
    },
  });
  await world.windowsHosts.get(addresses.windows)!.runScript(openSsh, {});
}

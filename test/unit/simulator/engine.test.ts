import assert from 'node:assert/strict';
import { Engine } from '../../../simulator/azure/engine.ts';
import { type AzureState, type Resource, subscriptionId } from '../../../simulator/azure/state.ts';
import { Clock } from '../../../simulator/clock.ts';
import type { World } from '../../../simulator/world.ts';

describe('The engine of the simulated Azure', () => {
  it('switches no HSM on that nobody looked at between its delivery and its deletion', async () => {
    const id = `/subscriptions/${subscriptionId}/resourceGroups/group/providers/Microsoft.HardwareSecurityModules/dedicatedHSMs/hsm`;
    const nic = `/subscriptions/${subscriptionId}/resourceGroups/group/providers/Microsoft.Network/networkInterfaces/hsm_HSMnic`;
    const times = { startedAt: 0, readyAt: 1_000 };
    const common = { location: 'westus2', etag: '', ...times };
    const hsm: Resource = {
      ...{ ...common, id, name: 'hsm', type: 'Microsoft.HardwareSecurityModules/dedicatedHSMs', machine: 'wanted', deletion: { endsAt: 2_000 } },
      properties: { networkProfile: { networkInterfaces: [{ id: nic, privateIpAddress: '10.0.0.4' }] } },
    };
    const switchedOn: string[] = [];
    const world = {
      ...{ clock: new Clock(60), appliances: new Map(), scrap() {}, changed() {} },
      machines: { appliance: async ({ address }: { address: string }) => switchedOn.push(address) },
    } as unknown as World;
    const engine = new Engine(world, { resources: { [id.toLowerCase()]: hsm } } as unknown as AzureState);
    await engine.advance();
    assert.equal(engine.find(id), undefined);
    assert.deepEqual(switchedOn, []);
  });

  it('fails an HSM whose address another one has by the time it is connected, and goes on', async () => {
    const group = `/subscriptions/${subscriptionId}/resourceGroups/group/providers`;
    const network = `${group}/Microsoft.Network/virtualNetworks/net`;
    const delegations = [{ properties: { serviceName: 'Microsoft.HardwareSecurityModules/dedicatedHSMs' } }];
    const subnet = { id: `${network}/subnets/hsm`, name: 'hsm', properties: { addressPrefix: '10.0.1.0/24', delegations } };
    const common = { location: 'westus2', etag: '', startedAt: 0, readyAt: Date.now() * 2 };
    const hsm: Resource = {
      ...{
        ...common,
        id: `${group}/Microsoft.HardwareSecurityModules/dedicatedHSMs/hsm`,
        name: 'hsm',
        type: 'Microsoft.HardwareSecurityModules/dedicatedHSMs',
      },
      properties: { networkProfile: { subnet: { id: subnet.id }, networkInterfaces: [{ privateIpAddress: '10.0.1.4' }] } },
    };
    const other: Resource = {
      ...{ ...common, id: `${group}/Microsoft.Network/networkInterfaces/other`, name: 'other', type: 'Microsoft.Network/networkInterfaces' },
      properties: { ipConfigurations: [{ properties: { privateIPAddress: '10.0.1.4', subnet: { id: subnet.id } } }] },
    };
    const net: Resource = { ...common, id: network, name: 'net', type: 'Microsoft.Network/virtualNetworks', properties: { subnets: [subnet] } };
    const gateway: Resource = {
      ...{
        ...common,
        readyAt: 1,
        id: `${group}/Microsoft.Network/virtualNetworkGateways/gateway`,
        name: 'gateway',
        type: 'Microsoft.Network/virtualNetworkGateways',
      },
      properties: { gatewayType: 'ExpressRoute', ipConfigurations: [{ properties: { subnet: { id: `${network}/subnets/GatewaySubnet` } } }] },
    };
    const resources = Object.fromEntries([net, gateway, other, hsm].map((resource) => [resource.id.toLowerCase(), resource]));
    const world = { clock: new Clock(60), faults: { take() {} }, appliances: new Map(), changed() {} } as unknown as World;
    const engine = new Engine(world, { resources } as unknown as AzureState);
    await engine.advance();
    assert.equal(engine.find(hsm.id)?.failure?.code, 'PrivateIPAddressInUse');
  });
});

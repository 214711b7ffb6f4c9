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
});

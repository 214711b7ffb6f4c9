import assert from 'node:assert/strict';
import { StackBench } from '../support/stack-bench.ts';

describe('The scripted weather azure-storm', function () {
  this.timeout(240_000);
  let bench: StackBench;
  before(async () => {
    // Two answers never come: how long each is waited for is a setting.
    bench = await StackBench.start({ simulatorArgs: ['--fault', 'azure-storm'], env: { HSM_AZURE_TIMEOUT_MS: '2000' } });
  });
  after(() => bench?.stop());

  it('is got through without anybody’s help, with one HSM, one gateway and two machines', async () => {
    const id = await bench.provision();
    await bench.approvalAsked(id);
    await bench.approve(id);
    assert.equal((await bench.ended(id)).job.state, 'completed');
    const { body } = await bench.control<{ resources: { type: string; provisioningState: string }[] }>('GET', '/world');
    const there = (type: string) => body.resources.filter((resource) => resource.type === type).map(({ provisioningState }) => provisioningState);
    assert.deepEqual(there('Microsoft.HardwareSecurityModules/dedicatedHSMs'), ['Succeeded']);
    assert.deepEqual(there('Microsoft.Network/virtualNetworkGateways'), ['Succeeded']);
    assert.deepEqual(there('Microsoft.Compute/virtualMachines'), ['Succeeded', 'Succeeded']);
    const puts = async (type: string) => (await bench.ledger(`arm:PUT ${type}`)).filter(({ outcome }) => outcome === 'done');
    assert.equal((await puts('Microsoft.Resources/deployments')).length, 2, 'once, and once more after the race with the gateway');
    const machines = (await puts('Microsoft.Compute/virtualMachines')).map(({ target }) => target.split('/').at(-1)).sort();
    assert.deepEqual(machines, ['lunaclient', 'mycompany-ciphertrust']);
    assert.deepEqual((await bench.control('GET', '/faults')).body, [], 'every fault struck');
  });
});

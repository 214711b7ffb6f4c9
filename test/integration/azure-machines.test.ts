import assert from 'node:assert/strict';
import { secretName } from '../../stores/secrets/store.ts';
import { AzureBench } from '../support/azure-bench.ts';
import { until } from '../support/until.ts';

const often = { updateIntervalInMs: 50 };

describe('The machines', function () {
  this.timeout(30_000);
  let bench: AzureBench;
  afterEach(() => bench?.stop());
  const minutesAgo = (minutes: number) => ({ scheduledAt: Date.now() - minutes * 60_000 });
  const vmPut = 'arm:PUT Microsoft.Compute/virtualMachines';
  const commandPut = `${vmPut}/runCommands`;
  const publicKey = 'ssh-rsa AAAAB3Nz test';

  /** Up to the Windows host, which is all but created. */
  async function windowsNeeds() {
    bench = await AzureBench.start();
    await bench.systems.secrets.create(secretName(bench.target, 'windows-admin-password'), 'A-password-of-Windows-1');
    const { computeSubnetId } = await bench.network();
    const { windowsImage: image } = await bench.step('check-availability', {});
    return { computeSubnetId, image };
  }

  const windowsHost = async () => {
    const needs = await windowsNeeds();
    return bench.step('windows-vm', needs);
  };

  it('a Windows image that is refused is an incident with the remedy; nothing else of the machine is made twice on retry', async () => {
    const needs = await windowsNeeds();
    bench.fault('error', vmPut, { status: 400, code: 'ResourcePurchaseValidationFailed', message: 'User failed validation to purchase resources.' });
    const { code, evidence, remedy } = await bench.stops('windows-vm', needs);
    assert.equal(code, 'AZURE_TERMS_NOT_ACCEPTED');
    assert.equal(evidence?.text, '400 ResourcePurchaseValidationFailed: User failed validation to purchase resources.');
    assert.match(remedy, /accept the image’s terms.*or abort, .* another image/);
    await bench.step('windows-vm', needs);
    assert.deepEqual(
      ['Network/networkSecurityGroups', 'Network/networkInterfaces', 'Compute/virtualMachines'].map(
        (type) => bench.arrived(`arm:PUT Microsoft.${type}`, 'done').length,
      ),
      [1, 1, 1],
    );
  });

  it('a machine that fails tells why, and is made anew once it was deleted', async () => {
    const needs = await windowsNeeds();
    bench.fault('fail', 'arm:provisioning Microsoft.Compute/virtualMachines', {
      code: 'OSProvisioningTimedOut',
      message: 'OS Provisioning did not finish in time.',
    });
    const { words: seen, remedy } = await bench.stops('windows-vm', needs);
    assert.equal(seen, 'it is Failed. Azure Resource Manager said: "OSProvisioningTimedOut: OS Provisioning did not finish in time."');
    assert.match(remedy, /Fix or delete it in the portal before you retry/);
    assert.equal((await bench.stops('windows-vm', needs)).words, seen, 'as it is, a retry says the same');
    assert.equal(bench.arrived(vmPut).length, 1);
    const { compute } = await bench.clients();
    await compute.virtualMachines.delete(bench.request.azure.resourceGroup, 'lunaclient', often);
    await bench.step('windows-vm', needs);
    assert.deepEqual([bench.arrived(vmPut).length, bench.arrived('arm:PUT Microsoft.Network/networkInterfaces').length], [2, 1]);
  });

  it('an agent that is never ready is waited for for half an hour, then an incident', async () => {
    const needs = await windowsNeeds();
    bench.fault('never', 'arm:provisioning Microsoft.Compute/virtualMachines/agent');
    const { words: seen } = await bench.stops('windows-vm', needs, minutesAgo(31));
    assert.match(
      seen,
      /lunaclient is running; its agent is not ready after 30 minutes\. Azure Resource Manager said: "Not Ready, VM status blob is found but not yet populated\."/,
    );
    await assert.rejects(bench.attempt('windows-vm', needs), /its agent is not ready/, 'before that it is waited for');
  });

  it('an installation that fails tells the script’s last output, and runs again only when told', async () => {
    const vm = await windowsHost();
    bench.fault('fail', 'windows:run-script', { message: 'The installer ended with exit code 1603.' });
    const { code, evidence } = await bench.stops('install-luna-client', { vm, publicKey }, minutesAgo(1));
    assert.equal(code, 'CLIENT_INSTALL_FAILED');
    assert.deepEqual(evidence, { source: 'The installation script', text: 'The installer ended with exit code 1603.' });
    assert.equal(bench.arrived(commandPut).length, 1);
    await bench.step('install-luna-client', { vm, publicKey }, { scheduledAt: Date.now() });
    assert.equal(bench.arrived(commandPut).length, 2);
  });

  it('an installation that hangs is an incident after the longest time that a script may take', async () => {
    const vm = await windowsHost();
    bench.fault('never', 'windows:run-script', { message: 'Installing OpenSSH.Server' });
    await assert.rejects(bench.attempt('install-luna-client', { vm, publicKey }), /is being installed/);
    await until('the script running', async () => bench.arrived('windows:run-script')[0]);
    const { words: seen, remedy } = await bench.stops('install-luna-client', { vm, publicKey }, minutesAgo(76));
    assert.match(seen, /has not ended for 75 minutes .* said: "Installing OpenSSH\.Server"/);
    assert.match(remedy, /agent/);
    assert.equal(bench.arrived(commandPut).length, 1);
  });

  /** A machine of somebody’s with the name that a request asks for, its parts as well where they are named. */
  async function jumpbox(names: { group: string; nic: string }, tags: Record<string, string>) {
    const needs = await windowsNeeds();
    const { resourceGroup, region: location } = bench.request.azure;
    const { network, compute } = await bench.clients();
    const group = await network.networkSecurityGroups.createOrUpdate(resourceGroup, names.group, { location, tags }, often);
    const subnet = { id: needs.computeSubnetId };
    const ip = { name: 'ip', privateIPAllocationMethod: 'Static', privateIPAddress: bench.request.lunaClient.address, subnet };
    const nic = await network.networkInterfaces.createOrUpdate(
      resourceGroup,
      names.nic,
      { location, tags, networkSecurityGroup: { id: group.id! }, ipConfigurations: [ip] },
      often,
    );
    const machine = {
      location,
      tags,
      hardwareProfile: { vmSize: 'Standard_D2s_v3' },
      storageProfile: { imageReference: { ...needs.image }, osDisk: { createOption: 'FromImage' } },
      osProfile: { computerName: 'jumpbox', adminUsername: 'somebody', adminPassword: 'A-password-of-theirs-1' },
      networkProfile: { networkInterfaces: [{ id: nic.id!, primary: true }] },
    };
    await compute.virtualMachines.createOrUpdate(resourceGroup, 'jumpbox', machine, often);
    await compute.virtualMachines.deallocate(resourceGroup, 'jumpbox', often);
    bench.request.lunaClient.vmName = 'jumpbox';
    bench.world.requestLog.clear();
    return needs;
  }
  const changes = () => bench.arrived('arm:*').filter(({ operation }) => !/^arm:GET /.test(operation));

  it('somebody’s machine of the name that is asked for is not taken over: not opened, started, nor switched off; a person may mark it for the job', async () => {
    const needs = await jumpbox({ group: 'jumpbox-nsg', nic: 'jumpbox-nic' }, { owner: 'somebody' });
    const { kind, words: seen, remedy } = await bench.stops('windows-vm', needs);
    assert.equal(kind, 'Unsafe');
    assert.match(seen, /lacks the tag provisioner, and is left as it is/);
    assert.match(remedy, /the tag provisioner=kylo-luna-hsm-0123456789, then retry; or abort, .* another name/);
    const { network, compute } = await bench.clients();
    const { resourceGroup } = bench.request.azure;
    await compute.virtualMachines.start(resourceGroup, 'jumpbox', often);
    bench.world.requestLog.clear();
    assert.match(
      (await bench.stops('remove-temporary-access', { windowsVm: { id: '', privateAddress: '', reachable: '' } })).words,
      /lacks the tag provisioner/,
    );
    assert.deepEqual(changes(), [], 'nothing of it was changed');
    const tags = { provisioner: bench.target };
    for (const change of [
      () => network.networkSecurityGroups.updateTags(resourceGroup, 'jumpbox-nsg', { tags }),
      () => network.networkInterfaces.updateTags(resourceGroup, 'jumpbox-nic', { tags }),
      () => compute.virtualMachines.update(resourceGroup, 'jumpbox', { tags }, often),
    ])
      await change();
    bench.request.azure.access = 'private';
    assert.equal((await bench.step('windows-vm', needs)).privateAddress, bench.request.lunaClient.address);
  });

  it('a machine that has another interface than ours is no machine of ours, whatever its tags; none is made beside it', async () => {
    const needs = await jumpbox({ group: 'jumpbox-nsg', nic: 'other-nic' }, { provisioner: 'kylo-luna-hsm-0123456789' });
    const { words: seen, remedy } = await bench.stops('windows-vm', needs);
    assert.equal(seen, 'its interface is other-nic, not jumpbox-nic');
    assert.match(remedy, /Attach jumpbox-nic to it, then retry/);
    assert.deepEqual(changes(), []);
  });
});

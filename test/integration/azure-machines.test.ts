import assert from 'node:assert/strict';
import { secretName } from '../../systems/secrets/store.ts';
import { AzureBench } from '../support/azure-bench.ts';
import { until } from '../support/until.ts';

const often = { updateIntervalInMs: 50 };

describe('The machines', function () {
  this.timeout(30_000);
  let bench: AzureBench;
  afterEach(() => bench?.stop());
  const minutesAgo = (minutes: number) => ({ askedAt: Date.now() - minutes * 60_000 });
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
    const { seen, remedy } = await bench.stops('windows-vm', needs);
    assert.equal(seen, '400 ResourcePurchaseValidationFailed: User failed validation to purchase resources.');
    assert.match(remedy, /accept the image’s terms.*or name another image/);
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
    const { seen, remedy } = await bench.stops('windows-vm', needs);
    assert.equal(seen, 'it is Failed: OSProvisioningTimedOut: OS Provisioning did not finish in time.');
    assert.match(remedy, /mended or deleted in the portal: do that before you retry/);
    assert.equal((await bench.stops('windows-vm', needs)).seen, seen, 'as it is, a retry says the same');
    assert.equal(bench.arrived(vmPut).length, 1);
    const { compute } = await bench.clients();
    await compute.virtualMachines.delete(bench.request.azure.resourceGroup, 'lunaclient', often);
    await bench.step('windows-vm', needs);
    assert.deepEqual([bench.arrived(vmPut).length, bench.arrived('arm:PUT Microsoft.Network/networkInterfaces').length], [2, 1]);
  });

  it('an agent that is never ready is waited for for half an hour, then an incident', async () => {
    const needs = await windowsNeeds();
    bench.fault('never', 'arm:provisioning Microsoft.Compute/virtualMachines/agent');
    const { seen } = await bench.stops('windows-vm', needs, minutesAgo(31));
    assert.match(seen, /lunaclient is running; its agent is not ready: Not Ready, VM status blob is found but not yet populated\. \(after 30 minutes\)/);
    await assert.rejects(bench.attempt('windows-vm', needs), /its agent is not ready/, 'before that it is waited for');
  });

  it('an installation that fails tells the script’s last output, and runs again only when told', async () => {
    const vm = await windowsHost();
    bench.fault('fail', 'windows:run-script', { message: 'The installer ended with exit code 1603.' });
    const { seen } = await bench.stops('install-luna-client', { vm, publicKey }, minutesAgo(1));
    assert.equal(seen, 'The installer ended with exit code 1603.');
    assert.equal(bench.arrived(commandPut).length, 1);
    await bench.step('install-luna-client', { vm, publicKey }, { askedAt: Date.now() });
    assert.equal(bench.arrived(commandPut).length, 2);
  });

  it('an installation that hangs is an incident after the longest time that a script may take', async () => {
    const vm = await windowsHost();
    bench.fault('never', 'windows:run-script', { message: 'Installing OpenSSH.Server' });
    await assert.rejects(bench.attempt('install-luna-client', { vm, publicKey }), /is being installed/);
    await until('the script running', async () => bench.arrived('windows:run-script')[0]);
    const { seen, remedy } = await bench.stops('install-luna-client', { vm, publicKey }, minutesAgo(76));
    assert.match(seen, /has not ended for 75 minutes; its last words: Installing OpenSSH\.Server/);
    assert.match(remedy, /agent/);
    assert.equal(bench.arrived(commandPut).length, 1);
  });
});

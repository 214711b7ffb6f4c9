import assert from 'node:assert/strict';
import type { AzureState, Resource } from '../../simulator/azure/state.ts';
import { AzureBench } from '../support/azure-bench.ts';

const publicKey = 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ ksadmin';

type Tags = Record<string, string>;

interface Machine {
  hardwareProfile: { vmSize: string };
  storageProfile: { imageReference: { version: string }; osDisk: { managedDisk: object } };
}

interface Rule {
  name: string;
  properties: { destinationPortRanges: string[]; sourceAddressPrefixes: string[] };
}

describe('The hosts', function () {
  this.timeout(60_000);
  let bench: AzureBench;
  const state = () => bench.world.state['azure'] as AzureState;
  const resources = (type: string): Resource[] => Object.values(state().resources).filter((resource) => resource.type.endsWith(`/${type}`));
  const rulesOf = (vm: string): Rule[] => resources('networkSecurityGroups').find(({ name }) => name === `${vm}-nsg`)!.properties['securityRules'] as Rule[];
  const id = (path: string) => `/subscriptions/${bench.request.azure.subscriptionId}/resourceGroups/Luna_kylo_rg/providers/${path}`;

  /** Both machines, as a job makes them. */
  async function machines() {
    const { computeSubnetId } = await bench.network();
    await bench.step('keep-secrets', {});
    const { cipherTrustImage, windowsImage: image } = await bench.step('check-availability', {});
    await bench.step('accept-terms', { image: cipherTrustImage });
    const windowsVm = await bench.step('windows-vm', { computeSubnetId, image });
    await bench.step('ciphertrust-vm', { computeSubnetId, image: cipherTrustImage, publicKey });
    return { windowsVm, again: () => bench.step('windows-vm', { computeSubnetId, image }) };
  }

  beforeEach(async () => {
    bench = await AzureBench.start();
    await bench.systems.secrets.create('ntp-key', 'k');
  });
  afterEach(() => bench?.stop());

  it('get the sizes, image, disks, encryption set and tags that are asked for; tags on everything else that is made, too', async () => {
    const encryptionSet = id('Microsoft.Compute/diskEncryptionSets/our-keys');
    bench.azure.seedGroup('Luna_kylo_rg', 'westus2');
    await bench.step('register-providers', {});
    await bench.azure.seed(encryptionSet, { location: 'westus2', properties: {} });
    bench.request.azure.tags = { Environment: 'test', 'Cost center': '4711' };
    bench.request.lunaClient.disk = { type: 'StandardSSD_LRS', encryptionSet };
    bench.request.lunaClient.size = 'Standard_D4s_v3';
    bench.request.lunaClient.image = 'MicrosoftWindowsDesktop:Windows-10:win10-22h2-pro-g2:19045.4046.240209';
    bench.request.cipherTrust.size = 'Standard_D4s_v5';
    bench.request.cipherTrust.disk = { type: 'Premium_LRS' };
    delete state().groups['luna_kylo_rg'];
    const { windowsVm: vm } = await machines();
    const { hsmSubnetId } = await bench.step('virtual-network', {});
    await bench.step('deploy-hsm', { hsmSubnetId });
    await bench.step('install-luna-client', { vm, publicKey });
    const machine = (vmName: string) => resources('virtualMachines').find(({ name }) => name === vmName)!.properties as unknown as Machine;
    const disk = (vmName: string) => machine(vmName).storageProfile.osDisk.managedDisk;
    assert.deepEqual(disk('lunaclient'), { storageAccountType: 'StandardSSD_LRS', diskEncryptionSet: { id: encryptionSet } });
    assert.deepEqual(disk('mycompany-ciphertrust'), { storageAccountType: 'Premium_LRS' });
    assert.deepEqual(
      ['lunaclient', 'mycompany-ciphertrust'].map((vmName) => machine(vmName).hardwareProfile.vmSize),
      ['Standard_D4s_v3', 'Standard_D4s_v5'],
    );
    assert.equal(machine('lunaclient').storageProfile.imageReference.version, '19045.4046.240209');
    // The interface of the HSM is made by the HSM’s own provider.
    const made = Object.values(state().resources).filter(({ id: own, name }) => own !== encryptionSet && !name.endsWith('_HSMnic'));
    const others = [state().groups, state().deployments, state().runCommands].flatMap((things) => Object.values<{ name: string; tags?: Tags }>(things));
    const tagged = [...made, ...others];
    assert.deepEqual(tagged.map(({ name }) => name).sort(), [
      'HSMLuna-ergw',
      'HSMLuna-ergwpip',
      'HSMdeploy',
      'Luna_kylo_rg',
      'Luna_kylo_vnet',
      'install-luna-client-run-1',
      'kylo-luna-hsm',
      'lunaclient',
      'lunaclient-ip',
      'lunaclient-nic',
      'lunaclient-nsg',
      'mycompany-ciphertrust',
      'mycompany-ciphertrust-ip',
      'mycompany-ciphertrust-nic',
      'mycompany-ciphertrust-nsg',
    ]);
    for (const { name, tags } of tagged)
      assert.deepEqual([tags?.['Cost center'], tags?.['Environment'], tags?.['provisioner']], ['4711', 'test', bench.target], name);
  });

  it('that are there need nothing any more: an image that is gone or deprecated since does not stop a later job', async () => {
    bench.request.lunaClient.image = 'MicrosoftWindowsDesktop:Windows-10:win10-22h2-pro-g2:19045.5011.241004';
    await machines();
    bench.world.variants['azure.deprecatedImage'] = '2.19.14195';
    bench.request.lunaClient.image = 'MicrosoftWindowsDesktop:Windows-10:win10-21h2-pro:1.0.0';
    bench.request.lunaClient.size = 'Standard_M416ms';
    assert.deepEqual((await bench.step('check-availability', {})).windowsImage, {
      publisher: 'MicrosoftWindowsDesktop',
      offer: 'Windows-10',
      sku: 'win10-21h2-pro',
      version: '1.0.0',
    });
    // Gone altogether, with its terms, which nobody accepted.
    bench.request.cipherTrust.image += ':2.99.1';
    delete bench.request.cipherTrust.acceptTerms;
    bench.fault('error', 'arm:GET Microsoft.MarketplaceOrdering/agreements', { status: 404, code: 'NotFound', times: 0 });
    const { cipherTrustImage, termsNeeded } = await bench.step('check-availability', {});
    assert.equal(termsNeeded, false);
    assert.deepEqual(await bench.step('accept-terms', { image: cipherTrustImage }), { accepted: false });
  });

  it('are not begun where a disk encryption set is missing or elsewhere', async () => {
    bench.azure.seedGroup('Luna_kylo_rg', 'westus2');
    await bench.step('register-providers', {});
    await bench.azure.seed(id('Microsoft.Compute/diskEncryptionSets/far'), { location: 'eastus', properties: {} });
    bench.request.lunaClient.disk = { encryptionSet: id('Microsoft.Compute/diskEncryptionSets/none') };
    bench.request.cipherTrust.disk = { encryptionSet: id('Microsoft.Compute/diskEncryptionSets/far') };
    const { words: seen } = await bench.stops('check-availability', {});
    assert.match(seen, /no disk encryption set none; the disk encryption set far is in eastus/);
  });

  it('have their temporary doors closed at the end: no 22 and 3389 of ours, 443 as requested, other people’s rules kept; a new run opens them again', async () => {
    Object.assign(bench.systems.settings, { workerSources: ['198.51.100.7/32'] });
    const { windowsVm, again } = await machines();
    const { network } = await bench.clients();
    for (const vm of ['lunaclient', 'mycompany-ciphertrust'])
      await network.securityRules.createOrUpdate('Luna_kylo_rg', `${vm}-nsg`, 'theirs', {
        priority: 200,
        direction: 'Inbound',
        access: 'Allow',
        protocol: 'Tcp',
        sourcePortRange: '*',
        destinationPortRanges: ['22'],
        sourceAddressPrefixes: ['192.0.2.0/24'],
        destinationAddressPrefix: '*',
      });
    const closed = await bench.step('remove-temporary-access', { windowsVm });
    assert.deepEqual(closed, { removedRules: ['lunaclient-nsg/provisioner-admin', 'mycompany-ciphertrust-nsg/provisioner-admin'], deallocated: true });
    assert.deepEqual(
      rulesOf('lunaclient').map(({ name }) => name),
      ['theirs'],
    );
    assert.deepEqual(
      rulesOf('mycompany-ciphertrust')
        .map(({ name }) => name)
        .sort(),
      ['provisioner-ntls', 'provisioner-ntp', 'provisioner-web', 'theirs'],
    );
    const web = rulesOf('mycompany-ciphertrust').find(({ name }) => name === 'provisioner-web')!.properties;
    assert.deepEqual(
      [web.destinationPortRanges, web.sourceAddressPrefixes],
      [['443'], ['203.0.113.0/24']],
      'without the place that this service connected from',
    );
    const removed = bench.arrived('arm:DELETE *');
    assert.deepEqual(
      removed.map(({ operation }) => operation),
      Array(2).fill('arm:DELETE Microsoft.Network/networkSecurityGroups/securityRules'),
    );
    assert.equal(bench.arrived('arm:POST Microsoft.Compute/virtualMachines/deallocate').length, 1);

    await bench.step('remove-temporary-access', { windowsVm });
    assert.equal(bench.arrived('arm:DELETE *').length, 2, 'closed doors are not closed again');
    await again();
    assert.deepEqual(
      rulesOf('lunaclient')
        .map(({ name }) => name)
        .sort(),
      ['provisioner-admin', 'theirs'],
    );
    assert.equal(bench.arrived('arm:POST Microsoft.Compute/virtualMachines/start').length, 1);
  });

  it('keep a door that is locked, with what to do; once the lock is gone a retry closes it', async () => {
    const { windowsVm } = await machines();
    const message = 'The scope cannot perform delete operation because following scope(s) are locked.';
    bench.fault('error', 'arm:DELETE *', { status: 409, code: 'ScopeLocked', message });
    const { words: seen, remedy } = await bench.stops('remove-temporary-access', { windowsVm });
    assert.match(seen, /said: "409 ScopeLocked: The scope cannot/);
    assert.match(remedy, /Remove the lock/);
    assert.deepEqual(bench.arrived('arm:POST Microsoft.Compute/virtualMachines/deallocate'), []);
    assert.equal((await bench.step('remove-temporary-access', { windowsVm })).deallocated, true);
  });

  it('are stopped and started once where Azure goes on showing the old power for a while', async () => {
    bench.world.variants['azure.powerShown'] = 'late';
    bench.world.durations.vmDeallocate = 30;
    const { windowsVm, again } = await machines();
    assert.equal((await bench.step('remove-temporary-access', { windowsVm })).deallocated, true);
    await again();
    for (const change of ['deallocate', 'start']) assert.equal(bench.arrived(`arm:POST Microsoft.Compute/virtualMachines/${change}`).length, 1, change);
  });

  it('keep their doors where that is asked for', async () => {
    const { windowsVm } = await machines();
    bench.request.removeTemporaryAccess = false;
    assert.deepEqual(await bench.step('remove-temporary-access', { windowsVm }), { removedRules: [], deallocated: false });
    assert.deepEqual(bench.arrived('arm:DELETE *'), []);
  });
});

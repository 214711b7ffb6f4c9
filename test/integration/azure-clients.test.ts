import assert from 'node:assert/strict';
import { type Azure, createAzure } from '../../simulator/azure/azure.ts';
import { createWorld, type RunningWorld } from '../../simulator/create-world.ts';
import { readyHsm } from '../../simulator/ready-hsm.ts';
import { everything, foreignClients } from '../support/foreign-clients.ts';
import { until } from '../support/until.ts';

const group = 'Luna_kylo_rg';
const often = { updateIntervalInMs: 20 };
const secrets = {
  password: 'Secret-of-the-admin-1',
  customData: Buffer.from('secret: custom data').toString('base64'),
  protectedParameter: 'Secret-of-the-script-1',
};

/** The simulated Azure as Microsoft’s own clients see it, with their default options; lists give two items a page. */
describe('Microsoft’s clients, with nothing but endpoint, credential and CA', function () {
  this.timeout(60_000);
  let world: RunningWorld;
  let azure: Azure;
  let clients: ReturnType<typeof foreignClients>;
  before(async () => {
    world = await createWorld({ timeScale: 60_000, variants: { 'azure.pageSize': '2' } });
    azure = await createAzure(world);
    await readyHsm(world, azure);
    clients = foreignClients(azure);
  });
  after(async () => {
    await azure.stop();
    await world.stop();
  });

  it('make, find, list and remove groups', async () => {
    const { resourceGroups } = clients.resources;
    for (const name of ['one', 'two', 'three', 'four']) await resourceGroups.createOrUpdate(name, { location: 'westus2', tags: { made: 'here' } });
    assert.deepEqual(await Promise.all(['ONE', 'nowhere'].map(async (name) => (await resourceGroups.checkExistence(name)).body)), [true, false]);
    const { items, pages } = await everything(resourceGroups.list());
    assert.deepEqual([items.map(({ name }) => name), pages], [[group, 'one', 'two', 'three', 'four'], 3]);
    const tagged = await everything(resourceGroups.list({ filter: "tagName eq 'made' and tagValue eq 'here'" }));
    assert.deepEqual([tagged.items.length, tagged.pages], [4, 2], 'the filter holds on every page');
    await assert.rejects(
      everything(resourceGroups.list({ filter: "contains(name, 'o')" })),
      /Pagination failed with unexpected statusCode 400/,
      'is never ignored',
    );
    await resourceGroups.delete('two', often);
    assert.equal((await resourceGroups.checkExistence('two')).body, false);
    await assert.rejects(resourceGroups.get('two'), { code: 'ResourceGroupNotFound', statusCode: 404, message: "Resource group 'two' could not be found." });
  });

  it('list everything over its pages', async () => {
    const { resources, network, compute, hsms, features } = clients;
    const rules = ['a', 'b', 'c'].map((name, at) => ({
      ...{ name, priority: 100 + at, direction: 'Inbound', access: 'Allow', protocol: 'Tcp' },
      ...{ sourceAddressPrefix: '10.0.0.0/8', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '22' },
    }));
    await network.networkSecurityGroups.createOrUpdate(group, 'doors', { location: 'westus2', securityRules: rules }, often);
    for (const name of ['x', 'y', 'z']) {
      await network.publicIPAddresses.createOrUpdate(
        group,
        name,
        { location: 'westus2', sku: { name: 'Standard' }, publicIPAllocationMethod: 'Static' },
        often,
      );
      await network.networkSecurityGroups.createOrUpdate(group, name, { location: 'westus2' }, often);
    }
    const counted = async <T>(list: { byPage(): AsyncIterable<T[]> }) => {
      const { items, pages } = await everything(list);
      return [items.length, pages];
    };
    assert.deepEqual(await counted(resources.resources.list()), [15, 8]);
    assert.deepEqual(await counted(resources.resources.listByResourceGroup(group)), [15, 8]);
    assert.deepEqual(await counted(resources.resources.list({ filter: "resourceType eq 'microsoft.network/PUBLICIPADDRESSES'" })), [3, 2]);
    assert.deepEqual(await counted(resources.providers.list()), [9, 5]);
    assert.deepEqual(await counted(network.networkSecurityGroups.list(group)), [4, 2]);
    assert.deepEqual(await counted(network.networkSecurityGroups.listAll()), [4, 2]);
    assert.deepEqual(await counted(network.securityRules.list(group, 'doors')), [3, 2]);
    assert.deepEqual(await counted(network.publicIPAddresses.list(group)), [3, 2]);
    assert.deepEqual(await counted(network.networkInterfaces.listAll()), [3, 2]);
    assert.deepEqual(await counted(network.subnets.list(group, 'luna_KYLO_vnet')), [3, 2]);
    assert.deepEqual(await counted(network.virtualNetworks.listAll()), [1, 1]);
    assert.deepEqual(await counted(compute.virtualMachines.listAll()), [2, 1]);
    assert.deepEqual(await counted(compute.resourceSkus.list({ filter: "location eq 'westus2'" })), [7, 4]);
    assert.deepEqual(await counted(hsms.dedicatedHsmOperations.listByResourceGroup(group, { top: 1 })), [1, 1]);
    assert.deepEqual(await counted(hsms.dedicatedHsmOperations.listBySubscription()), [1, 1]);
    assert.deepEqual(await counted(features.features.listAll()), [1, 1]);
    assert.deepEqual(await counted(features.features.list('Microsoft.HardwareSecurityModules')), [1, 1]);
  });

  it('register, choose an image, accept its terms', async () => {
    const { resources, features, compute, marketplace } = clients;
    const [publisher, offer, plan] = ['thalesdiscplusainc1596561677238', 'cm_k170v', 'ciphertrust_manager'];
    assert.equal((await features.features.register('Microsoft.HardwareSecurityModules', 'AzureDedicatedHSM')).properties?.state, 'Registered');
    await resources.providers.register('Microsoft.KeyVault');
    const hsmProvider = await resources.providers.get('Microsoft.HardwareSecurityModules');
    assert.deepEqual(hsmProvider.resourceTypes?.find(({ resourceType }) => resourceType === 'dedicatedHSMs')?.apiVersions, [
      '2021-11-30',
      '2018-10-31-preview',
    ]);
    const names = (list: { name: string }[]) => list.map(({ name }) => name);
    assert.ok(names(await compute.virtualMachineImages.listPublishers('westus2')).includes(publisher));
    assert.deepEqual(names(await compute.virtualMachineImages.listOffers('westus2', publisher)), ['cm_k170v', 'cm_ce']);
    assert.deepEqual(names(await compute.virtualMachineImages.listSkus('westus2', publisher, offer)), [plan]);
    assert.deepEqual(names(await compute.virtualMachineImages.list('westus2', publisher, offer, plan, { top: 1, orderby: 'name desc' })), ['2.19.14195']);
    const image = await compute.virtualMachineImages.get('westus2', publisher, offer, plan, '2.10.7973');
    assert.deepEqual(image.plan, { publisher, name: plan, product: offer });
    const terms = await marketplace.marketplaceAgreements.get('virtualmachine', publisher, offer, plan);
    await marketplace.marketplaceAgreements.create('virtualmachine', publisher, offer, plan, { ...terms, accepted: true });
    assert.equal((await marketplace.marketplaceAgreements.get('virtualmachine', publisher, offer, plan)).accepted, true);
  });

  it('deploy a template, ask what it would change, and find what it did; secure parameters are never told', async () => {
    const { deployments } = clients.deployments;
    const resource = (name: string) => ({
      ...{ type: 'Microsoft.Network/publicIPAddresses', apiVersion: '2024-01-01', name, location: '[resourceGroup().location]' },
      properties: { publicIPAllocationMethod: 'Static' },
    });
    const properties = {
      mode: 'Incremental' as const,
      template: {
        $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
        contentVersion: '1.0.0.0',
        parameters: { key: { type: 'securestring' } },
        resources: [resource('p1'), resource('p2'), { ...resource('p3'), tags: { key: "[parameters('key')]" } }],
      },
      parameters: { key: { value: secrets.password } },
    };
    const changes = await deployments.whatIf('one', 'd1', { properties }, often);
    assert.deepEqual(
      changes.changes?.map(({ changeType }) => changeType),
      ['Create', 'Create', 'Create'],
    );
    const done = await deployments.createOrUpdate('one', 'd1', { properties }, often);
    assert.deepEqual([done.properties?.provisioningState, done.properties?.parameters], ['Succeeded', { key: { type: 'securestring' } }]);
    for (const name of ['d2', 'd3'])
      await deployments.createOrUpdate('one', name, { properties: { ...properties, template: { ...properties.template, resources: [] } } }, often);
    assert.deepEqual((await everything(deployments.listByResourceGroup('one'))).items.map(({ name }) => name).sort(), ['d1', 'd2', 'd3']);
    assert.equal((await everything(clients.deployments.deploymentOperations.list('one', 'd1'))).pages, 2);
    assert.deepEqual((await deployments.exportTemplate('one', 'd1')).template, properties.template);
    assert.deepEqual(await Promise.all(['d1', 'd9'].map(async (name) => (await deployments.checkExistence('one', name)).body)), [true, false]);
    await assert.rejects(deployments.cancel('one', 'd1'), { statusCode: 409 });
    await deployments.delete('one', 'd2', often);
    assert.equal((await deployments.checkExistence('one', 'd2')).body, false);
    for (const text of [JSON.stringify(changes), JSON.stringify(await everything(deployments.listByResourceGroup('one')))])
      assert.ok(!text.includes(secrets.password));
  });

  it('run a machine: make it, look at it, run scripts in it, stop and start it; its secrets are never told', async () => {
    const { virtualMachines, virtualMachineRunCommands: commands } = clients.compute;
    const nic = await clients.network.networkInterfaces.createOrUpdate(
      group,
      'host-nic',
      {
        location: 'westus2',
        ipConfigurations: [
          {
            name: 'ip',
            subnet: {
              id: `/subscriptions/${azure.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Network/virtualNetworks/Luna_kylo_vnet/subnets/Compute`,
            },
          },
        ],
      },
      often,
    );
    const made = await virtualMachines.createOrUpdate(
      group,
      'host',
      {
        location: 'westus2',
        hardwareProfile: { vmSize: 'Standard_D2s_v3' },
        storageProfile: { imageReference: { publisher: 'MicrosoftWindowsDesktop', offer: 'Windows-10', sku: 'win10-22h2-pro-g2', version: 'latest' } },
        osProfile: { computerName: 'host', adminUsername: 'azureuser', adminPassword: secrets.password, customData: secrets.customData },
        networkProfile: { networkInterfaces: [{ id: nic.id! }] },
      },
      often,
    );
    assert.deepEqual([made.provisioningState, made.osProfile?.adminUsername, made.osProfile?.adminPassword], ['Succeeded', 'azureuser', undefined]);
    const seen = await until('the agent', async () => {
      const machine = await virtualMachines.get(group, 'host', { expand: 'instanceView' });
      return machine.instanceView?.vmAgent?.statuses?.[0]?.displayStatus === 'Ready' ? machine : undefined;
    });
    assert.ok(seen.instanceView?.statuses?.some(({ code }) => code === 'PowerState/running'));
    const ran = await virtualMachines.runCommand(group, 'host', { commandId: 'RunPowerShellScript', script: ['Write-Output hello'] }, often);
    assert.deepEqual(
      ran.value?.map(({ code, message }) => [code, message?.trim()]),
      [
        ['ComponentStatus/StdOut/succeeded', 'hello'],
        ['ComponentStatus/StdErr/succeeded', ''],
      ],
    );
    for (const name of ['first', 'second', 'third'])
      await commands.createOrUpdate(
        group,
        'host',
        name,
        {
          location: 'westus2',
          source: { script: 'Write-Output hello' },
          protectedParameters: [{ name: 'Key', value: secrets.protectedParameter }],
          runAsPassword: secrets.password,
        },
        often,
      );
    const listed = await everything(commands.listByVirtualMachine(group, 'host'));
    assert.deepEqual([listed.items.map(({ name }) => name), listed.pages], [['first', 'second', 'third'], 2]);
    const all = [
      made,
      seen,
      listed,
      await everything(virtualMachines.list(group)),
      await commands.getByVirtualMachine(group, 'host', 'first', { expand: 'instanceView' }),
    ];
    for (const secret of Object.values(secrets)) assert.ok(!JSON.stringify(all).includes(secret), secret);
    const power = async () => (await virtualMachines.instanceView(group, 'host')).statuses?.map(({ code }) => code).at(-1);
    await virtualMachines.powerOff(group, 'host', often);
    assert.equal(await power(), 'PowerState/stopped');
    await virtualMachines.deallocate(group, 'host', often);
    assert.equal(await power(), 'PowerState/deallocated');
    await assert.rejects(virtualMachines.runCommand(group, 'host', { commandId: 'RunPowerShellScript', script: ['1'] }, often), {
      code: 'OperationNotAllowed',
    });
    await virtualMachines.start(group, 'host', often);
    await virtualMachines.restart(group, 'host', often);
    assert.equal(await power(), 'PowerState/running');
    await virtualMachines.delete(group, 'host', often);
    await assert.rejects(virtualMachines.get(group, 'host'), { code: 'ResourceNotFound', statusCode: 404 });
  });

  it('change a network that is there: a subnet that nothing is in goes, one that is in use stays', async () => {
    const { subnets } = clients.network;
    await subnets.createOrUpdate(group, 'Luna_kylo_vnet', 'spare', { addressPrefix: '172.22.9.0/24' }, often);
    await subnets.delete(group, 'Luna_kylo_vnet', 'spare', often);
    await assert.rejects(subnets.get(group, 'Luna_kylo_vnet', 'spare'), { statusCode: 404 });
    await assert.rejects(async () => subnets.delete(group, 'Luna_kylo_vnet', 'Compute', often), { code: 'InUseSubnetCannotBeDeleted' });
  });

  it('delete a group that holds an HSM: the group goes, the HSM stays and costs', async () => {
    const { resources, hsms } = clients;
    await resources.resourceGroups.delete(group, often);
    assert.equal((await resources.resourceGroups.checkExistence(group)).body, false);
    const left = await everything(resources.resources.list({ filter: "location eq 'westus2' and resourceGroup eq 'luna_kylo_rg'" }));
    assert.deepEqual(
      left.items.map(({ type }) => type),
      ['Microsoft.HardwareSecurityModules/dedicatedHSMs'],
    );
    const [orphan] = (await everything(hsms.dedicatedHsmOperations.listBySubscription())).items;
    assert.equal(orphan?.provisioningState, 'Succeeded', 'it is as it was, in no group');
    assert.deepEqual(
      azure
        .resources()
        .filter(({ orphaned }) => orphaned)
        .map(({ id }) => id),
      [orphan?.id],
    );
  });
});

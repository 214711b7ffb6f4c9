import assert from 'node:assert/strict';
import type { AzureState } from '../../simulator/azure/state.ts';
import { AzureBench, type AzureBenchOptions } from '../support/azure-bench.ts';
import { until } from '../support/until.ts';

const vnet = 'arm:PUT Microsoft.Network/virtualNetworks';
const subnetPut = 'arm:PUT Microsoft.Network/virtualNetworks/subnets';
const often = { updateIntervalInMs: 50 };

let bench: AzureBench;
const start = async (options: AzureBenchOptions = {}) => {
  bench = await AzureBench.start(options);
};
const stopAfterwards = () => afterEach(() => bench?.stop());

describe('What is available', function () {
  this.timeout(30_000);
  const check = () => bench.stops('check-availability', {});
  /** What came about besides looking. */
  const changes = () => bench.arrived('arm:*').filter(({ operation }) => !operation.startsWith('arm:GET ') && !operation.includes('providers/register'));
  beforeEach(async () => {
    await start({ variants: { 'azure.restrictedSize': 'Standard_D4s_v5' } });
    await bench.step('register-providers', {});
  });
  afterEach(() => assert.deepEqual(changes(), [], 'nothing was created'));
  stopAfterwards();

  it('names terms that are not accepted, with the link to them', async () => {
    delete bench.request.cipherTrust.acceptTerms;
    const { words: seen, remedy } = await check();
    assert.match(seen, /marketplace terms are not accepted/);
    assert.match(remedy, /https:\/\/example\.com\/license.*az vm image terms accept/);
    const { marketplace } = await bench.clients();
    const [publisher = '', offer = '', sku = ''] = bench.request.cipherTrust.image.split(':');
    const terms = await marketplace.marketplaceAgreements.get('virtualmachine', publisher, offer, sku);
    await marketplace.marketplaceAgreements.create('virtualmachine', publisher, offer, sku, { ...terms, accepted: true });
    assert.equal((await bench.step('check-availability', {})).termsNeeded, false, 'accepted by a person, it goes on');
    bench.world.requestLog.clear();
  });

  it('lets them be accepted where the request says so', async () => {
    assert.equal((await bench.step('check-availability', {})).termsNeeded, true);
  });

  it('names everything that is not there at once: images that are gone, sizes that are not offered or may not be used', async () => {
    bench.request.cipherTrust.image += ':2.99.1';
    bench.request.lunaClient.image = 'MicrosoftWindowsDesktop:Windows-10:win10-22h2-pro-g2:19045.1.1';
    bench.request.cipherTrust.size = 'Standard_D4s_v5';
    bench.request.lunaClient.size = 'Standard_M416ms';
    const { words: seen } = await check();
    for (const missing of [
      /the size Standard_M416ms is not offered in westus2/,
      /the size Standard_D4s_v5 may not be used in westus2: NotAvailableForSubscription/,
      /no image MicrosoftWindowsDesktop:Windows-10:win10-22h2-pro-g2:19045\.1\.1/,
      /no image thalesdiscplusainc1596561677238:cm_k170v:ciphertrust_manager:2\.99\.1/,
    ])
      assert.match(seen, missing);
    delete bench.request.lunaClient.image;
    bench.request.cipherTrust.image = 'nobody:cm_k170v:ciphertrust_manager';
    bench.request.cipherTrust.size = 'Standard_M416ms';
    bench.request.lunaClient.size = 'standard_d4s_v5';
    assert.equal(
      (await check()).words,
      'the size Standard_M416ms is not offered in westus2; the size Standard_D4s_v5 may not be used in westus2: NotAvailableForSubscription; no image nobody:cm_k170v:ciphertrust_manager',
    );
  });

  it('names an image that is deprecated, with what is in its place; one that will be is a warning', async () => {
    bench.world.variants['azure.deprecatedImage'] = '2.19.14195';
    const { words: seen } = await check();
    assert.match(seen, /image thalesdiscplusainc1596561677238:cm_k170v:ciphertrust_manager:2\.19\.14195 is deprecated.*another-plan/);
    bench.world.variants['azure.deprecatedImage'] = '2.19.14195@2027-01-31';
    assert.match(
      (await bench.step('check-availability', {})).warnings.join(),
      /ciphertrust_manager:2\.19\.14195 can be used until 2027-01-31; in its place: another-plan/,
    );
    bench.world.variants['azure.deprecatedImage'] = '19045.5011.241004';
    assert.match((await check()).words, /win10-22h2-pro-g2:19045\.5011\.241004 is deprecated/);
  });

  it('names an image of one’s own that is gone, or in another region', async () => {
    bench.azure.seedGroup('images', 'eastus');
    const id = `/subscriptions/${bench.azure.subscriptionId}/resourceGroups/images/providers/Microsoft.Compute/images/cm`;
    bench.request.cipherTrust.image = id;
    assert.match((await check()).words, /no image .*\/images\/cm/);
    await bench.azure.seed(id, { location: 'eastus', properties: {} });
    assert.match((await check()).words, /the image cm is in eastus/);
    const version = id.replace('/images/cm', '/galleries/own/images/cm/versions/1.0.0');
    const targetRegions = ['East US', 'West US 2'].map((name) => ({ name }));
    await bench.azure.seed(version, { location: 'eastus', properties: { publishingProfile: { targetRegions } } });
    bench.request.cipherTrust.image = version;
    assert.deepEqual((await bench.step('check-availability', {})).cipherTrustImage, { id: version });
  });
});

describe('The feature', function () {
  this.timeout(30_000);
  stopAfterwards();

  it('that Azure hides from a subscription without access is an incident with the request for it', async () => {
    await start();
    bench.fault('error', 'arm:GET Microsoft.Features/features', { status: 404, code: 'FeatureNotFound', message: 'The feature was not found.' });
    const { words: seen, remedy } = await bench.stops('check-feature', {});
    assert.equal(seen, 'it is unknown to this subscription');
    assert.match(remedy, /HSMrequest@Microsoft\.com/);
  });

  it('when it is Registered at last, is made known to its provider, which is registered again', async () => {
    await start();
    const provider = 'arm:POST Microsoft.Resources/providers/register';
    await bench.step('register-providers', {});
    bench.world.requestLog.clear();
    bench.azure.setFeature('Pending');
    await assert.rejects(bench.attempt('check-feature', {}), /Pending\. Waiting for Microsoft/);
    assert.deepEqual(bench.arrived(provider), []);
    bench.azure.setFeature('Registered');
    await bench.step('check-feature', {});
    assert.deepEqual(
      bench.arrived(provider).map(({ target, outcome }) => [target.split('/').at(-2), outcome]),
      [['Microsoft.HardwareSecurityModules', 'done']],
    );
  });
});

describe('The resource group', function () {
  this.timeout(30_000);
  stopAfterwards();

  it('is not made because a subscription is mistyped, or because something in between knows nothing of it', async () => {
    await start();
    bench.fault('page', 'arm:GET Microsoft.Resources/resourceGroups', { status: 404 });
    const between = await bench.stops('resource-group', {});
    assert.match(between.words, /^the answer is not Azure’s: 404, an HTML page/);
    assert.match(between.remedy, /HSM_PROXY/);
    bench.request.azure.subscriptionId = '11111111-2222-3333-4444-555555555555';
    const mistyped = await bench.stops('resource-group', {});
    assert.match(mistyped.words, /said: "404 SubscriptionNotFound/);
    assert.match(mistyped.remedy, /a role in the subscription.*abort and send another one/);
    assert.deepEqual(bench.arrived('arm:PUT *'), []);
  });

  it('that is being deleted is an incident, and made anew by a retry once it is gone; one that is there is kept, tags and all', async () => {
    await start();
    const { resources } = await bench.clients();
    const { resourceGroup: name, region } = bench.request.azure;
    bench.azure.seedGroup(name, region);
    // It goes when the test says so, not when its time has come.
    bench.world.durations.groupDelete = 60_000;
    await resources.resourceGroups.delete(name).submitted();
    const { kind, words: seen, remedy } = await bench.stops('resource-group', {});
    assert.deepEqual([kind, seen], ['Unsafe', 'it is being deleted']);
    assert.match(remedy, /once the group is gone: retrying re-creates it/);
    const { groups } = bench.world.state['azure'] as AzureState;
    for (const { deletion } of Object.values(groups)) if (deletion) deletion.endsAt = 0;
    await until('the group gone', async () =>
      resources.resourceGroups.get(name).then(
        () => undefined,
        () => true,
      ),
    );
    assert.deepEqual(bench.arrived('arm:PUT *'), []);
    await bench.step('resource-group', {});
    assert.equal((await resources.resourceGroups.get(name)).tags?.['provisioner'], bench.target);
    await resources.resourceGroups.createOrUpdate(name, { location: region, tags: { owner: 'network team' } });
    bench.world.requestLog.clear();
    await bench.step('resource-group', {});
    assert.deepEqual((await resources.resourceGroups.get(name)).tags, { owner: 'network team' });
    assert.deepEqual(bench.arrived('arm:PUT *'), []);
  });
});

describe('The virtual network', function () {
  this.timeout(30_000);
  stopAfterwards();
  /** Somebody’s network with what a job needs in part, and with more. */
  async function theirs(change: { addressPrefixes?: readonly string[]; hsmDelegated?: boolean } = {}) {
    const { resourceGroup, region: location } = bench.request.azure;
    const { hsm, name } = bench.request.network;
    await bench.step('register-providers', {});
    await bench.step('resource-group', {});
    const { network } = await bench.clients();
    const rule = { name: 'theirs', priority: 200, direction: 'Inbound', access: 'Deny', protocol: '*', sourcePortRange: '*' } as const;
    const group = await network.networkSecurityGroups.createOrUpdate(
      resourceGroup,
      'their-nsg',
      { location, securityRules: [{ ...rule, sourceAddressPrefix: '*', destinationAddressPrefix: '*', destinationPortRange: '*' }] },
      often,
    );
    const routes = group.id!.replace(/networkSecurityGroups.*/, 'routeTables/their-routes');
    const delegations = change.hsmDelegated === false ? [] : [{ name: 'theirs', serviceName: 'Microsoft.HardwareSecurityModules/dedicatedHSMs' }];
    await network.virtualNetworks.createOrUpdate(
      resourceGroup,
      name,
      {
        location,
        tags: { owner: 'network team' },
        addressSpace: { addressPrefixes: [...(change.addressPrefixes ?? ['172.22.0.0/16', '10.9.0.0/16'])] },
        subnets: [
          { name: 'Theirs', addressPrefix: '172.22.9.0/24', networkSecurityGroup: { id: group.id! }, routeTable: { id: routes } },
          { name: hsm.name, addressPrefix: hsm.range, delegations },
        ],
      },
      often,
    );
    bench.world.requestLog.clear();
    return async () => ({
      network: await network.virtualNetworks.get(resourceGroup, name),
      rules: await network.networkSecurityGroups.get(resourceGroup, 'their-nsg'),
    });
  }

  it('that is there is kept, with its foreign subnets, rules and tags; only what is missing is added', async () => {
    await start();
    const look = await theirs();
    const before = await look();
    await bench.step('virtual-network', {});
    const after = await look();
    const foreign = before.network.subnets!.map(({ id }) => id);
    assert.deepEqual({ ...after.network, subnets: after.network.subnets!.filter(({ id }) => foreign.includes(id)) }, before.network);
    assert.match(after.network.subnets!.find(({ name }) => name === 'Theirs')?.routeTable?.id ?? '', /their-routes$/);
    assert.deepEqual(after.rules, before.rules);
    assert.deepEqual(after.network.subnets!.map(({ name }) => name).sort(), ['Compute', 'GatewaySubnet', 'Luna_kylo_HSM_subnet', 'Theirs']);
    const puts = bench.arrived('arm:PUT *').map(({ operation, target }) => `${operation} ${target.split('/').at(-1)}`);
    assert.deepEqual(puts, [`${subnetPut} Compute`, `${subnetPut} GatewaySubnet`]);
  });

  it('that another job makes between look and act keeps what that job put into it', async () => {
    await start();
    await bench.step('register-providers', {});
    await bench.step('resource-group', {});
    bench.fault('hold', vnet);
    const late = bench.step('virtual-network', {});
    const held = await until('the network held', async () => bench.world.faults.held()[0]);
    const other = structuredClone(bench.request);
    other.network.compute = { name: 'Compute2', range: '172.22.10.0/24' };
    other.network.addressSpace = '172.22.0.0/16';
    await bench.as({ request: other }).step('virtual-network', {});
    const { network } = await bench.clients();
    const look = () => network.virtualNetworks.get(other.azure.resourceGroup, other.network.name);
    const before = await look();
    bench.world.faults.release(held.id);
    await late;
    const after = await look();
    for (const subnet of before.subnets!)
      assert.deepEqual(
        after.subnets!.find(({ id }) => id === subnet.id),
        subnet,
      );
    assert.deepEqual(after.subnets!.map(({ name }) => name).sort(), ['Compute', 'Compute2', 'GatewaySubnet', 'Luna_kylo_HSM_subnet']);
    assert.deepEqual(
      bench
        .arrived(vnet)
        .map(({ outcome, detail }) => detail ?? outcome)
        .sort(),
      ['PreconditionFailed', 'done'],
    );
  });

  for (const [difference, change, seen] of [
    ['delegation', { hsmDelegated: false }, /Luna_kylo_HSM_subnet is not delegated/],
    ['range', { addressPrefixes: ['172.22.1.0/24', '172.22.9.0/24'] }, /Compute \(172\.22\.0\.0\/24\) lies outside.*GatewaySubnet/],
  ] as const)
    it(`whose ${difference} is another is an incident, and nothing is overwritten`, async () => {
      await start();
      const look = await theirs(change);
      const before = await look();
      assert.match((await bench.stops('virtual-network', {})).words, seen);
      assert.deepEqual(await look(), before);
      assert.deepEqual(bench.arrived('arm:PUT *'), []);
    });

  for (const status of ['429', '409'])
    it(`takes two jobs at once: their subnets are written one after the other, and AnotherOperationInProgress (${status}) is waited for`, async () => {
      await start({ timeScale: 600, durations: { subnet: 2 }, variants: { 'azure.anotherOperation': status } });
      await bench.step('register-providers', {});
      await bench.step('resource-group', {});
      const first = bench.request;
      const second = structuredClone(first);
      second.network.compute = { name: 'Compute2', range: '172.22.10.0/24' };
      second.network.hsm = { name: 'hsm2', range: '172.22.11.0/24' };
      const [one, two] = await Promise.all([first, second].map((request) => bench.as({ request }).step('virtual-network', {})));
      assert.equal(one!.gatewaySubnetId, two!.gatewaySubnetId);
      const { network } = await bench.clients();
      const { subnets = [] } = await network.virtualNetworks.get(first.azure.resourceGroup, first.network.name);
      assert.deepEqual(subnets.map(({ name }) => name).sort(), ['Compute', 'Compute2', 'GatewaySubnet', 'Luna_kylo_HSM_subnet', 'hsm2']);
      assert.ok(bench.arrived(subnetPut, 'refused').some(({ detail }) => detail === 'AnotherOperationInProgress'));
      assert.equal(bench.arrived(vnet, 'done').length, 1, 'one network');
      for (const name of ['Compute', 'Compute2', 'hsm2'])
        assert.equal(bench.arrived(subnetPut, 'done').filter(({ target }) => target.endsWith(`/${name}`)).length, 1, name);
    });
});

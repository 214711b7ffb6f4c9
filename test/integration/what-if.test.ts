import assert from 'node:assert/strict';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { whatIf } from '../../activities/plan/what-if.ts';
import type { WhatIf } from '../../domain/what-if.ts';
import { AzureBench } from '../support/azure-bench.ts';
import { runStep } from '../support/fence.ts';
import { customerTemplate } from '../support/template.ts';

describe('What a request would change', function () {
  this.timeout(60_000);
  let bench: AzureBench;
  beforeEach(async () => {
    bench = await AzureBench.start();
    await bench.systems.secrets.create('ntp-key', 'k');
  });
  afterEach(() => bench?.stop());

  /** One look, in which nothing may be changed. */
  async function look(): Promise<WhatIf> {
    const before = bench.world.requestLog.entries.length;
    const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000 }, { logger: new DefaultLogger('ERROR') });
    const seen = await runStep(environment, whatIf(bench.systems), bench.job);
    const sent = bench.world.requestLog.entries.slice(before).map(({ operation }) => operation);
    const questions = ['arm:POST Microsoft.Resources/deployments/validate', 'arm:POST Microsoft.Resources/deployments/whatIf'];
    assert.deepEqual(
      sent.filter((operation) => !/^(arm:(GET|HEAD) |authority:)/.test(operation) && !questions.includes(operation)),
      [],
      'it only asks',
    );
    assert.ok(sent.length > 0);
    return seen;
  }
  const effects = ({ changes }: WhatIf) => Object.fromEntries(changes.map(({ kind, name, effect }) => [`${kind} ${name}`, effect]));
  const of = (seen: WhatIf, effect: string) => seen.changes.filter((change) => change.effect === effect).map(({ name }) => name);

  it('in an empty subscription: everything is created', async () => {
    const seen = await look();
    assert.deepEqual(seen.problems, []);
    assert.equal(of(seen, 'Create').length, seen.changes.length);
    for (const name of [
      'Luna_kylo_rg',
      'GatewaySubnet',
      'HSMLuna-ergw',
      'HSMLuna-ergwpip',
      'kylo-luna-hsm',
      'lunaclient-nsg',
      'lunaclient-ip',
      'lunaclient-nic',
      'mycompany-ciphertrust',
    ])
      assert.ok(of(seen, 'Create').includes(name), name);
  });

  it('with a network of somebody’s: it gets what is missing, the rest is created, and Azure is asked about the deployment', async () => {
    const { hsmSubnetId } = await bench.network();
    assert.ok(hsmSubnetId);
    const seen = await look();
    assert.deepEqual(seen.problems, []);
    assert.deepEqual(of(seen, 'NoChange'), ['Luna_kylo_rg', 'Luna_kylo_vnet', 'Compute', 'Luna_kylo_HSM_subnet', 'GatewaySubnet']);
    assert.equal(bench.arrived('arm:POST Microsoft.Resources/deployments/whatIf').length, 1);
    bench.request.network.compute.name = 'Other';
    bench.request.network.compute.range = '172.22.8.0/24';
    bench.request.lunaClient.address = '172.22.8.4';
    bench.request.cipherTrust.address = '172.22.8.5';
    const other = await look();
    assert.deepEqual(of(other, 'Modify'), ['Luna_kylo_vnet']);
    assert.match(other.changes.find(({ name }) => name === 'Luna_kylo_vnet')!.detail ?? '', /gets Other/);
    assert.equal(effects(other)['subnet Other'], 'Create');
  });

  it('names what a job would stop at: a subnet of another range, a gateway that a template of one’s own would touch', async () => {
    const { hsmSubnetId } = await bench.network();
    bench.request.network.compute.range = '172.22.0.0/25';
    assert.match((await look()).problems.join(), /Compute has the range 172\.22\.0\.0\/24, not 172\.22\.0\.0\/25/);
    bench.request.network.compute.range = '172.22.0.0/24';
    await bench.step('deploy-hsm', { hsmSubnetId });
    const clients = await bench.clients();
    await clients.hsms.dedicatedHsmOperations.beginDeleteAndWait('Luna_kylo_rg', 'kylo-luna-hsm').catch(() => undefined);
    bench.request.hsm.name = 'second-hsm';
    bench.request.hsm.template = { inline: customerTemplate() as Record<string, unknown> };
    delete bench.request.hsm.address;
    delete bench.request.hsm.stamp;
    assert.match((await look()).problems.join(), /put the gateway again that is there, virtualNetworkGateways\/HSMLuna-ergw/);
  });

  it('where all of it is there: nothing is created; a host that was put to sleep is started, with its doors open again', async () => {
    const { hsmSubnetId, computeSubnetId } = await bench.network();
    await bench.step('deploy-hsm', { hsmSubnetId });
    await bench.step('keep-secrets', {});
    const { cipherTrustImage, windowsImage } = await bench.step('check-availability', {});
    await bench.step('accept-terms', { image: cipherTrustImage });
    const windowsVm = await bench.step('windows-vm', { computeSubnetId, image: windowsImage });
    await bench.step('ciphertrust-vm', { computeSubnetId, image: cipherTrustImage, publicKey: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ ksadmin' });
    const seen = await look();
    assert.deepEqual([seen.problems, of(seen, 'Create'), of(seen, 'Modify')], [[], [], []]);
    await bench.step('remove-temporary-access', { windowsVm });
    const asleep = await look();
    assert.deepEqual(of(asleep, 'Modify'), ['lunaclient-nsg', 'lunaclient', 'mycompany-ciphertrust-nsg']);
    assert.deepEqual(of(asleep, 'Create'), []);
  });

  it('names what a job would stop at before anything is created, whether or not the group is there', async () => {
    bench.azure.setFeature('NotRegistered');
    assert.match((await look()).problems.join(), /^checking the feature AzureDedicatedHSM: it is NotRegistered$/);
    bench.azure.setFeature('Pending');
    assert.match((await look()).problems.join(), /Pending\. Waiting for Microsoft/);
    bench.azure.setFeature('Registered');
    await bench.step('register-providers', {});
    bench.request.lunaClient.size = 'Standard_M416ms';
    bench.request.cipherTrust.image += ':2.99.1';
    const bare = await look();
    assert.match(bare.problems.join(), /the size Standard_M416ms is not offered in westus2; no image .*:2\.99\.1/);
    assert.equal(of(bare, 'Create').length, bare.changes.length);
    delete bench.request.lunaClient.size;
    bench.request.cipherTrust.image = bench.request.cipherTrust.image.replace(':2.99.1', '');
    delete bench.request.cipherTrust.acceptTerms;
    await bench.network();
    assert.match((await look()).problems.join(), /marketplace terms are not accepted/);
  });

  it('where Azure refuses the deployment: still tells what is there', async () => {
    const { hsmSubnetId } = await bench.network();
    await bench.azure.seed(hsmSubnetId.replace(/virtualNetworks\/.*$/, 'virtualNetworkGateways/theirs'), {
      location: 'westus2',
      properties: {
        gatewayType: 'ExpressRoute',
        ipConfigurations: [{ name: 'c', properties: { subnet: { id: hsmSubnetId.replace(/subnets\/.*$/, 'subnets/GatewaySubnet') } } }],
      },
    });
    bench.fault('error', 'arm:POST Microsoft.Resources/deployments/validate', { status: 400, code: 'QuotaExceeded', message: 'Public addresses: 0 left.' });
    const seen = await look();
    assert.match(seen.problems.join(), /validating the deployment HSMdeploy: .*"400 QuotaExceeded/);
    assert.equal(effects(seen)['ExpressRoute gateway HSMLuna-ergw'], 'NoChange');
  });

  it('of a machine that is somebody’s: says that a job would stop there, and would change nothing of it', async () => {
    const { resourceGroup, region: location } = bench.request.azure;
    await bench.network();
    const { network } = await bench.clients();
    await network.networkSecurityGroups.createOrUpdate(resourceGroup, 'lunaclient-nsg', { location }, { updateIntervalInMs: 50 });
    const seen = await look();
    assert.match(seen.problems.join(), /creating lunaclient-nsg: it is not this job’s/);
    assert.deepEqual(of(seen, 'Modify'), []);
  });

  it('of a subscription that is mistyped: is no list of what would be created', async () => {
    bench.request.azure.subscriptionId = '11111111-2222-3333-4444-555555555555';
    await assert.rejects(look(), /SubscriptionNotFound/);
  });
});

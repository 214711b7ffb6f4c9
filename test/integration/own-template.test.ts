import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { wordsOf } from '../../domain/failure.ts';
import type { ReportDraft } from '../../domain/report.ts';
import { azureOf } from '../../domain/report-azure.ts';
import type { AzureState } from '../../simulator/azure/state.ts';
import { templateHash } from '../../simulator/azure/templates/hash.ts';
import { templateSha256 } from '../../systems/azure/own-template.ts';
import { readSettings } from '../../worker/settings.ts';
import { createSystems } from '../../worker/systems.ts';
import { AzureBench } from '../support/azure-bench.ts';
import { customerTemplate } from '../support/template.ts';

describe('A deployment with the user’s own template', function () {
  this.timeout(60_000);
  let bench: AzureBench;
  const template = { inline: customerTemplate() as Record<string, unknown> };
  const deployments = () => Object.values((bench.world.state['azure'] as AzureState).deployments);
  beforeEach(async () => {
    bench = await AzureBench.start();
    bench.request.hsm.template = template;
    delete bench.request.hsm.address;
    delete bench.request.hsm.stamp;
  });
  afterEach(() => bench?.stop());

  it('sends it unedited, with the runbook’s four parameters and under its name, and tells its hash', async () => {
    const { hsmSubnetId } = await bench.network();
    const result = await bench.step('deploy-hsm', { hsmSubnetId, template });
    const [deployment, ...others] = deployments();
    assert.deepEqual(others, []);
    assert.equal(deployment!.name, 'HSMdeploy');
    assert.deepEqual(deployment!.template, customerTemplate());
    assert.equal(deployment!.templateHash, templateHash(customerTemplate()), 'as Azure sees it, it is the same');
    const { ErSku, ...given } = Object.fromEntries(Object.entries(deployment!.parameters).map(([name, { value }]) => [name, value]));
    assert.deepEqual(given, {
      ResourcePrefix: 'HSMLuna',
      ExistingVNetName: 'Luna_kylo_vnet',
      ExistingHSMSubnetName: 'Luna_kylo_HSM_subnet',
      HSMResourceName: 'kylo-luna-hsm',
    });
    assert.equal(ErSku, 'Standard', 'its own default');
    assert.equal(result.templateSha256, templateSha256(template));
    const told = azureOf({ request: bench.request, results: { 'deploy-hsm': result } } as ReportDraft);
    assert.equal(told.deployment?.templateSha256, templateSha256(template), 'and the report tells it');
    assert.equal(result.gatewayWasThere, false);
    assert.equal((await bench.step('verify-hsm', {})).hsmAddress, '172.22.1.4', 'its tags are its own affair');
  });

  it('is fetched from an address that is a secret, held against its SHA-256 and sent as it is', async () => {
    const { hsmSubnetId } = await bench.network();
    const text = `\uFEFF${JSON.stringify(customerTemplate(), null, 2)}\r\n`;
    const sha256 = createHash('sha256').update(text).digest('hex');
    const { certificatePem: cert, privateKeyPem: key } = (bench.world.state['azure'] as AzureState).identity;
    const asked: string[] = [];
    const server = createServer({ cert, key }, ({ url = '' }, response) => {
      asked.push(url);
      response.end(text);
    }).listen(0, 'localhost');
    try {
      await once(server, 'listening');
      await bench.systems.secrets.create('template-address', `https://localhost:${(server.address() as AddressInfo).port}/t.json?sig=opensesame`);
      const source = { url: { secret: 'template-address' }, sha256 };
      bench.request.hsm.template = source;
      const result = await bench.step('deploy-hsm', { hsmSubnetId, template: source });
      assert.deepEqual([result.templateSha256, asked], [sha256, ['/t.json?sig=opensesame']]);
      const [deployment] = deployments();
      assert.deepEqual(deployment!.template, customerTemplate());
      assert.ok(!JSON.stringify([deployment, result, bench.attempts]).includes('opensesame'));
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('after a crash finds its running deployment again instead of sending another', async () => {
    const { hsmSubnetId } = await bench.network();
    await assert.rejects(bench.attempt('deploy-hsm', { hsmSubnetId, template }), /gateway/);
    const restarted = bench.as({ systems: createSystems(readSettings(bench.env)) });
    await restarted.step('deploy-hsm', { hsmSubnetId, template: { inline: Object.fromEntries(Object.entries(template.inline).reverse()) } });
    assert.equal(bench.arrived('arm:PUT Microsoft.Resources/deployments').length, 1);
  });

  const refused: [what: string, change: object, seen: RegExp][] = [
    [
      'a function that it does not have',
      { outputs: { key: { type: 'string', value: "[listKeys('x', '2024-01-01').key]" } } },
      /400 InvalidTemplate: .*'listKeys' is not valid/,
    ],
    [
      'a type that it does not have: the reason within the wrapper, with the resource',
      { resources: [...customerTemplate().resources, { type: 'Microsoft.Odd/things', apiVersion: '2024-01-01', name: 'odd', location: 'westus2' }] },
      /400 InvalidResourceType: .*'things' could not be found/,
    ],
  ];
  for (const [what, change, seen] of refused)
    it(`is not sent where Azure refuses ${what}`, async () => {
      const { hsmSubnetId } = await bench.network();
      const problem = await bench.stops('deploy-hsm', { hsmSubnetId, template: { inline: { ...customerTemplate(), ...change } } });
      assert.equal(problem.kind, 'Refused');
      assert.match(wordsOf(problem), seen);
      assert.deepEqual(bench.arrived('arm:PUT Microsoft.Resources/deployments'), []);
    });

  it('is not sent where it would deploy an HSM of another name, as Azure’s what-if tells', async () => {
    const { hsmSubnetId } = await bench.network();
    const [device, ...others] = customerTemplate().resources;
    const inline = { ...customerTemplate(), resources: [{ ...device, name: 'other-hsm' }, ...others] };
    const { kind, words: seen, remedy } = await bench.stops('deploy-hsm', { hsmSubnetId, template: { inline } });
    assert.equal(kind, 'Unsafe');
    assert.equal(
      seen,
      'it would not deploy the HSM dedicatedHSMs/kylo-luna-hsm of this resource group; it would deploy dedicatedHSMs/other-hsm, too, which nobody asked for',
    );
    assert.match(remedy, /Fix it, then retry with an amendment of \/hsm\/template/);
    assert.deepEqual(bench.arrived('arm:PUT Microsoft.Resources/deployments'), []);
  });

  it('is not sent where the network has a gateway: even an equal one would be put again', async () => {
    const { hsmSubnetId } = await bench.network();
    await bench.azure.seed(hsmSubnetId.replace(/virtualNetworks\/.*$/, 'virtualNetworkGateways/theirs'), {
      location: 'westus2',
      properties: {
        gatewayType: 'ExpressRoute',
        ipConfigurations: [{ name: 'c', properties: { subnet: { id: hsmSubnetId.replace(/subnets\/.*$/, 'subnets/GatewaySubnet') } } }],
      },
    });
    const problem = await bench.stops('deploy-hsm', { hsmSubnetId, template });
    assert.equal(problem.kind, 'Unsafe');
    assert.match(wordsOf(problem), /second gateway.*HSMLuna-ergw/);
    assert.match(problem.remedy, /null removes it/);
    assert.deepEqual(bench.arrived('arm:PUT Microsoft.Resources/deployments'), []);
    bench.request.hsm.address = '172.22.1.4';
    delete bench.request.hsm.template;
    assert.equal((await bench.step('deploy-hsm', { hsmSubnetId })).templateSha256, undefined);
  });
});

import assert from 'node:assert/strict';
import { hsmDeployment } from '../../systems/azure/hsm-template.ts';
import { aTemplate, DeploymentBench } from '../support/deployments.ts';
import { exampleRequest } from '../support/example.ts';
import { fixture, fixtureNames, haveFixtures } from '../support/fixtures.ts';

const folder = 'azure/templates';
/** Every template that is there, by folder and name. */
const published = (): string[] =>
  fixtureNames(folder).flatMap((source) =>
    fixtureNames(`${folder}/${source}`)
      .filter((name) => name.endsWith('.json'))
      .map((name) => `${source}/${name}`),
  );

interface Shown {
  name: string;
  location: string;
  sku?: { name: string };
  tags?: Record<string, string>;
  properties: Record<string, unknown> & { provisioningState: string };
}

describe('A published template, deployed unchanged by the simulated Azure', function () {
  this.timeout(60_000);
  let bench: DeploymentBench;
  let group: string;
  const tried = new Set<string>();
  before(async function () {
    if (!haveFixtures) this.skip();
    bench = await DeploymentBench.start();
    group = await bench.group();
    // The others need the network.
    await deployed('azure-powershell-test/virtual-network.template.json', {});
  });
  after(() => bench?.stop());

  /** Deploys a file as it is, and gives the ids of what it made. */
  async function deployed(file: string, parameters: Record<string, unknown>): Promise<string[]> {
    const template = JSON.parse(fixture(`${folder}/${file}`)) as { resources: unknown[] };
    const { provisioningState, error, outputResources = [] } = await bench.deploy(group, template, parameters);
    assert.deepEqual([provisioningState, error], ['Succeeded', undefined]);
    assert.equal(outputResources.length, template.resources.length);
    tried.add(file);
    return outputResources.map(({ id }) => id);
  }
  async function shown(id: string): Promise<Shown> {
    const { status, body } = await bench.read<Shown>(id);
    assert.equal(status, 200, id);
    assert.equal(body.properties.provisioningState, 'Succeeded', id);
    return body;
  }
  const network = () => `${group}/providers/Microsoft.Network/virtualNetworks/myHSM-vnet`;
  /** A gateway and, after it, an HSM; the first test that needs them makes them. */
  let gatewayAndHsm: Promise<string[]> | undefined;
  const gatewayThenHsm = () => {
    gatewayAndHsm ??= (async () => [
      ...(await deployed('arsenvlad/create-expressroute-gateway.json', { namingPrefix: 'a', existingGatewaySubnetID: `${network()}/subnets/GatewaySubnet` })),
      ...(await deployed('arsenvlad/create-hsm.json', { hsmStampID: 'stamp2', hsmName: 'hsm1', existingHsmSubnetID: `${network()}/subnets/hsmsubnet` })),
    ])();
    return gatewayAndHsm;
  };

  it('makes the network with its subnets, each a resource of the template, too; a second time it changes nothing', async () => {
    const ids = ['', '/subnets/compute', '/subnets/GatewaySubnet', '/subnets/hsmsubnet'].map((rest) => `${network()}${rest}`);
    const prefixes = async () => Promise.all(ids.slice(1).map(async (id) => (await shown(id)).properties['addressPrefix']));
    assert.deepEqual(await prefixes(), ['10.2.0.0/24', '10.2.255.0/26', '10.2.1.0/24']);
    const [delegation] = (await shown(ids[3]!)).properties['delegations'] as { name: string; properties: { serviceName: string } }[];
    assert.equal(delegation!.properties.serviceName, 'Microsoft.HardwareSecurityModules/dedicatedHSMs');
    assert.equal((await shown(ids[0]!)).location, 'eastus', 'the template’s own, not that of the group');
    assert.deepEqual(await deployed('azure-powershell-test/virtual-network.template.json', {}), ids);
    assert.deepEqual(await prefixes(), ['10.2.0.0/24', '10.2.255.0/26', '10.2.1.0/24']);
    assert.equal(((await shown(ids[0]!)).properties['subnets'] as unknown[]).length, 3);
  });

  it('makes a public address', async () => {
    const [id] = await deployed('azure-powershell-test/public-ipaddress.template.json', { publicIPAddresses_GWIP_name: 'own' });
    const { name, sku, properties } = await shown(id!);
    assert.deepEqual([name, sku, properties['publicIPAllocationMethod'], properties['idleTimeoutInMinutes']], ['own', { name: 'Basic' }, 'Dynamic', 4]);
  });

  it('makes a gateway in a subnet that is there, with its address', async () => {
    const [address, gateway] = await gatewayThenHsm();
    assert.equal((await shown(address!)).name, 'a-er-gw-pip');
    const { name, properties } = await shown(gateway!);
    assert.deepEqual([name, properties['gatewayType'], properties['sku']], ['a-er-gw', 'ExpressRoute', { name: 'Standard', tier: 'Standard', capacity: 2 }]);
    const [configuration] = properties['ipConfigurations'] as { properties: { publicIPAddress: { id: string } } }[];
    assert.equal(configuration!.properties.publicIPAddress.id, address);
  });

  it('makes an HSM in a subnet that is there; a parameter’s case does not matter, its allowed values do', async () => {
    const [, , hsm] = await gatewayThenHsm();
    const { body } = await bench.read<Shown>(hsm!, '2021-11-30');
    assert.deepEqual(
      [body.name, body.location, body.tags, body.sku, body.properties['stampId'], body.properties.provisioningState],
      ['hsm1', 'westus2', { resourceType: 'Hsm', environment: 'prod' }, { name: 'SafeNet Luna Network HSM A790' }, 'stamp2', 'Succeeded'],
    );
    const template = JSON.parse(fixture(`${folder}/arsenvlad/create-hsm.json`)) as object;
    const { code, message } = await bench.refusal(template, { hsmStampID: 'stamp9', hsmName: 'hsm1', existingHsmSubnetID: '/subnet' });
    assert.equal(code, 'InvalidTemplate');
    assert.match(message, /'hsmStampID' is not valid\. The value 'stamp9' is not part of the allowed value\(s\): 'stamp1,stamp2'/);
  });

  it('is each of them that is there', async () => {
    await gatewayThenHsm();
    await deployed('azure-powershell-test/public-ipaddress.template.json', {});
    assert.deepEqual([...tried].sort(), published().sort());
  });
});

describe('The product’s own template, at the simulated Azure', () => {
  let bench: DeploymentBench;
  before(async () => {
    bench = await DeploymentBench.start();
  });
  after(() => bench?.stop());

  it('takes the runbook’s four parameters, makes the runbook’s names and leaves subnets alone', async () => {
    const group = await bench.group();
    const { template, parameters } = hsmDeployment({ target: 't', request: exampleRequest() }, true);
    const given = Object.fromEntries(Object.entries(parameters).map(([name, { value }]) => [name, value]));
    assert.deepEqual(Object.keys(given), ['ResourcePrefix', 'ExistingVNetName', 'ExistingHSMSubnetName', 'HSMResourceName']);
    assert.deepEqual(Object.keys(template['parameters'] as object), Object.keys(given), 'and no other');
    const { body } = await bench.send<{ properties: { validatedResources: { id: string }[] } }>(group, 'POST', '/validate', template, given);
    assert.deepEqual(
      body.properties.validatedResources.map(({ id }) => id.split('/').slice(-2).join('/')),
      ['publicIPAddresses/HSMLuna-ergwpip', 'virtualNetworkGateways/HSMLuna-ergw', 'dedicatedHSMs/kylo-luna-hsm'],
    );
    assert.equal(
      (hsmDeployment({ target: 't', request: exampleRequest() }, false).template['resources'] as unknown[]).length,
      1,
      'an existing gateway is left out',
    );
  });

  it('is known by what it says, not by the order of its keys', async () => {
    const group = await bench.group();
    const hash = async (template: object) =>
      (await bench.send<{ properties: { templateHash: string } }>(group, 'POST', '/validate', template, {})).body.properties.templateHash;
    const template = aTemplate({ variables: { a: 1, b: [{ c: 2, d: 3 }] } });
    const turned = Object.fromEntries(Object.entries({ ...template, variables: { b: [{ d: 3, c: 2 }], a: 1 } }).reverse());
    assert.equal(await hash(turned), await hash(template));
    assert.notEqual(await hash({ ...template, variables: { a: 2 } }), await hash(template));
  });
});

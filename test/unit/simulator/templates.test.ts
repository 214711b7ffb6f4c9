import assert from 'node:assert/strict';
import { address, addresses, here, network, networks } from '../../support/declared.ts';
import { aTemplate, DeploymentBench } from '../../support/deployments.ts';

describe('A template at the simulated Azure', () => {
  let bench: DeploymentBench;
  before(async () => {
    bench = await DeploymentBench.start();
  });
  after(() => bench?.stop());
  const there = async (group: string, id: string) => (await bench.read(`${group}/providers/${id}`)).body as { properties: Record<string, unknown> };
  const shortly = (ids: readonly { id: string }[] = []) => ids.map(({ id }) => id.replace(/^.*\/providers\/Microsoft\.Network\//, ''));

  describe('is worked out:', () => {
    it('variables in any order, defaults that build on other parameters', async () => {
      const group = await bench.group();
      const template = aTemplate({
        parameters: { name: { type: 'string', defaultValue: "[concat(parameters('prefix'), '-pip')]" }, prefix: { type: 'String' } },
        variables: {
          first: "[concat(variables('second'), '!')]",
          second: "[parameters('name')]",
          copy: [{ name: 'many', count: 2, input: "[copyIndex('many', 1)]" }],
        },
        outputs: {
          first: { type: 'string', value: "[variables('FIRST')]" },
          many: { type: 'array', value: "[variables('many')]" },
        },
      });
      const { outputs, parameters } = await bench.deploy(group, template, { Prefix: 'a' });
      assert.deepEqual(outputs, { first: { type: 'String', value: 'a-pip!' }, many: { type: 'Array', value: [1, 2] } });
      assert.deepEqual(parameters, { name: { type: 'string', value: 'a-pip' }, prefix: { type: 'String', value: 'a' } });
    });

    it('everything that a resource may have; what is for people is passed over', async () => {
      const group = await bench.group();
      const more = { tags: { a: 'b' }, sku: { name: 'Basic' }, zones: ['1'], plan: { name: 'p' }, comments: 'for people', metadata: { description: 'too' } };
      await bench.deploy(group, aTemplate({ metadata: { generator: 'x' }, functions: [], resources: [address('pip', more)] }));
      const { tags, sku, zones, plan, location, properties, comments } = (await there(group, `${addresses}/pip`)) as unknown as Record<string, unknown>;
      assert.deepEqual(
        [tags, sku, zones, plan, location, (properties as Record<string, unknown>)['publicIPAllocationMethod'], comments],
        [more.tags, more.sku, more.zones, more.plan, 'westus2', 'Static', undefined],
      );
    });

    it('nested children, and children of a network that is there', async () => {
      const group = await bench.group();
      const subnet = (name: string, prefix: string, more: object = {}) => ({
        type: 'subnets',
        apiVersion: '2024-01-01',
        name,
        properties: { addressPrefix: prefix },
        ...more,
      });
      const one = subnet('one', '10.0.1.0/24', { dependsOn: [`[resourceId('${networks}', 'net')]`] });
      const two = subnet('two', '10.0.2.0/24', { dependsOn: ['net/one'] });
      await bench.deploy(group, aTemplate({ resources: [network({ resources: [one, two] })] }));
      const third = { ...subnet('net/three', '10.0.3.0/24'), type: `${networks}/subnets` };
      assert.equal((await bench.deploy(group, aTemplate({ resources: [third] }))).provisioningState, 'Succeeded');
      const { properties } = await there(group, `${networks}/net`);
      assert.deepEqual(
        (properties['subnets'] as { name: string }[]).map(({ name }) => name),
        ['one', 'two', 'three'],
      );
      assert.equal((await there(group, `${networks}/net/subnets/two`)).properties['addressPrefix'], '10.0.2.0/24');
    });

    it('subnets without an order among them: Azure waits for the network by itself, unless it is one that does not', async () => {
      const group = await bench.group();
      await bench.deploy(group, aTemplate({ resources: [network()] }));
      const subnets = {
        type: `${networks}/subnets`,
        apiVersion: '2024-01-01',
        name: "[format('net/s{0}', copyIndex())]",
        copy: { name: 'subnets', count: 3 },
        properties: { addressPrefix: "[format('10.0.{0}.0/24', copyIndex(1))]" },
      };
      const made = async () => ((await there(group, `${networks}/net`)).properties['subnets'] as unknown[] | undefined)?.length ?? 0;
      bench.world.variants['azure.deploymentThrottled'] = 'fails';
      const { provisioningState, error } = await bench.deploy(group, aTemplate({ resources: [subnets] }));
      delete bench.world.variants['azure.deploymentThrottled'];
      assert.deepEqual([provisioningState, error!.details![0]!.code, await made()], ['Failed', 'TooManyRequests', 1]);
      assert.equal((await bench.deploy(group, aTemplate({ resources: [subnets] }))).provisioningState, 'Succeeded');
      assert.equal(await made(), 3);
    });

    it('rules of a security group as resources of their own', async () => {
      const group = await bench.group();
      const type = 'Microsoft.Network/networkSecurityGroups';
      const rule = { priority: 100, direction: 'Inbound', access: 'Allow', protocol: 'Tcp', sourceAddressPrefix: '10.0.0.4', destinationPortRange: '22' };
      const resources = [
        { type, apiVersion: '2024-01-01', name: 'nsg', location: here, properties: {} },
        { type: `${type}/securityRules`, apiVersion: '2024-01-01', name: 'nsg/ssh', dependsOn: ['nsg'], properties: rule },
      ];
      await bench.deploy(group, aTemplate({ resources }));
      assert.equal((await there(group, `${type}/nsg/securityRules/ssh`)).properties['destinationPortRange'], '22');
    });

    it('copies: all at once, one after the other, none; who depends on a loop waits for all of it', async () => {
      const group = await bench.group();
      const copied = (name: string, copy: object, more: object = {}) => address(`[concat('${name}', copyIndex(1))]`, { copy: { name, ...copy }, ...more });
      const template = aTemplate({
        parameters: { count: { type: 'int' } },
        resources: [
          copied('a', { count: "[parameters('count')]" }),
          copied('b', { count: 3, mode: 'Serial', batchSize: 2 }),
          copied('c', { count: 0 }),
          address('last', { dependsOn: ['b'] }),
        ],
      });
      const { outputResources, dependencies } = await bench.deploy(group, template, { count: 2 });
      assert.deepEqual(
        shortly(outputResources).map((id) => id.split('/')[1]),
        ['a1', 'a2', 'b1', 'b2', 'b3', 'last'],
      );
      assert.deepEqual(Object.fromEntries(dependencies.map(({ resourceName, dependsOn }) => [resourceName, dependsOn.map((one) => one.resourceName)])), {
        b3: ['b1', 'b2'],
        last: ['b1', 'b2', 'b3'],
      });
    });

    it('copies within properties', async () => {
      const group = await bench.group();
      const copy = [
        {
          name: 'subnets',
          count: 2,
          input: { name: "[concat('s', copyIndex('subnets'))]", properties: { addressPrefix: "[format('10.0.{0}.0/24', copyIndex('subnets'))]" } },
        },
      ];
      await bench.deploy(group, aTemplate({ resources: [network({ properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, copy } })] }));
      assert.equal((await there(group, `${networks}/net/subnets/s1`)).properties['addressPrefix'], '10.0.1.0/24');
    });

    it('conditions: what is not wanted is not made, nor waited for', async () => {
      const group = await bench.group();
      const resources = [address('no', { condition: "[equals(parameters('wanted'), 'yes')]" }), address('yes', { dependsOn: ['no'] })];
      const { outputResources } = await bench.deploy(group, aTemplate({ parameters: { wanted: { type: 'string' } }, resources }), { wanted: 'not' });
      assert.deepEqual(shortly(outputResources), ['publicIPAddresses/yes']);
      assert.equal((await bench.read(`${group}/providers/${addresses}/no`)).status, 404);
    });

    it('references: whoever refers by name waits, and gets what Azure made; so do outputs', async () => {
      const group = await bench.group({ owner: 'anna' });
      const resources = [
        network({
          tags: { Owner: '[resourceGroup().tags.owner]' },
          properties: { addressSpace: { addressPrefixes: ["[concat(reference('pip').ipAddress, '/32')]"] } },
        }),
        address('pip'),
      ];
      const outputs = {
        address: { type: 'string', value: "[reference('pip').ipAddress]" },
        sku: { type: 'string', value: `[reference(resourceId('${addresses}', 'pip'), '2024-01-01', 'Full').sku.name]` },
        hidden: { type: 'securestring', value: "[reference('pip').ipAddress]" },
        unwanted: { type: 'string', condition: false, value: "[reference('net').nothing]" },
        each: { type: 'array', copy: { count: 2, input: "[concat(reference('pip').ipAddress, ':', copyIndex())]" } },
      };
      const { outputs: told, dependencies } = await bench.deploy(group, aTemplate({ resources, outputs }));
      const { ipAddress } = (await there(group, `${addresses}/pip`)).properties as { ipAddress: string };
      assert.deepEqual(told, {
        address: { type: 'String', value: ipAddress },
        sku: { type: 'String', value: 'Standard' },
        hidden: { type: 'SecureString' },
        each: { type: 'Array', value: [`${ipAddress}:0`, `${ipAddress}:1`] },
      });
      const made = (await there(group, `${networks}/net`)) as unknown as { tags: object; properties: { addressSpace: object } };
      assert.deepEqual([made.tags, made.properties.addressSpace], [{ Owner: 'anna' }, { addressPrefixes: [`${ipAddress}/32`] }]);
      assert.deepEqual(
        dependencies.map(({ resourceName, dependsOn }) => [resourceName, dependsOn.map((one) => one.resourceName)]),
        [['net', ['pip']]],
      );
    });
  });

  describe('tells what it did and what went wrong:', () => {
    interface Operation {
      operationId: string;
      properties: { provisioningOperation: string; provisioningState: string; targetResource?: { resourceName: string }; statusMessage?: { error: object } };
    }
    const operationsOf = async (group: string) =>
      (await bench.read<{ value: Operation[] }>(`${group}/deployments/d/operations`, '2024-03-01')).body.value.map(({ properties }) => [
        properties.provisioningOperation,
        properties.provisioningState,
        properties.targetResource?.resourceName,
      ]);

    it('an operation for each resource, and one for the outputs', async () => {
      const group = await bench.group();
      await bench.deploy(group, aTemplate({ resources: [address('pip')], outputs: { a: { type: 'int', value: 1 } } }));
      assert.deepEqual(await operationsOf(group), [
        ['Create', 'Succeeded', 'pip'],
        ['EvaluateDeploymentOutput', 'Succeeded', undefined],
      ]);
    });

    it('outputs that cannot be worked out: the deployment fails though its resources are there', async () => {
      const group = await bench.group();
      const outputs = {
        good: { type: 'int', value: 1 },
        gone: { type: 'string', value: "[reference('pip').fqdn]" },
        kind: { type: 'int', value: "[reference('pip').ipAddress]" },
      };
      const { provisioningState, error, outputs: told } = await bench.deploy(group, aTemplate({ resources: [address('pip')], outputs }));
      assert.deepEqual([provisioningState, error?.code, told], ['Failed', 'DeploymentOutputEvaluationFailed', { good: { type: 'Int', value: 1 } }]);
      assert.deepEqual(
        error!.details!.map(({ code, target }) => [code, target]),
        [
          ['DeploymentOutputEvaluationFailed', 'gone'],
          ['DeploymentOutputEvaluationFailed', 'kind'],
        ],
      );
      assert.match(
        error!.details![0]!.message,
        /output 'gone' is not valid: The language expression property 'fqdn' doesn't exist, available properties are '.*ipAddress/,
      );
      assert.match(error!.details![1]!.message, /Expected 'Integer'\. Actual 'String'/);
      assert.deepEqual((await operationsOf(group)).at(-1), ['EvaluateDeploymentOutput', 'Failed', undefined]);
      assert.equal((await bench.read(`${group}/providers/${addresses}/pip`)).status, 200);
    });

    it('what a resource provider stumbles over: that resource fails, and no other', async () => {
      const group = await bench.group();
      const odd = { type: `${networks}/subnets`, apiVersion: '2024-01-01', name: 'net/odd', dependsOn: ['net'], properties: { addressPrefix: 7 } };
      const { provisioningState, error } = await bench.deploy(group, aTemplate({ resources: [network(), odd, address('pip')] }));
      assert.deepEqual([provisioningState, error!.details!.map(({ target }) => target!.split('/').at(-1))], ['Failed', ['odd']]);
      assert.equal((await there(group, `${addresses}/pip`)).properties['provisioningState'], 'Succeeded');
    });

    it('a child without its parent, and what refers to something that is not there', async () => {
      const group = await bench.group();
      const resources = [
        { type: `${networks}/subnets`, apiVersion: '2024-01-01', name: 'none/s', properties: { addressPrefix: '10.0.0.0/24' } },
        network({ properties: { addressSpace: { addressPrefixes: [`[reference(resourceId('${addresses}', 'none'), '2024-01-01').ipAddress]`] } } }),
      ];
      const { provisioningState, error } = await bench.deploy(group, aTemplate({ resources }));
      assert.deepEqual([provisioningState, error!.code], ['Failed', 'DeploymentFailed']);
      const inner = error!.details!.map(({ code, message }) => [code, (JSON.parse(message) as { error: { code: string } }).error.code]);
      assert.deepEqual(inner, [
        ['NotFound', 'ParentResourceNotFound'],
        ['NotFound', 'ResourceNotFound'],
      ]);
    });
  });
});

import assert from 'node:assert/strict';
import { aTemplate, DeploymentBench } from '../../support/deployments.ts';

const networks = 'Microsoft.Network/virtualNetworks';
const addresses = 'Microsoft.Network/publicIPAddresses';
const here = '[resourceGroup().location]';
const network = (more: object = {}) => ({
  type: networks,
  apiVersion: '2024-01-01',
  name: 'net',
  location: here,
  properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] } },
  ...more,
});
const address = (name: string, more: object = {}) => ({
  type: addresses,
  apiVersion: '2024-01-01',
  name,
  location: here,
  sku: { name: 'Standard' },
  properties: { publicIPAllocationMethod: 'Static' },
  ...more,
});

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
      bench.world.quirks['azure.deploymentThrottled'] = 'fails';
      const { provisioningState, error } = await bench.deploy(group, aTemplate({ resources: [subnets] }));
      delete bench.world.quirks['azure.deploymentThrottled'];
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

  describe('that is not understood whole is refused by validation and deployment alike, and nothing is made:', () => {
    const withParameter = (declaration: object, more: object = {}) => aTemplate({ parameters: { p: declaration }, ...more });
    const nested = {
      type: 'Microsoft.Resources/deployments',
      apiVersion: '2024-03-01',
      name: 'inner',
      properties: { mode: 'Incremental', templateLink: { relativePath: 'inner.json' } },
    };
    const rows: [what: string, template: object, said: RegExp, path: string, given?: Record<string, unknown>][] = [
      ['a missing value', withParameter({ type: 'string' }), /The value for the template parameter 'p' is not provided/, 'parameters.p'],
      ['a value too many', aTemplate({}), /template parameters 'q' in the parameters file are not valid/, 'properties.parameters.q', { q: 1 }],
      [
        'a value of another type',
        withParameter({ type: 'int' }),
        /Expected a value of type 'Integer', but received a value of type 'String'/,
        'parameters.p',
        { p: '1' },
      ],
      ['a value that is too long', withParameter({ type: 'string', maxLength: 2 }), /above the maximum length of 2/, 'parameters.p', { p: 'abc' }],
      ['a value that is too small', withParameter({ type: 'int', minValue: 2 }), /below the minimum value of 2/, 'parameters.p', { p: 1 }],
      [
        'a secret that is not allowed, without telling it',
        withParameter({ type: 'secureString', allowedValues: ['a'] }),
        /^((?!opensesame).)*The value '\(secure\)' is not part/,
        'parameters.p',
        { p: 'opensesame' },
      ],
      [
        'parameters in a circle',
        withParameter({ type: 'string', defaultValue: "[parameters('p')]" }),
        /Circular dependency detected on the template parameter 'p'/,
        'parameters.p',
      ],
      ['variables in a circle', aTemplate({ variables: { a: "[variables('b')]", b: "[variables('a')]" } }), /Circular dependency/, 'variables'],
      ['an unknown parameter', aTemplate({ variables: { a: "[parameters('x')]" } }), /parameter 'x' is not found/, 'variables.a'],
      ['an unknown function', aTemplate({ variables: { a: "[guid('x')]" } }), /'guid' is not valid: it is not supported here/, 'variables.a'],
      [
        'an unknown function where nobody looks',
        aTemplate({ resources: [address('a', { condition: false, tags: { t: '[nonsense()]' } })] }),
        /'nonsense'/,
        'resources[0].tags.t',
      ],
      ['too few arguments', aTemplate({ outputs: { o: { type: 'string', value: '[toLower()]' } } }), /'toLower': it takes 1 parameter/, 'outputs.o.value'],
      ['an expression that ends too early', aTemplate({ resources: [address("[concat('a']")] }), /cannot be read at character 11/, 'resources[0].name'],
      ['a reference in a name', aTemplate({ resources: [address("[reference('b').x]")] }), /'reference' is not expected at this location/, 'resources[0]'],
      ['a reference to nobody', aTemplate({ resources: [network({ properties: { a: "[reference('b').x]" } })] }), /reference 'b' is not valid/, 'resources[0]'],
      ['a loop’s number outside of loops', aTemplate({ resources: [address('[string(copyIndex())]')] }), /'copyIndex' is not expected/, 'resources[0]'],
      [
        'a dependency on nobody',
        aTemplate({ resources: [address('a', { dependsOn: ['b'] })] }),
        /The resource 'b' is not defined in the template/,
        'resources[0]',
      ],
      [
        'a circle of dependencies',
        aTemplate({ resources: [address('a', { dependsOn: ['b'] }), address('b', { dependsOn: ['c'] }), address('c', { dependsOn: ['a'] })] }),
        /Circular dependency detected on resource: '.*\/publicIPAddresses\/a'/,
        '',
      ],
      ['a resource that waits for itself', aTemplate({ resources: [address('a', { dependsOn: ['a'] })] }), /Circular dependency/, ''],
      ['one resource twice', aTemplate({ resources: [address('a'), address('A')] }), /'.*\/A' is defined multiple times/, 'resources[1]'],
      ['a name that does not fit its type', aTemplate({ resources: [address('a/b')] }), /incorrect segment lengths/, 'resources[0].name'],
      ['a type that is worked out', aTemplate({ resources: [address('a', { type: "[concat('a', 'b')]" })] }), /property 'type', as a literal/, 'resources[0]'],
      ['no apiVersion', aTemplate({ resources: [address('a', { apiVersion: undefined })] }), /property 'apiVersion'/, 'resources[0]'],
      ['a condition that is no truth', aTemplate({ resources: [address('a', { condition: 'yes' })] }), /condition must be a boolean/, 'resources[0]'],
      ['too many copies', aTemplate({ resources: [address('a', { copy: { name: 'x', count: 801 } })] }), /whole number from 0 to 800/, 'resources[0]'],
      ['nested deployments', aTemplate({ resources: [nested] }), /'inner' is a nested or linked deployment .*not supported here/, 'resources[0]'],
      ['no schema', { ...aTemplate({}), $schema: undefined }, /Required property '\$schema' not found/, ''],
      [
        'a template for a subscription',
        aTemplate({ $schema: 'https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#' }),
        /only templates for a resource group/,
        '$schema',
      ],
      ['resources with symbolic names', aTemplate({ resources: { a: address('a') } }), /resources of the template must be an array/, 'resources'],
      ['an unknown type of parameter', withParameter({ type: 'number' }), /has the type 'number'/, 'parameters.p'],
      ['functions of the user’s', aTemplate({ functions: [{ namespace: 'mine', members: {} }] }), /User-defined functions are not supported/, 'functions'],
      // Of each kind of element, what nothing acts on.
      ...['languageVersion', 'definitions', 'imports', 'apiProfile', 'misspelt'].map((name): [string, object, RegExp, string] => [
        `${name} in the template`,
        aTemplate({ [name]: '2.0' }),
        new RegExp(`The template has the property '${name}', which is not supported here`),
        name,
      ]),
      ...['identity', 'scope', 'kind', 'extendedLocation', 'managedBy', 'dependson'].map((name): [string, object, RegExp, string] => [
        `${name} in a resource`,
        aTemplate({ resources: [address('a', { [name]: 'x' })] }),
        new RegExp(`'a' has the property '${name}', which is not supported here`),
        `resources[0].${name}`,
      ]),
      ['nullable in a parameter', withParameter({ type: 'string', nullable: true }), /parameter 'p' has the property 'nullable'/, 'parameters.p.nullable'],
      [
        'nullable in an output',
        aTemplate({ outputs: { o: { type: 'string', nullable: true } } }),
        /output 'o' has the property 'nullable'/,
        'outputs.o.nullable',
      ],
      [
        'misspelt in a copy',
        aTemplate({ resources: [address('a', { copy: { name: 'x', count: 1, batchsize: 2 } })] }),
        /'batchsize'/,
        'resources[0].copy.batchsize',
      ],
    ];
    for (const [what, template, said, path, given] of rows)
      it(what, async () => {
        const { code, message, additionalInfo } = await bench.refusal(template, given);
        assert.equal(code, 'InvalidTemplate');
        assert.match(message, /^Deployment template validation failed: '.*'\.$/);
        assert.match(message, said);
        assert.equal(additionalInfo![0]!.type, 'TemplateViolation');
        assert.ok(additionalInfo![0]!.info.path.includes(path), additionalInfo![0]!.info.path);
      });

    const asked: [what: string, more: object, said: RegExp][] = [
      ['a template behind a link', { templateLink: { uri: 'https://example.com/t.json' } }, /'templateLink', which is not supported here/],
      ['parameters behind a link', { parametersLink: { uri: 'https://example.com/p.json' } }, /'parametersLink', which is not supported here/],
      [
        'a parameter in a vault',
        { parameters: { p: { reference: { keyVault: { id: '/v' }, secretName: 's' } } } },
        /parameter 'p' has the property 'reference'/,
      ],
      ['mode Complete', { mode: 'Complete' }, /mode 'Complete' is not supported here/],
      ['what to do on error', { onErrorDeployment: { type: 'LastSuccessful' } }, /'onErrorDeployment'/],
      ['no mode', { mode: undefined }, /mode '' is not supported here/],
      ['a mode that is no word', { mode: 7 }, /mode '7' is not supported here/],
      ['a debug setting', { debugSetting: { detailLevel: 'requestContent' } }, /debug setting 'requestContent' is not supported here/],
    ];
    for (const [what, more, said] of asked)
      it(`a deployment with ${what}`, async () => {
        const { code, message } = await bench.refusal(withParameter({ type: 'string', defaultValue: '' }), {}, more);
        assert.equal(code, 'InvalidTemplate');
        assert.match(message, said);
      });

    it('what a resource provider would refuse at once: the wrapper with each resource’s reason in it', async () => {
      const resources = [address('here'), address('nowhere', { location: undefined }), address('odd', { type: 'Microsoft.Odd/things' })];
      const { code, message, details } = await bench.refusal(aTemplate({ resources }));
      assert.equal(code, 'InvalidTemplateDeployment');
      assert.match(
        message,
        /^The template deployment 'd' is not valid according to the validation procedure\. The tracking id is '[-0-9a-f]{36}'\. See inner errors/,
      );
      assert.deepEqual(
        details!.map((detail) => [detail.code, detail.target!.split('/').at(-1)]),
        [
          ['LocationRequired', 'nowhere'],
          ['InvalidResourceType', 'odd'],
        ],
      );
      assert.match(details![1]!.message, /'things' could not be found in the namespace 'Microsoft\.Odd'/);
    });
  });

  describe('in what-if', () => {
    const effects = (changes: { resourceId: string; changeType: string }[]) =>
      Object.fromEntries(changes.map(({ resourceId, changeType }) => [resourceId.split('/').at(-1), changeType]));
    const resources = (more: object = {}) => [
      network({
        tags: { a: '1', b: '2' },
        properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets: [{ name: 's', properties: { addressPrefix: '10.0.0.0/24' } }] },
      }),
      address('pip', more),
    ];

    it('creates, leaves, changes and ignores; nothing is changed by asking', async () => {
      const group = await bench.group();
      await bench.deploy(group, aTemplate({ resources: [...resources(), address('other')] }));
      const before = bench.world.ledger.entries.filter(({ operation }) => operation.startsWith('arm:PUT ')).length;
      const changed = { properties: { publicIPAllocationMethod: 'Dynamic' }, zones: ['1'] };
      const changes = await bench.whatIf(group, aTemplate({ resources: [...resources(changed), address('new')] }));
      assert.deepEqual(effects(changes), { net: 'NoChange', pip: 'Modify', new: 'Create', other: 'Ignore' });
      const of = (name: string) => changes.find(({ resourceId }) => resourceId.endsWith(`/${name}`))!;
      assert.deepEqual(of('pip').delta, [
        { path: 'zones', propertyChangeType: 'Create', after: ['1'] },
        { path: 'properties.publicIPAllocationMethod', propertyChangeType: 'Modify', before: 'Static', after: 'Dynamic' },
      ]);
      for (const [name, parts] of Object.entries({ net: ['before', 'after'], pip: ['before', 'after', 'delta'], new: ['after'], other: ['before', 'after'] }))
        assert.deepEqual(
          Object.keys(of(name)).filter((part) => !['resourceId', 'changeType'].includes(part)),
          parts,
          name,
        );
      assert.equal(bench.world.ledger.entries.filter(({ operation }) => operation.startsWith('arm:PUT ')).length, before);
      assert.equal((await there(group, `${addresses}/pip`)).properties['publicIPAllocationMethod'], 'Static');
      assert.equal((await bench.read(`${group}/providers/${addresses}/new`)).status, 404);
    });

    it('shows what goes: a tag, and a subnet that a network would lose', async () => {
      const group = await bench.group();
      await bench.deploy(group, aTemplate({ resources: resources() }));
      const properties = { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets: [{ name: 't', properties: { addressPrefix: '10.0.1.0/24' } }] };
      const [change] = await bench.whatIf(group, aTemplate({ resources: [network({ tags: { a: '3' }, properties })] }));
      const [, , subnets] = change!.delta as { children?: { before?: { name: string } }[] }[];
      assert.deepEqual(
        change!.delta!.map(({ path, propertyChangeType }) => [path, propertyChangeType]),
        [
          ['tags.a', 'Modify'],
          ['tags.b', 'Delete'],
          ['properties.subnets', 'Array'],
        ],
      );
      assert.deepEqual(
        subnets!.children!.map((child) => ({ ...child, before: child.before?.name })),
        [
          { path: '0', propertyChangeType: 'Create', after: properties.subnets[0], before: undefined },
          { path: '0', propertyChangeType: 'Delete', before: 's' },
        ],
      );
    });

    it('tells only the ids where only they are asked for', async () => {
      const group = await bench.group();
      const changes = await bench.whatIf(group, aTemplate({ resources: [address('a')] }), {}, { whatIfSettings: { resultFormat: 'ResourceIdOnly' } });
      assert.deepEqual(changes, [{ resourceId: `${group}/providers/${addresses}/a`, changeType: 'Create' }]);
    });

    it('does not tell what a secure parameter holds', async () => {
      const group = await bench.group();
      const template = aTemplate({
        parameters: { s: { type: 'securestring' } },
        resources: [address('a', { tags: { t: "[concat('x-', parameters('s'))]" } })],
      });
      const changes = await bench.whatIf(group, template, { s: 'opensesame' });
      assert.deepEqual((changes[0]!.after as { tags: object }).tags, { t: 'x-*******' });
      await bench.deploy(group, template, { s: 'opensesame' });
      const shown = await bench.read(`${group}/providers/Microsoft.Resources/deployments/d`, '2024-03-01');
      assert.ok(!JSON.stringify(shown.body).includes('opensesame'));
    });
  });
});

import assert from 'node:assert/strict';
import { address, network } from '../../support/declared.ts';
import { aTemplate, DeploymentBench } from '../../support/deployments.ts';

describe('A template that the simulated Azure does not understand whole is refused by validation and deployment alike, and nothing is made:', () => {
  let bench: DeploymentBench;
  before(async () => {
    bench = await DeploymentBench.start();
  });
  after(() => bench?.stop());

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
    ['a parameter in a vault', { parameters: { p: { reference: { keyVault: { id: '/v' }, secretName: 's' } } } }, /parameter 'p' has the property 'reference'/],
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

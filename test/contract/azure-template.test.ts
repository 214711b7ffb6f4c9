import assert from 'node:assert/strict';
import { evaluate, readParameters, scopeOf, type Template, templateHash } from '../../simulator/azure/template.ts';
import { hsmDeployment } from '../../systems/azure/hsm-template.ts';
import { exampleRequest } from '../support/example.ts';
import { fixture, haveFixtures } from '../support/fixtures.ts';

const outer = {
  subscriptionId: 'd44a44b4-f4ce-4bb4-b4bc-444444444444',
  group: { id: '/subscriptions/d44a44b4-f4ce-4bb4-b4bc-444444444444/resourceGroups/rg', name: 'rg', location: 'westus2' },
};

/** What a template deploys, its expressions worked out. */
function worked(template: Template, given: Record<string, unknown>) {
  const parameters = readParameters(template, Object.fromEntries(Object.entries(given).map(([name, value]) => [name, { value }])), outer);
  return template.resources.map((resource) => evaluate(resource, scopeOf(template, parameters, outer)) as Record<string, unknown>);
}

describe('The simulated template engine', () => {
  it('runs published templates for the HSM and its gateway unchanged', function () {
    if (!haveFixtures) this.skip();
    const hsm = JSON.parse(fixture('azure/templates/arsenvlad/create-hsm.json')) as Template;
    assert.deepEqual(worked(hsm, { hsmStampID: 'stamp1', hsmName: 'hsm1', existingHsmSubnetID: '/subnet' })[0]!['name'], 'hsm1');
    assert.throws(() => worked(hsm, { hsmStampID: 'stamp9', hsmName: 'hsm1', existingHsmSubnetID: '/subnet' }), /allowed are stamp1, stamp2/);
    const gateway = JSON.parse(fixture('azure/templates/arsenvlad/create-expressroute-gateway.json')) as Template;
    assert.deepEqual(
      worked(gateway, { namingPrefix: 'a', existingGatewaySubnetID: '/subnet' }).map(({ name }) => name),
      ['a-er-gw-pip', 'a-er-gw'],
    );
  });

  it('works out the product’s own: the runbook’s names from the runbook’s four parameters', () => {
    const { template, parameters } = hsmDeployment({ target: 't', request: exampleRequest() }, true);
    const given = Object.fromEntries(Object.entries(parameters).map(([name, { value }]) => [name, value]));
    assert.deepEqual(Object.keys(given), ['ResourcePrefix', 'ExistingVNetName', 'ExistingHSMSubnetName', 'HSMResourceName']);
    assert.deepEqual(
      worked(template as unknown as Template, given).map(({ name }) => name),
      ['HSMLuna-ergwpip', 'HSMLuna-ergw', 'kylo-luna-hsm'],
    );
    assert.equal(
      (hsmDeployment({ target: 't', request: exampleRequest() }, false).template['resources'] as unknown[]).length,
      1,
      'an existing gateway is left out',
    );
  });

  it('says which function it does not know', () => {
    assert.throws(() => evaluate("[copyIndex('x')]", { ...outer, parameters: {}, variables: {} }), /'copyIndex' is not supported/);
  });

  it('hashes a template without regard to the order of its keys', () => {
    assert.equal(templateHash({ a: 1, b: [{ c: 2, d: 3 }] }), templateHash({ b: [{ d: 3, c: 2 }], a: 1 }));
    assert.notEqual(templateHash({ a: 1 }), templateHash({ a: 2 }));
  });
});

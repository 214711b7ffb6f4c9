import assert from 'node:assert/strict';
import { prepareTemplate } from '../../../simulator/azure/templates/prepare.ts';
import { TemplateProblem } from '../../../simulator/azure/templates/problem.ts';
import type { Destination } from '../../../simulator/azure/templates/scope.ts';
import { aTemplate } from '../../support/deployments.ts';

const destination: Destination = {
  subscriptionId: 's',
  tenantId: 't',
  group: {
    id: '/subscriptions/s/resourceGroups/rg',
    name: 'rg',
    type: 'Microsoft.Resources/resourceGroups',
    location: 'westus2',
    tags: {},
    properties: { provisioningState: 'Succeeded' },
  },
  deployment: 'd',
};

/** Something of everything. */
const template = aTemplate({
  metadata: { a: 'b' },
  parameters: { p: { type: 'string', defaultValue: "[concat('a', 'b')]", allowedValues: ['ab', 'given'], minLength: 1, maxLength: 9, metadata: {} } },
  variables: { v: { list: [1, "[parameters('p')]"] }, copy: [{ name: 'many', count: 2, input: "[copyIndex('many')]" }] },
  functions: [],
  resources: [
    {
      type: 'Microsoft.Network/virtualNetworks',
      apiVersion: '2024-01-01',
      name: "[concat('net', copyIndex())]",
      location: '[resourceGroup().location]',
      copy: { name: 'nets', count: 2, mode: 'serial', batchSize: 1 },
      condition: "[equals(parameters('p'), 'given')]",
      tags: { a: "[variables('v').list[0]]" },
      properties: { addressSpace: { addressPrefixes: ["[reference('pip').ipAddress]"] }, copy: [{ name: 'subnets', count: 1, input: { name: 's' } }] },
    },
    {
      type: 'Microsoft.Network/publicIPAddresses',
      apiVersion: '2024-01-01',
      name: 'pip',
      location: 'westus2',
      dependsOn: [],
      resources: [{ type: 'children', apiVersion: '2024-01-01', name: 'child', dependsOn: ['pip'], properties: {} }],
    },
  ],
  outputs: { o: { type: 'string', value: "[reference('pip').ipAddress]" }, list: { type: 'array', copy: { count: 2, input: '[copyIndex()]' } } },
});

/** Every value in something, by where it stands. */
function* placesIn(value: unknown, path: (string | number)[] = []): Generator<(string | number)[]> {
  yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) yield* placesIn(inner, [...path, Array.isArray(value) ? Number(name) : name]);
}

function replaced(value: unknown, [first, ...rest]: (string | number)[], by: unknown): unknown {
  if (first === undefined) return by;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  copy[first] = replaced(copy[first], rest, by);
  return copy;
}

const odd: unknown[] = [
  null,
  undefined,
  true,
  0,
  -1,
  1e9,
  '',
  'x',
  '[',
  '[]',
  '[nonsense()]',
  "[parameters('p')]",
  "[reference('pip')]",
  [],
  [null],
  [[]],
  {},
  { x: null },
  { copy: [null] },
];

describe('A template of any shape', () => {
  it('is worked out as it is meant', () => {
    const { resources, values } = prepareTemplate(template, { p: { value: 'given' } }, destination);
    assert.deepEqual(
      resources.map(({ name }) => name),
      ['net0', 'net1', 'pip', 'pip/child'],
    );
    assert.deepEqual(values, { p: 'given' });
  });

  const all = [...placesIn(template)];
  it(`is worked out or refused in words, whatever stands at each of its ${all.length} places`, () => {
    let refused = 0;
    for (const path of all)
      for (const by of odd) {
        const what = `${path.join('.')}: ${JSON.stringify(by)}`;
        try {
          prepareTemplate(replaced(template, path, by), { p: { value: 'given' } }, destination);
        } catch (error) {
          assert.ok(error instanceof TemplateProblem, `${what}: ${(error as Error).stack}`);
          assert.ok(error.message.length > 10, what);
          refused++;
        }
      }
    assert.ok(refused > all.length, `${refused} refused`);
  });

  it('is refused in words, too, where what was given for it has an odd shape', () => {
    for (const by of odd)
      for (const given of [by, { p: by }, { p: { value: by } }])
        try {
          prepareTemplate(template, given as Record<string, object>, destination);
        } catch (error) {
          assert.ok(error instanceof TemplateProblem, `${JSON.stringify(given)}: ${(error as Error).stack}`);
        }
  });
});

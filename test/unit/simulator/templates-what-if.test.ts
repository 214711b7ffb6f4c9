import assert from 'node:assert/strict';
import { address, addresses, network } from '../../support/declared.ts';
import { aTemplate, DeploymentBench } from '../../support/deployments.ts';

describe('A template in the what-if of the simulated Azure', () => {
  let bench: DeploymentBench;
  before(async () => {
    bench = await DeploymentBench.start();
  });
  after(() => bench?.stop());
  const there = async (group: string, id: string) => (await bench.read(`${group}/providers/${id}`)).body as { properties: Record<string, unknown> };

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
    const before = bench.world.requestLog.entries.filter(({ operation }) => operation.startsWith('arm:PUT ')).length;
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
    assert.equal(bench.world.requestLog.entries.filter(({ operation }) => operation.startsWith('arm:PUT ')).length, before);
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

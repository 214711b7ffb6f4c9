import assert from 'node:assert/strict';
import { hsmSubnetIdOf } from '../../../activities/asked-hsm.ts';
import { decideDeployHsm, type Seen } from '../../../activities/hsm/deploy-hsm.ts';
import { decideResourceGroup } from '../../../activities/network/resource-group.ts';
import { decideVirtualNetwork } from '../../../activities/network/virtual-network.ts';
import { allowIn, decideMachine } from '../../../activities/virtual-machine.ts';
import { type Change, harmOf, type Present } from '../../../systems/azure/deployment-check.ts';
import { type Decided, table } from '../../support/decisions.ts';
import { exampleRequest } from '../../support/example.ts';

const request = exampleRequest();
const job = { target: 't', request };

const mark = { provisioner: 't' };
const hsm = (state: string, message = '', tags: Record<string, string> = mark) => ({ hsm: { id: '/x/dedicatedHSMs/kylo-luna-hsm', state, message, tags } });
const askedFor = { subnetId: hsmSubnetIdOf(request).toUpperCase(), sku: 'SafeNet Luna Network HSM A790', stamp: 'stamp1' };
const hsmOf = (nature: object) => ({ hsm: { ...hsm('Succeeded').hsm, ...askedFor, ...nature } });
const gateway = (state: string, type = 'ExpressRoute') => ({ gateway: { id: '/x/virtualNetworkGateways/g', name: 'g', type, state } });
const deployment = (state: string, run = 1, more: object = {}) => ({
  deployment: { id: '/x/deployments/HSMdeploy', state, templateHash: '1', ours: true, run: { scheduledAt: 7, number: run }, ...more },
});
const fault = (code: string, message: string, target = '/x/virtualNetworkGateways/g') => ({ fault: { code, message, target } });
const decided = (...seen: Partial<Seen>[]): Decided => decideDeployHsm(Object.assign({ scheduledAt: 7 }, ...seen) as Seen, job);
const notMade = { standing: { is: 'other', expected: { tag: 't1' } } } as const;
const race = 'The virtual network has no ExpressRoute gateway that is ready.';

table('deploy-hsm', [
  ['nothing there', decided(), 'act deploy'],
  ['our deployment was accepted', decided(deployment('Accepted')), 'wait'],
  ['our deployment runs', decided(deployment('Running')), 'wait'],
  ['our deployment of an earlier asking runs', decided(deployment('Running', 1, { run: { scheduledAt: 1, number: 1 } })), 'wait'],
  ['another deployment runs', decided(deployment('Running', 1, { ours: false })), 'wait'],
  ['another deployment runs, and all is there', decided(hsm('Succeeded'), gateway('Succeeded'), deployment('Running', 1, { ours: false })), 'wait'],
  ['another deployment has ended', decided(deployment('Failed', 1, { ours: false, run: { scheduledAt: 1, number: 1 } })), 'act deploy'],
  ['all there', decided(hsm('Succeeded'), gateway('Succeeded'), deployment('Succeeded')), 'done'],
  ['all there, made by hand', decided(hsm('Succeeded', '', {}), gateway('Succeeded')), 'done'],
  [
    'the HSM that our deployment made',
    decided(hsm('Succeeded'), gateway('Succeeded'), deployment('Succeeded'), { standing: { is: 'begun' } }),
    'act enter-hsm',
  ],
  ['an HSM that somebody made after ours had failed', decided(hsm('Succeeded'), gateway('Succeeded'), deployment('Failed'), notMade), 'stop Unsafe'],
  ['the same that failed', decided(hsm('Failed', race), gateway('Succeeded'), deployment('Failed'), notMade), 'act deploy'],
  ['an HSM whose host key is on record', decided(hsm('Succeeded'), gateway('Succeeded'), { standing: { is: 'other', expected: { hostKey: 'k' } } }), 'done'],
  ['an HSM in another subnet', decided(hsmOf({ subnetId: '/x/virtualNetworks/v/subnets/other' }), gateway('Succeeded')), 'stop Unsafe'],
  ['an HSM of another kind', decided(hsmOf({ sku: 'payShield10K_LMK1_CPS60' }), gateway('Succeeded')), 'stop Unsafe'],
  ['an HSM in another stamp', decided(hsmOf({ stamp: 'stamp2' }), gateway('Succeeded')), 'stop Unsafe'],
  ['the HSM that is asked for', decided(hsmOf({}), gateway('Succeeded')), 'done'],
  ['the HSM is being deleted', decided(hsm('Deleting'), gateway('Succeeded')), 'stop Unsafe'],
  ['the gateway is being deleted', decided(gateway('Deleting')), 'stop Unsafe'],
  ['an HSM of another target', decided(hsm('Succeeded', '', { provisioner: 'other' }), gateway('Succeeded')), 'stop Unsafe'],
  ['an HSM, but no gateway', decided(hsm('Succeeded')), 'stop Unsafe'],
  ['an HSM on its way without a deployment', decided(hsm('Connecting'), gateway('Succeeded')), 'wait'],
  ['a gateway on its way', decided(gateway('Updating')), 'wait'],
  ['it failed, and is not recognized', decided(deployment('Failed', 1, { ours: false })), 'stop Refused'],
  [
    'it failed twice of what passes, and is not recognized',
    decided(deployment('Failed', 2, { ours: false, ...fault('AllocationFailed', 'x') })),
    'stop Refused',
  ],
  ['a gateway that failed', decided(gateway('Failed')), 'stop Refused'],
  ['a VPN gateway alone', decided(gateway('Succeeded', 'Vpn')), 'stop Refused'],
  ['a gateway that is there', decided(gateway('Succeeded')), 'act deploy'],
  ['no quota', decided(hsm('Failed', 'no quota'), gateway('Succeeded'), deployment('Failed')), 'stop Refused'],
  ['the gateway race', decided(hsm('Failed', race), gateway('Succeeded'), deployment('Failed')), 'act deploy'],
  ['the gateway race, while the gateway is being made', decided(hsm('Failed', race), gateway('Updating'), deployment('Failed')), 'wait'],
  ['the gateway race, twice', decided(hsm('Failed', race), gateway('Succeeded'), deployment('Failed', 2)), 'stop Refused'],
  ['no capacity', decided(deployment('Failed', 1, fault('AllocationFailed', 'x'))), 'act deploy'],
  ['no capacity, twice', decided(deployment('Failed', 2, fault('AllocationFailed', 'x'))), 'stop Refused'],
  ['no capacity for the gateway', decided(gateway('Failed'), deployment('Failed', 1, fault('AllocationFailed', 'x'))), 'stop Refused'],
  ['a policy says no', decided(deployment('Failed', 1, fault('RequestDisallowedByPolicy', 'x'))), 'stop Refused'],
  ['it failed before a retry was ordered', decided(deployment('Failed', 2, { run: { scheduledAt: 1, number: 2 } })), 'act deploy'],
  [
    'our HSM failed before a retry was ordered',
    decided(hsm('Failed'), gateway('Succeeded'), deployment('Failed', 2, { run: { scheduledAt: 1, number: 2 } })),
    'act deploy',
  ],
  ['somebody’s HSM of this name is Failed', decided(hsm('Failed', 'x', {}), gateway('Succeeded')), 'stop Refused'],
  ['somebody cancelled it', decided(deployment('Canceled')), 'stop Refused'],
  ['it succeeded without an HSM', decided(deployment('Succeeded')), 'stop Unsafe'],
]);

it('deploy-hsm tells the HSM’s own message, that it ran twice, and that the failed HSM counts', () => {
  const { code, tried, summary, evidence, remedy } = decided(
    hsm('Failed', 'The subscription’s device quota is used up.'),
    gateway('Succeeded'),
    deployment('Failed', 2),
  ).problem!;
  assert.match(tried, /kylo-luna-hsm, with an automatic retry/);
  assert.deepEqual([code, summary], ['AZURE_QUOTA_EXCEEDED', 'dedicatedHSMs/kylo-luna-hsm failed']);
  assert.deepEqual(evidence, { source: 'Azure Resource Manager', text: 'Failed: The subscription’s device quota is used up.' });
  assert.match(remedy, /counts against the quota.*delete it first/);
});

describe('A deployment', () => {
  const id = (type: string, name: string) => `/subscriptions/s/resourceGroups/g/providers/${type}/${name}`;
  const ergw = id('Microsoft.Network/virtualNetworkGateways', 'ergw');
  const address = id('Microsoft.Network/publicIPAddresses', 'ergwpip');
  const subnetId = id('Microsoft.Network/virtualNetworks', 'v/subnets/GatewaySubnet');
  const device = id('Microsoft.HardwareSecurityModules/dedicatedHSMs', 'hsm1');
  const own = { tags: { provisioner: 't' } };
  const none = { target: 't', hsmId: device.toUpperCase(), sentBefore: false };
  const there = { ...none, gateway: { id: ergw.toUpperCase() } };
  const failed = { hsm: { state: 'Failed' } };
  const rows: [what: string, change: Change, present: Present, harm: RegExp | undefined][] = [
    ['creates', { resourceId: ergw, changeType: 'Create' }, none, undefined],
    ['leaves alone what is not in it', { resourceId: ergw, changeType: 'Ignore' }, there, undefined],
    ['leaves an equal subnet', { resourceId: subnetId, changeType: 'NoChange' }, there, undefined],
    ['changes a gateway', { resourceId: ergw, changeType: 'Modify', before: own }, there, /put the gateway again/],
    ['changes a gateway that it made', { resourceId: ergw, changeType: 'Modify', before: own }, { ...there, sentBefore: true }, /put the gateway again/],
    ['puts an equal gateway again', { resourceId: ergw, changeType: 'NoChange' }, there, /put the gateway again/],
    ['puts again the gateway that it made before it failed', { resourceId: ergw, changeType: 'NoChange' }, { ...there, sentBefore: true }, undefined],
    [
      'makes a second gateway',
      { resourceId: `${ergw}2`, changeType: 'Create' },
      { ...there, sentBefore: true },
      /second gateway, virtualNetworkGateways\/ergw2/,
    ],
    ['changes the address of a gateway', { resourceId: address, changeType: 'Modify', before: own }, there, /modify publicIPAddresses\/ergwpip/],
    ['puts again what came of an earlier try', { resourceId: address, changeType: 'Modify', before: own }, none, undefined],
    ['changes what is somebody else’s', { resourceId: address, changeType: 'Modify', before: {} }, none, /modify publicIPAddresses/],
    ['puts our failed HSM again', { resourceId: device, changeType: 'Modify', before: own }, { ...there, ...failed }, undefined],
    ['puts again the failed HSM that it made', { resourceId: device, changeType: 'Modify', before: {} }, { ...there, ...failed, sentBefore: true }, undefined],
    [
      'changes an HSM',
      { resourceId: device, changeType: 'Modify', before: own },
      { ...there, hsm: { state: 'Succeeded' }, sentBefore: true },
      /modify dedicatedHSMs/,
    ],
    ['deletes anything', { resourceId: address, changeType: 'Delete', before: own }, none, /delete publicIPAddresses/],
    ['cannot be foretold', { resourceId: device, changeType: 'Unsupported' }, none, /cannot tell what it would do with dedicatedHSMs\/hsm1/],
  ];
  for (const [what, change, present, harm] of rows)
    it(`that ${what} is ${harm ? 'not sent' : 'sent'}`, () => {
      const asked: Change = { resourceId: device, changeType: 'Create' };
      const [found, ...more] = harmOf(change.resourceId === device ? [change] : [change, asked], present);
      assert.deepEqual(more, []);
      if (harm) assert.match(found ?? '', harm);
      else assert.equal(found, undefined);
    });

  const asked: Change = { resourceId: device, changeType: 'Create' };
  const also = (resourceId: string, changeType = 'Create'): Change => ({ resourceId, changeType });
  for (const [what, changes, harm] of [
    ['deploys the HSM alone', [asked], []],
    ['leaves other HSMs of the group alone', [asked, also(`${device}2`, 'Ignore')], []],
    ['deploys none', [], ['it would not deploy the HSM DEDICATEDHSMS/HSM1 of this resource group']],
    [
      'deploys one of another name',
      [also(`${device}2`)],
      ['it would not deploy the HSM DEDICATEDHSMS/HSM1 of this resource group', 'it would deploy dedicatedHSMs/hsm12, too, which nobody asked for'],
    ],
    ['deploys it into another group', [asked, also(device.replace('/g/', '/h/'))], ['it would deploy dedicatedHSMs/hsm1, too, which nobody asked for']],
    ['deploys two', [asked, also(`${device}-2`)], ['it would deploy dedicatedHSMs/hsm1-2, too, which nobody asked for']],
    ['makes two gateways', [asked, also(ergw), also(`${ergw}2`)], ['it would make a second gateway, virtualNetworkGateways/ergw2']],
    ...['Microsoft.KeyVault/managedHSMs', 'Microsoft.HardwareSecurityModules/cloudHsmClusters', 'Microsoft.Network/expressRouteCircuits'].map(
      (type): [string, Change[], string[]] => [
        `makes ${type}`,
        [asked, also(id(type, 'x'))],
        [`it would deploy ${type.split('/')[1]}/x, too, which nobody asked for`],
      ],
    ),
  ] as [string, Change[], string[]][])
    it(`that ${what} is ${harm.length > 0 ? 'not sent' : 'sent'}`, () => assert.deepEqual(harmOf(changes, none), harm));
});

const group = (state: string, location = 'westus2') => decideResourceGroup({ id: '/g', location, state }, job);
table('resource-group', [
  ['not there', decideResourceGroup(undefined, job), 'act create'],
  ['there', group('Succeeded', 'WestUS2'), 'done'],
  ['in another region', group('Succeeded', 'eastus'), 'stop Refused'],
  ['being deleted', group('Deleting'), 'stop Unsafe'],
]);

const usual = { delegatedTo: [], securityGroup: false, routeTable: false, state: 'Succeeded' };
const subnet = (name: string, range: string, more: object = {}) => ({ id: `/${name}`, name, range, ...usual, ...more });
const subnets = [
  subnet('Compute', '172.22.0.0/24'),
  subnet('Luna_kylo_HSM_subnet', '172.22.1.0/24', { delegatedTo: ['microsoft.hardwaresecuritymodules/dedicatedhsms'] }),
  subnet('GatewaySubnet', '172.22.255.0/26'),
];
const vnet = (changed: typeof subnets, more: object = {}) =>
  decideVirtualNetwork({ id: '/v', state: 'Succeeded', location: 'WestUS2', addressSpace: ['10.0.0.0/8', '172.22.0.0/16'], subnets: changed, ...more }, job);
const changed = (at: number, more: object) => vnet(subnets.map((one, index) => (index === at ? { ...one, ...more } : one)));
table('virtual-network', [
  ['not there', decideVirtualNetwork(undefined, job), 'act create'],
  ['there', vnet([...subnets, subnet('theirs', '172.22.9.0/24')]), 'done'],
  ['there without subnets', vnet([]), 'act add-subnet'],
  ['one subnet missing', vnet(subnets.slice(0, 2)), 'act add-subnet'],
  ['one subnet missing, its range taken by another', vnet([...subnets.slice(0, 2), subnet('theirs', '172.22.255.0/24')]), 'stop Refused'],
  ['one subnet missing, outside the address space', vnet(subnets.slice(0, 2), { addressSpace: ['10.0.0.0/8'] }), 'stop Refused'],
  ['being updated', vnet(subnets, { state: 'Updating' }), 'wait'],
  ['a subnet being updated', changed(1, { state: 'Updating' }), 'wait'],
  ['being deleted', vnet(subnets, { state: 'Deleting' }), 'wait'],
  ['a subnet being deleted', changed(1, { state: 'Deleting' }), 'wait'],
  ['failed', vnet(subnets, { state: 'Failed' }), 'stop Refused'],
  ['a subnet that failed', changed(2, { state: 'Failed' }), 'stop Refused'],
  ['in another region', vnet(subnets, { location: 'eastus' }), 'stop Refused'],
  ['HSM subnet not delegated', changed(1, { delegatedTo: [] }), 'stop Refused'],
  ['HSM subnet with a security group', changed(1, { securityGroup: true }), 'stop Refused'],
  ['HSM subnet with a route table', changed(1, { routeTable: true }), 'stop Refused'],
  ['GatewaySubnet with a security group', changed(2, { securityGroup: true }), 'stop Refused'],
  ['Compute with a security group and a route table', changed(0, { securityGroup: true, routeTable: true }), 'done'],
  ['Compute delegated to something', changed(0, { delegatedTo: ['Microsoft.Web/serverFarms'] }), 'stop Refused'],
  ['another range', changed(0, { range: '172.22.8.0/24' }), 'stop Refused'],
]);

const door = { name: 'provisioner-admin', ports: ['22', '3389'], sources: ['203.0.113.0/24'] };
const rules = [allowIn(['203.0.113.0/24'], { name: 'provisioner-admin', ports: ['3389', '22'], priority: 100 })];
const made = { state: 'Succeeded', tags: { Provisioner: 't' } };
const ready = {
  group: { ...made, id: 'g', rules: [{ ...door, name: 'theirs' }, door] },
  publicAddress: { ...made, id: 'p', address: '20.0.0.4' },
  nic: { ...made, id: '/x/networkInterfaces/lunaclient-NIC', privateAddress: '172.22.0.4' },
  machine: { ...made, id: 'm', power: 'running', agentReady: true, interfaces: ['/x/networkinterfaces/lunaclient-nic'] },
};
const vm = (seen: object, waitedMs = 0) =>
  decideMachine(seen, { name: 'lunaclient', isPublic: true, privateAddress: '172.22.0.4', needsAgent: true, rules }, 't', waitedMs);
table('A virtual machine', [
  ['nothing there', vm({}), 'act create-security-group'],
  ['no address yet', vm({ group: ready.group }), 'act create-public-address'],
  ['no interface yet', vm({ group: ready.group, publicAddress: ready.publicAddress }), 'act create-interface'],
  ['only the machine is missing', vm({ ...ready, machine: undefined }), 'act create-machine'],
  ['its agent is not ready', vm({ ...ready, machine: { ...ready.machine, agentReady: false } }), 'wait'],
  ['its agent was not ready for 31 minutes', vm({ ...ready, machine: { ...ready.machine, agentReady: false } }, 31 * 60_000), 'stop Refused'],
  ['ready after 31 minutes', vm(ready, 31 * 60_000), 'done'],
  ['failed', vm({ ...ready, machine: { ...ready.machine, state: 'Failed' } }), 'stop Refused'],
  ['deallocated', vm({ ...ready, machine: { ...ready.machine, power: 'deallocated' } }), 'act start-machine'],
  ['ready', vm(ready), 'done'],
  ['its door closed by an earlier run', vm({ ...ready, group: { ...ready.group, rules: [{ ...door, name: 'theirs' }] } }), 'act open-door'],
  ['its door open for another place', vm({ ...ready, group: { ...ready.group, rules: [{ ...door, sources: ['198.51.100.7'] }] } }), 'act open-door'],
  ['another target’s', vm({ ...ready, machine: { ...ready.machine, tags: { provisioner: 'other' } } }), 'stop Unsafe'],
  ...(['group', 'publicAddress', 'nic', 'machine'] as const).map((thing): [string, Decided, string] => [
    `somebody’s ${thing} of that name`,
    vm({ [thing]: { ...ready[thing], tags: { owner: 'somebody' } } }),
    'stop Unsafe',
  ]),
  ['somebody’s machine, switched off', vm({ ...ready, machine: { ...ready.machine, power: 'deallocated', tags: undefined } }), 'stop Unsafe'],
  ...(
    [
      ['whose creation was begun, and its answer lost', { is: 'begun' }, 'act enter-machine'],
      ['that no entry names', { is: 'unknown' }, 'act enter-machine'],
      ['that is entered', { is: 'ours', found: false }, 'done'],
      ['that was replaced by another one', { is: 'other', expected: { vmId: 'v-0' } }, 'stop Unsafe'],
      ['that somebody created in place of the one that was asked for', { is: 'other', expected: { tag: 'x' } }, 'stop Unsafe'],
    ] as const
  ).map(([what, standing, decided]): [string, Decided, string] => [what, vm({ ...ready, machine: { ...ready.machine, vmId: 'v-1', standing } }), decided]),
  [
    'one that was replaced and failed',
    vm({ ...ready, machine: { ...ready.machine, state: 'Failed', standing: { is: 'other', expected: { vmId: 'v-0' } } } }),
    'stop Unsafe',
  ],
  ['with another interface', vm({ ...ready, machine: { ...ready.machine, interfaces: ['/x/networkinterfaces/other'] } }), 'stop Unsafe'],
  ['with another interface, and none of ours', vm({ ...ready, nic: undefined }), 'stop Unsafe'],
  ['with another address', vm({ ...ready, nic: { ...ready.nic, privateAddress: '172.22.0.7' } }), 'stop Refused'],
]);

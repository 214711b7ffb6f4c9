import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../../activities/registry.ts';
import type { WhatIf } from '../../../domain/what-if.ts';
import type { Exchange } from '../../../simulator/azure/capture.ts';
import type { AzureState } from '../../../simulator/azure/state.ts';
import { ArmClient } from '../../support/arm-client.ts';
import { actionsOf } from '../../support/azure-actions.ts';
import { AzureBench } from '../../support/azure-bench.ts';
import { aTemplate } from '../../support/deployments.ts';
import { exampleRequest } from '../../support/example.ts';
import { haveFixtures } from '../../support/fixtures.ts';
import { Specification, type Verdict } from '../../support/specification.ts';
import { type LedgerEntry, StackBench } from '../../support/stack-bench.ts';
import { until } from '../../support/until.ts';

/** What the specification on disk cannot judge, each with the reason; everything else must be in it. */
const unjudged: [path: RegExp, reason: string][] = [
  [
    /\/providers\/Microsoft\.Compute\/(images|galleries|sshPublicKeys|diskEncryptionSets)\//i,
    'the files for images, galleries, SSH keys and disk encryption sets are not on disk',
  ],
  [/\/providers\/Microsoft\.Compute\/skus$/i, 'the file for SKUs, which has versions of its own, is not on disk'],
];

/** A page of HTML is the answer of something in between; only the request is Azure’s. */
const isPage = ({ response }: Exchange): boolean => response?.headers['content-type']?.startsWith('text/html') ?? false;

/** What a job left behind. */
interface Outcome {
  state: string;
  resources: { type: string; provisioningState: string }[];
  requestLog: LedgerEntry[];
  /** Faults that never came. */
  faults: unknown;
}

/** A whole job under the scripted faults azure-storm, without anybody’s help; then a plan that looks at all of it. */
async function wholeJob(file: string): Promise<Outcome> {
  // Two answers never come: how long each is waited for is a setting.
  const bench = await StackBench.start({ simulatorArgs: ['--fault', 'azure-storm', '--capture', file], env: { HSM_AZURE_TIMEOUT_MS: '2000' } });
  try {
    const id = await bench.provision();
    await bench.approvalAsked(id);
    await bench.approve(id);
    const { job } = await bench.ended(id);
    const { resources } = (await bench.control<Pick<Outcome, 'resources'>>('GET', '/world')).body;
    const outcome = { state: job.state, resources, requestLog: await bench.requestLog(), faults: (await bench.control('GET', '/faults')).body };
    await planned(bench);
    return outcome;
  } finally {
    await bench.stop();
  }
}

/** A plan with a look, where all of it is there and the doors are closed: it only asks. */
async function planned(bench: StackBench): Promise<void> {
  const before = (await bench.requestLog()).length;
  const { status, body } = await bench.api<{ whatIf: WhatIf }>('POST', '/v1/plans?whatIf=true', exampleRequest());
  assert.deepEqual([status, body.whatIf.problems], [200, []]);
  const of = (effect: string) => body.whatIf.changes.filter((change) => change.effect === effect).map(({ name }) => name);
  assert.deepEqual([of('Create'), of('Modify').sort()], [[], ['lunaclient', 'lunaclient-nsg', 'mycompany-ciphertrust-nsg']]);
  assert.ok(of('NoChange').includes('kylo-luna-hsm'));
  const sent = (await bench.requestLog()).slice(before).map(({ operation }) => operation);
  assert.ok(sent.length > 0);
  assert.deepEqual(
    sent.filter((operation) => !/^(arm:GET |authority:|arm:POST Microsoft.Resources\/deployments\/(validate|whatIf)$)/.test(operation)),
    [],
  );
}

/**
 * What a request may ask for beside the example, in a subscription where nothing is registered: a network that is there, images, a key and disk encryption of
 * the customer’s own; a host that was put to sleep; a deployment that fails, a person who deletes what is left of it, and a retry; and the inventory of an
 * aborted job.
 */
async function otherWays(file: string): Promise<void> {
  const bench = await AzureBench.start({ capture: file });
  try {
    const { subscriptionId, resourceGroup, region: location } = bench.request.azure;
    for (const namespace of ['Microsoft.Network', 'Microsoft.Compute']) delete (bench.world.state['azure'] as AzureState).providers[namespace];
    await bench.step('register-providers', {});
    await bench.step('resource-group', {});
    const compute = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Compute`;
    const [image, version, key] = [`${compute}/images/cm`, `${compute}/galleries/own/images/cm/versions/1.0.0`, `${compute}/sshPublicKeys/ksadmin`];
    const encryptionSet = `${compute}/diskEncryptionSets/our-keys`;
    for (const id of [image, version]) await bench.azure.seed(id, { location, properties: { storageProfile: { osDisk: { osType: 'Linux' } } } });
    await bench.azure.seed(key, { location, properties: { publicKey: 'ssh-ed25519 AAAA' } });
    await bench.azure.seed(encryptionSet, { location, properties: {} });
    const { network } = await bench.clients();
    const { name, addressSpace } = bench.request.network;
    await network.virtualNetworks.createOrUpdate(resourceGroup, name, { location, addressSpace: { addressPrefixes: [addressSpace] } }).submitted();
    const { computeSubnetId, hsmSubnetId } = await bench.step('virtual-network', {});
    Object.assign(bench.request.cipherTrust, { image, sshKeyInAzure: 'ksadmin' });
    assert.match((await bench.stops('check-availability', {})).words, /the SSH key ksadmin is not RSA/);
    Object.assign(bench.request.cipherTrust, { image: version, sshKeyInAzure: undefined });
    bench.request.lunaClient.disk = { encryptionSet };
    const { cipherTrustImage, windowsImage } = await bench.step('check-availability', {});
    assert.deepEqual(cipherTrustImage, { id: version });
    await bench.systems.secrets.create('ntp-key', 'k');
    await bench.step('keep-secrets', {});
    const hosts = { computeSubnetId, image: windowsImage };
    const windowsVm = await bench.step('windows-vm', hosts);
    await bench.step('ciphertrust-vm', { computeSubnetId, image: cipherTrustImage, publicKey: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ ksadmin' });
    await bench.step('remove-temporary-access', { windowsVm });
    await bench.step('windows-vm', hosts);
    const somebody = await ArmClient.signIn({ ...bench.azure, ca: bench.azure.caPem, ...bench.azure.credentials });
    bench.fault('fail', 'arm:provisioning Microsoft.HardwareSecurityModules/dedicatedHSMs', { message: 'The device could not be configured.' });
    assert.match((await bench.stops('deploy-hsm', { hsmSubnetId })).words, /could not be configured/);
    const hsm = `${compute.replace('Microsoft.Compute', 'Microsoft.HardwareSecurityModules')}/dedicatedHSMs/${bench.request.hsm.name}`;
    const polls = await somebody.follow(await somebody.send('DELETE', `${hsm}?api-version=2021-11-30`));
    assert.equal(polls.at(-1)?.status, 204);
    await bench.step('deploy-hsm', { hsmSubnetId }, { scheduledAt: Date.now() + 1 });
    await bench.step('verify-hsm', {});
    await somebodysTemplates(bench, somebody);
    const { inventory } = createActivities(bench.systems);
    const exists = (await new MockActivityEnvironment().run(inventory, bench.job)) as string[];
    assert.ok(exists.includes(`Microsoft.Network/virtualNetworks ${name}`));
  } finally {
    await bench.stop();
  }
}

/** What Azure tells of templates that are not this service’s: refused ones, outputs, loops, and what such a one would change and leave alone. */
async function somebodysTemplates({ azure, request }: AzureBench, somebody: ArmClient): Promise<void> {
  const deployment = `/subscriptions/${azure.subscriptionId}/resourceGroups/${request.azure.resourceGroup}/providers/Microsoft.Resources/deployments/theirs`;
  const ask = (method: string, action: string, template: object) =>
    somebody.send<Record<string, unknown>>(method, `${deployment}${action}?api-version=2024-03-01`, {
      properties: { template: aTemplate(template), mode: 'Incremental' },
    });
  const address = { type: 'Microsoft.Network/publicIPAddresses', apiVersion: '2024-01-01', name: "[concat('theirs', copyIndex())]" };
  const pair = { ...address, location: '[resourceGroup().location]', copy: { name: 'pair', count: 2 }, tags: { a: 'b' } };
  const outputs = { ip: { type: 'string', value: "[reference('theirs1').ipAddress]" } };
  assert.equal((await ask('POST', '/validate', { resources: [{ ...pair, identity: {} }] })).status, 400);
  assert.equal((await ask('POST', '/validate', { resources: [{ ...pair, location: null }] })).status, 400);
  assert.equal((await ask('PUT', '', { resources: [pair], outputs })).status, 201);
  await until('the end of somebody’s deployment', async () => {
    const { body } = await somebody.send<{ properties: { outputs?: object } }>('GET', `${deployment}?api-version=2024-03-01`);
    return body.properties.outputs;
  });
  const operations = `${deployment.replace('/providers/Microsoft.Resources', '')}/operations?api-version=2024-03-01`;
  assert.equal((await somebody.send<{ value: unknown[] }>('GET', operations)).body.value.length, 3);
  await somebody.follow(await ask('POST', '/whatIf', { resources: [{ ...pair, tags: { c: 'd' }, zones: ['1'] }] }));
}

describe('A whole job in the scripted faults azure-storm', function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), 'hsm-contract-'));
  let outcome: Outcome;
  let exchanges: Exchange[];
  let specification: Specification;
  const judged: { exchange: Exchange; verdict: Verdict }[] = [];
  /** Lets something happen, then holds every exchange of it against the specification, in its order. */
  async function captured<T>(name: string, happen: (file: string) => Promise<T>, loading: Promise<Specification> | undefined): Promise<T> {
    const file = join(folder, `${name}.ndjson`);
    const result = await happen(file);
    if (!loading) return result;
    specification = await loading;
    for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
      const exchange = JSON.parse(line) as Exchange;
      const { response: _, ...onlyAsked } = exchange;
      judged.push({ exchange, verdict: await specification.check(isPage(exchange) ? onlyAsked : exchange) });
    }
    return result;
  }
  before(async () => {
    // The stack’s processes wait more than they work: meanwhile the rest is done here, and the specification read.
    const loading = haveFixtures ? Specification.load() : undefined;
    [outcome] = await Promise.all([captured('job', wholeJob, loading), loading && captured('other', otherWays, loading)]);
    exchanges = judged.map(({ exchange }) => exchange);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('is got through without anybody’s help, with one HSM, one gateway and two machines', () => {
    assert.equal(outcome.state, 'completed');
    const there = (type: string) => outcome.resources.filter((resource) => resource.type === type).map(({ provisioningState }) => provisioningState);
    assert.deepEqual(there('Microsoft.HardwareSecurityModules/dedicatedHSMs'), ['Succeeded']);
    assert.deepEqual(there('Microsoft.Network/virtualNetworkGateways'), ['Succeeded']);
    assert.deepEqual(there('Microsoft.Compute/virtualMachines'), ['Succeeded', 'Succeeded']);
    const puts = (type: string) => outcome.requestLog.filter((entry) => entry.operation === `arm:PUT ${type}` && entry.outcome === 'done');
    assert.equal(puts('Microsoft.Resources/deployments').length, 2, 'once, and once more after the race with the gateway');
    const machines = puts('Microsoft.Compute/virtualMachines').map(({ target }) => target.split('/').at(-1));
    assert.deepEqual(machines.sort(), ['lunaclient', 'mycompany-ciphertrust']);
    assert.deepEqual(outcome.faults, [], 'every fault struck');
  });

  describe('held against Azure’s own specification', () => {
    before(function () {
      if (!haveFixtures) this.skip();
    });

    it('agrees with it, in every exchange of a whole job, retries and failures included', () => {
      const operations = new Map<string, number>();
      const notListed: string[] = [];
      const listed = new Map<string, number>();
      for (const { exchange, verdict } of judged) {
        const { request, response } = exchange;
        const path = new URL(request.url).pathname;
        const reason = unjudged.find(([pattern]) => pattern.test(path))?.[1];
        if (reason) listed.set(reason, (listed.get(reason) ?? 0) + 1);
        else if (verdict.findings.length === 0) operations.set(verdict.operation, (operations.get(verdict.operation) ?? 0) + 1);
        else notListed.push(`${request.method} ${path} ${response?.status}: ${verdict.findings.join('; ')}`);
      }
      const checked = [...operations.values()].reduce((sum, count) => sum + count, 0);
      console.log(
        `      ${exchanges.length} exchanges, ${checked} of them checked, ${operations.size} distinct operations: ${[...operations.keys()].sort().join(', ')}`,
      );
      for (const [reason, count] of listed) console.log(`      ${count} not checked: ${reason}`);
      assert.deepEqual([...new Set(notListed)], []);
      assert.ok(operations.size >= 25, `${operations.size} operations`);
      for (const status of [200, 201, 202, 204, 404, 429, 502, 503])
        assert.ok(
          exchanges.some(({ response }) => response?.status === status),
          `an answer with ${status} is among them`,
        );
      assert.ok(
        exchanges.some(({ response }) => response === undefined),
        'a cut one is among them',
      );
      assert.ok(exchanges.some(isPage), 'a page of HTML is among them');
    });

    it('disagrees with exchanges that are not as Microsoft has them', async () => {
      const one = (method: string, path: RegExp) => structuredClone(exchanges.find(({ request }) => request.method === method && path.test(request.url))!);
      const withoutStatus = one('PUT', /virtualMachines\/lunaclient\?/);
      withoutStatus.response!.status = 299;
      const shownPassword = one('PUT', /virtualMachines\/lunaclient\?/);
      (shownPassword.response!.body as { properties: { osProfile: object } }).properties.osProfile = { adminPassword: 'Password-1' };
      const misspelt = one('PUT', /virtualMachines\/lunaclient\?/);
      Object.assign((misspelt.request.body as { properties: object }).properties, { hardwareProfil: {} });
      const unknown = one('GET', /features\/AzureDedicatedHSM/);
      unknown.request.url = unknown.request.url.replace('2021-07-01', '2031-07-01');
      const broken = one('GET', /features\/AzureDedicatedHSM/);
      Object.assign(broken.response!.body as object, { properties: { state: 1 } });
      const wrong = { withoutStatus, shownPassword, misspelt, unknown, broken };
      for (const [name, exchange] of Object.entries(wrong)) assert.notDeepEqual((await specification.check(exchange)).findings, [], name);
    });

    it('has nothing to say about secrets: none is in the capture', () => {
      const bodies = exchanges.flatMap(({ request }) => (request.body === undefined ? [] : [JSON.stringify(request.body)]));
      assert.ok(bodies.some((text) => text.includes('"adminPassword":"(kept out)"')));
      assert.ok(bodies.some((text) => /"protectedParameters":\[\{"name":"InstallerUrl","value":"\(kept out\)"\}\]/.test(text)));
      assert.ok(!JSON.stringify(exchanges).includes('earer '), 'no token');
      assert.ok(!JSON.stringify(exchanges).includes(exampleRequest().lunaClient.installer.url as string), 'no installer URL');
    });

    it('docs/azure-role.json allows the actions of this traffic and no other', () => {
      const role = JSON.parse(readFileSync(new URL('../../../docs/azure-role.json', import.meta.url), 'utf8')) as { Actions: string[]; NotActions: string[] };
      const ours = exchanges.filter(({ request }) => request.headers['user-agent'] !== 'somebody-else');
      assert.deepEqual(role.Actions, actionsOf(ours));
      assert.ok(role.Actions.every((action) => !action.includes('*')));
    });
  });
});

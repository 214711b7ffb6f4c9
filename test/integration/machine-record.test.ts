import assert from 'node:assert/strict';
import { vmIdOf } from '../../activities/machine-record.ts';
import type { Subject } from '../../stores/record/events.ts';
import { createRecords } from '../../stores/record/record.ts';
import { secretName } from '../../stores/secrets/store.ts';
import { AzureBench, type AzureBenchOptions } from '../support/azure-bench.ts';
import { memoryNumberedStore } from '../support/numbered-store.ts';
import { until } from '../support/until.ts';

const often = { updateIntervalInMs: 50 };
const vmPut = 'arm:PUT Microsoft.Compute/virtualMachines';
const deploymentPut = 'arm:PUT Microsoft.Resources/deployments';
const writer = { jobId: 'kylo', runId: 'run-0', execution: 'test', attempt: 1, retry: 1 };

describe('What was created stands in the target record', function () {
  this.timeout(60_000);
  let bench: AzureBench;
  afterEach(() => bench?.stop());

  const entered = async (subject: Subject) =>
    (await bench.systems.records.of(bench.target, subject, writer).read()).map(({ event, data }) => [event, data] as [string, Record<string, unknown>]);
  const eventsOf = async (subject: Subject) => (await entered(subject)).map(([event]) => event);

  async function start(options: AzureBenchOptions = {}) {
    bench = await AzureBench.start(options);
    await bench.systems.secrets.create(secretName(bench.target, 'windows-admin-password'), 'A-password-of-Windows-1');
    const network = await bench.network();
    const { windowsImage: image } = await bench.step('check-availability', {});
    return { ...network, image };
  }
  const machine = async () => {
    const { compute } = await bench.clients();
    return compute.virtualMachines.get(bench.request.azure.resourceGroup, bench.request.lunaClient.vmName);
  };

  /** Somebody deletes the machine and creates one of the same name, with the same interface and tags. */
  async function rebuild() {
    const { compute } = await bench.clients();
    const { resourceGroup, region: location } = bench.request.azure;
    const { vmName } = bench.request.lunaClient;
    const { networkProfile, hardwareProfile, storageProfile, tags: before } = await machine();
    await compute.virtualMachines.delete(resourceGroup, vmName, often);
    const body = {
      location,
      tags: before!,
      hardwareProfile: hardwareProfile!,
      storageProfile: { imageReference: storageProfile!.imageReference!, osDisk: { createOption: 'FromImage' as const } },
      osProfile: { computerName: vmName, adminUsername: 'somebody', adminPassword: 'A-password-of-theirs-1' },
      networkProfile: networkProfile!,
    };
    await compute.virtualMachines.createOrUpdate(resourceGroup, vmName, body, often);
  }

  it('a machine before the request that creates it, which carries the entry’s random tag; its vmId afterwards', async () => {
    const needs = await start();
    const done = await bench.step('windows-vm', needs);
    const { vmId, tags } = await machine();
    const resourceId = vmIdOf(bench.request, bench.request.lunaClient.vmName);
    const tag = tags?.['provisioner-create'];
    assert.match(tag ?? '', /^[0-9a-f]{32}$/);
    assert.deepEqual(await entered('windows'), [
      ['machine-create-begun', { resourceId, absent: true, tag }],
      ['secret-given', { machine: resourceId, purpose: 'windows-admin-password' }],
      ['machine-created', { resourceId: done.id, vmId }],
    ]);
    assert.equal(done.warnings, undefined);
    await bench.step('windows-vm', needs);
    await bench.step('install-luna-client', { vm: done, publicKey: 'ssh-rsa AAAAB3Nz test' });
    assert.deepEqual((await eventsOf('windows')).slice(3), ['secret-given'], 'a further look enters nothing');
  });

  it('the answer to its creation was lost: the next attempt finds it by the tag, and enters its vmId', async () => {
    const needs = await start();
    bench.fault('reset-after-accept', vmPut);
    for (let number = 1; bench.arrived(vmPut).length === 0; number++) await bench.attempt('windows-vm', needs, { number }).catch(() => {});
    assert.deepEqual(await eventsOf('windows'), ['machine-create-begun', 'secret-given'], 'that attempt heard nothing more');
    await bench.step('windows-vm', needs);
    assert.equal(bench.arrived(vmPut).length, 1);
    assert.deepEqual(await eventsOf('windows'), ['machine-create-begun', 'secret-given', 'machine-created']);
  });

  it('a machine that somebody deleted and created again under the same name and tags is an incident with both ids; no secret goes to it', async () => {
    const needs = await start();
    const vm = await bench.step('windows-vm', needs);
    const { vmId: before } = await machine();
    await rebuild();
    const { vmId: after } = await machine();
    assert.notEqual(before, after);
    bench.world.requestLog.clear();
    const stopped = await bench.stops('windows-vm', needs);
    assert.deepEqual([stopped.kind, stopped.words], ['Unsafe', `the machine was replaced: its vmId is ${after}, and the target record has ${before}`]);
    const installing = await bench.stops('install-luna-client', { vm, publicKey: 'ssh-rsa AAAAB3Nz test' });
    assert.deepEqual([installing.kind, installing.words], [stopped.kind, stopped.words]);
    assert.deepEqual(
      bench.arrived('arm:*').filter(({ disclosing }) => disclosing),
      [],
    );
    const { compute } = await bench.clients();
    await compute.virtualMachines.delete(bench.request.azure.resourceGroup, bench.request.lunaClient.vmName, often);
    await bench.step('windows-vm', needs);
    assert.notEqual((await machine()).vmId, after, 'as the remedy says: once it is deleted, a retry creates another');
  });

  it('nor is a machine taken that somebody created while the request for ours had failed, until its tag says that it may be', async () => {
    const needs = await start();
    bench.fault('error', vmPut, { status: 409, code: 'SkuNotAvailable', message: 'Not here, not now.' });
    await bench.stops('windows-vm', needs);
    const [[, { tag }]] = (await entered('windows')) as [[string, { tag: string }]];
    const { network, compute } = await bench.clients();
    const { resourceGroup, region: location } = bench.request.azure;
    const { vmName } = bench.request.lunaClient;
    const nic = await network.networkInterfaces.get(resourceGroup, `${vmName}-nic`);
    const body = {
      location,
      tags: { provisioner: bench.target },
      hardwareProfile: { vmSize: 'Standard_D2s_v3' },
      storageProfile: { imageReference: { ...needs.image }, osDisk: { createOption: 'FromImage' as const } },
      osProfile: { computerName: vmName, adminUsername: 'somebody', adminPassword: 'A-password-of-theirs-1' },
      networkProfile: { networkInterfaces: [{ id: nic.id!, primary: true }] },
    };
    await compute.virtualMachines.createOrUpdate(resourceGroup, vmName, body, often);
    const { kind, words: seen, remedy } = await bench.stops('windows-vm', needs);
    assert.equal(kind, 'Unsafe');
    assert.match(seen, /this job’s request did not create it: it lacks the tag provisioner-create=/);
    assert.match(remedy, /set that tag on it, then retry/);
    await compute.virtualMachines.update(resourceGroup, vmName, { tags: { ...body.tags, 'provisioner-create': tag } }, often);
    await bench.step('windows-vm', needs);
  });

  it('a machine that was there before the record is entered as it is, and the report warns of it', async () => {
    const needs = await start();
    await bench.step('windows-vm', needs);
    // Another installation: the same target, a record that knows nothing.
    const empty = bench.as({ systems: { ...bench.systems, records: createRecords(memoryNumberedStore()) } });
    const done = await empty.step('windows-vm', needs);
    assert.match(done.warnings?.join() ?? '', /does not show that this service created lunaclient/);
    assert.match((await empty.step('windows-vm', needs)).warnings?.join() ?? '', /does not show/, 'a later job warns as well');
  });

  it('two attempts that saw no machine send one request: the other one is stale, and goes on with what was created', async () => {
    const needs = await start();
    const attempts = () => Promise.allSettled([bench.attempt('windows-vm', needs), bench.attempt('windows-vm', needs)]);
    for (let round = 0; bench.arrived(vmPut).length === 0; round++) {
      assert.ok(round < 100);
      await attempts();
    }
    await bench.step('windows-vm', needs);
    assert.equal(bench.arrived(vmPut).length, 1);
    assert.equal((await eventsOf('windows')).filter((event) => event === 'machine-create-begun').length, 1);
  });

  it('the HSM before its deployment is sent, once, though two attempts saw none; and afterwards', async () => {
    const { hsmSubnetId } = await start();
    const needs = { hsmSubnetId };
    const both = await Promise.allSettled([bench.attempt('deploy-hsm', needs), bench.attempt('deploy-hsm', needs)]);
    assert.ok(both.every(({ status }) => status === 'rejected'));
    await bench.step('deploy-hsm', needs);
    assert.equal(bench.arrived(deploymentPut).length, 1);
    const { deployments } = await bench.clients();
    const { tags } = await deployments.deployments.get(bench.request.azure.resourceGroup, 'HSMdeploy');
    const [begun, created, ...more] = await entered('deployment');
    assert.deepEqual([begun?.[0], begun?.[1]['tag'], created?.[0], more], ['machine-create-begun', tags?.['provisioner-create'], 'machine-created', []]);
    assert.equal((await hsm()).tags?.['provisioner-create'], begun?.[1]['tag'], 'the HSM carries it, too');
  });

  const hsm = async () => {
    const { hsms } = await bench.clients();
    return hsms.dedicatedHsmOperations.get(bench.request.azure.resourceGroup, bench.request.hsm.name);
  };
  /** Sends the deployment of the HSM, and hears nothing more of it. */
  const send = async (needs: { hsmSubnetId: string }, scheduledAt: number) => {
    for (let number = 1; bench.arrived(deploymentPut).length === 0; number++) await bench.attempt('deploy-hsm', needs, { number, scheduledAt }).catch(() => {});
    const [[, { tag }]] = (await entered('deployment')) as [[string, { tag: string }]];
    return tag;
  };
  const deployment = async () => {
    const { deployments } = await bench.clients();
    return (await deployments.deployments.get(bench.request.azure.resourceGroup, 'HSMdeploy')).properties?.provisioningState;
  };

  it('an HSM that our request made is known by its own tag, though its deployment was canceled, which Azure goes on with by itself', async () => {
    const needs = { hsmSubnetId: (await start()).hsmSubnetId };
    bench.fault('hold', 'arm:provisioning Microsoft.HardwareSecurityModules/dedicatedHSMs');
    const scheduledAt = Date.now();
    const tag = await send(needs, scheduledAt);
    await until('the HSM', async () => ((await hsm().catch(() => undefined)) ? true : undefined));
    const { deployments } = await bench.clients();
    await deployments.deployments.cancel(bench.request.azure.resourceGroup, 'HSMdeploy');
    for (const { id } of bench.world.faults.held()) bench.world.faults.release(id);
    await until('the HSM in the end', async () => ((await hsm()).provisioningState === 'Succeeded' ? true : undefined));
    assert.deepEqual([await deployment(), (await hsm()).tags?.['provisioner-create']], ['Canceled', tag]);
    await bench.step('deploy-hsm', needs, { scheduledAt: scheduledAt + 1 });
    assert.deepEqual([await eventsOf('deployment'), bench.arrived(deploymentPut).length], [['machine-create-begun', 'machine-created'], 1]);
  });

  it('an HSM that carries the tag of another request is an incident and is not entered, though a deployment of ours succeeded', async () => {
    const needs = { hsmSubnetId: (await start()).hsmSubnetId };
    const scheduledAt = Date.now();
    await send(needs, scheduledAt);
    await until('the deployment in the end', async () => ((await deployment()) === 'Succeeded' ? true : undefined));
    const { hsms } = await bench.clients();
    const { tags } = await hsm();
    await hsms.dedicatedHsmOperations.beginUpdateAndWait(bench.request.azure.resourceGroup, bench.request.hsm.name, {
      tags: { ...tags, 'provisioner-create': 'of-another-request' },
      ...often,
    });
    const { kind, code } = await bench.stops('deploy-hsm', needs, { scheduledAt });
    assert.deepEqual([kind, code, await eventsOf('deployment')], ['Unsafe', 'AZURE_RESOURCE_FOREIGN', ['machine-create-begun']]);
  });

  it('an HSM that somebody made after our deployment had failed is an incident and is not entered, until its tag says that it may be', async () => {
    const { hsmSubnetId } = await start();
    const needs = { hsmSubnetId };
    bench.fault('error', 'arm:provisioning Microsoft.HardwareSecurityModules/dedicatedHSMs', { status: 403, code: 'RequestDisallowedByPolicy', message: 'no' });
    await bench.stops('deploy-hsm', needs);
    const [[, { tag }]] = (await entered('deployment')) as [[string, { tag: string }]];
    const { hsms } = await bench.clients();
    const { resourceGroup, region: location } = bench.request.azure;
    const theirs = {
      location,
      sku: { name: 'SafeNet Luna Network HSM A790' },
      networkProfile: { subnet: { id: hsmSubnetId }, networkInterfaces: [{ privateIpAddress: '172.22.1.4' }] },
      stampId: bench.request.hsm.stamp ?? 'stamp1',
    };
    await hsms.dedicatedHsmOperations.beginCreateOrUpdateAndWait(resourceGroup, bench.request.hsm.name, theirs, often);
    const { kind, words, remedy } = await bench.stops('deploy-hsm', needs, { scheduledAt: Date.now() + 1 });
    assert.deepEqual([kind, await eventsOf('deployment')], ['Unsafe', ['machine-create-begun']]);
    assert.match(words, new RegExp(`nothing shows that this job’s request created it: .*the tag provisioner-create=${tag}`));
    assert.match(remedy, /set that tag on it, then retry/);
    await hsms.dedicatedHsmOperations.beginUpdateAndWait(resourceGroup, bench.request.hsm.name, { tags: { 'provisioner-create': tag }, ...often });
    await bench.step('deploy-hsm', needs);
    assert.deepEqual([await eventsOf('deployment'), bench.arrived(deploymentPut).length], [['machine-create-begun', 'machine-created'], 1]);
  });
});

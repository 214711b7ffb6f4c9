import assert from 'node:assert/strict';
import { type Problem, wordsOf } from '../../domain/failure.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { AzureState } from '../../simulator/azure/state.ts';
import { hsmDeployment } from '../../systems/azure/hsm-template.ts';
import { thereIsOneOfEach } from '../support/azure-job.ts';
import { deploymentTests, gatewayMade, hsmType, often, put } from '../support/deployment-tests.ts';
import { until } from '../support/until.ts';

const hsmMade = `arm:provisioning ${hsmType}`;

/** The step deploy-hsm against a simulated Azure, with every fault. What reached Azure stands in its request log. */
describe('The deployment of the HSM', function () {
  this.timeout(60_000);
  const its = deploymentTests();

  /** Somebody else’s deployment of the same name. */
  async function foreignDeployment(request: ProvisioningRequest): Promise<void> {
    const { template, parameters, hash } = hsmDeployment({ target: 'somebody-else', request }, true);
    const { deployments } = await its.bench.clients();
    // A name proves nothing, and tags can be copied.
    const tags = { 'provisioner-template': hash, 'provisioner-run': '1.1' };
    await deployments.deployments
      .createOrUpdate(request.azure.resourceGroup, 'HSMdeploy', { properties: { template, parameters, mode: 'Incremental' }, tags })
      .submitted();
  }

  it('is validated, asked what it would change, sent once and watched to its end', async () => {
    const done = await its.deploy();
    thereIsOneOfEach(its.bench);
    assert.deepEqual([its.sent(), done.gatewayWasThere], [1, false]);
    assert.match(done.deploymentId, /HSMdeploy$/);
    const before = its.bench.arrived('*').findIndex(({ operation }) => operation === put);
    for (const check of ['validate', 'whatIf'])
      assert.ok(its.bench.arrived('*').findIndex(({ operation }) => operation === `arm:POST Microsoft.Resources/deployments/${check}`) < before, check);
    assert.deepEqual((await its.deploy()).deploymentId, done.deploymentId, 'a second look changes nothing');
    assert.equal(its.sent(), 1);
  });

  it('is not waited for, nor is its HSM taken, where that is another than the one asked for, or is being deleted', async () => {
    await its.deploy();
    const { hsm, network, azure } = its.bench.request;
    const stops = async () => (await its.bench.stops('deploy-hsm', its.network)).words;
    hsm.stamp = 'stamp2';
    assert.equal(await stops(), 'it is in stamp1, not in stamp2');
    hsm.stamp = 'stamp1';
    const subnet = network.hsm.name;
    network.hsm.name = 'other';
    assert.equal(await stops(), `it is in the subnet ${network.name}/subnets/${subnet}, not in ${network.name}/subnets/other`);
    network.hsm.name = subnet;
    const { hsms } = await its.bench.clients();
    // So long that it is still being deleted when it is looked at.
    its.bench.world.durations.hsmDelete = 60_000;
    await hsms.dedicatedHsmOperations.beginDelete(azure.resourceGroup, hsm.name);
    assert.equal(await stops(), `the HSM ${hsm.name} is being deleted`);
    assert.equal(its.sent(), 1);
  });

  describe('of somebody else under the same name', () => {
    it('is waited for and not adopted: with other parameters', async () => {
      const theirs = structuredClone(its.bench.request);
      theirs.hsm.resourcePrefix = 'Theirs';
      theirs.hsm.name = 'their-hsm';
      its.bench.fault('never', gatewayMade);
      await foreignDeployment(theirs);
      const { problem } = await its.bench.attempt('deploy-hsm', its.network).then(
        () => assert.fail('it is not done'),
        (error) => ({ problem: error.details[0] as Problem }),
      );
      assert.equal(problem.kind, 'NotReady');
      assert.match(problem.summary, /HSMdeploy is active.*does not adopt/);
      assert.equal(its.sent(), 1, 'only theirs');
    });

    it('is waited for and not adopted: with another template; ours follows when it has ended', async () => {
      const theirs = structuredClone(its.bench.request);
      theirs.azure.tags = { ...theirs.azure.tags, Team: 'theirs' };
      its.bench.fault('error', `${hsmMade}`, { status: 403, code: 'RequestDisallowedByPolicy', message: 'disallowed by policy' });
      await foreignDeployment(theirs);
      const done = await its.deploy();
      assert.ok(its.bench.attempts.some(({ problem }) => /does not adopt/.test(wordsOf(problem))));
      assert.deepEqual([its.sent(), done.gatewayWasThere, its.bench.states(hsmType).length], [2, true, 1]);
    });

    it('that is started between look and act is refused by Azure, and waited for', async () => {
      its.bench.fault('hold', put);
      const deploying = its.deploy();
      const held = await until('the deployment held', async () => its.bench.world.faults.held()[0]);
      const theirs = structuredClone(its.bench.request);
      theirs.hsm.name = 'their-hsm';
      its.bench.fault('error', hsmMade, { status: 409, code: 'ScopeLocked', message: 'locked' });
      await foreignDeployment(theirs);
      its.bench.world.faults.release(held.id);
      await deploying;
      assert.deepEqual(
        its.bench.arrived(put, 'refused').map(({ detail }) => detail),
        ['DeploymentActive'],
      );
      assert.equal(its.bench.states(hsmType).length, 1);
    });
  });

  describe('that fails', () => {
    const failures: [cause: string, arrange: () => void, seen: RegExp, remedy: RegExp, runs: number][] = [
      [
        'for want of quota',
        () => its.bench.fault('fail', hsmMade, { message: 'The subscription has no device quota left in stamp1.' }),
        /^dedicatedHSMs\/kylo-luna-hsm failed\. Azure Resource Manager said: "Failed: The subscription has no device quota left in stamp1\."$/,
        /2 a stamp, 4 a region, failed ones too.*delete it first/,
        1,
      ],
      [
        'for want of capacity, twice',
        () => its.bench.fault('fail', hsmMade, { times: 2, message: 'There is no capacity for this device in the region.' }),
        /^dedicatedHSMs\/kylo-luna-hsm failed\. Azure Resource Manager said: "Failed: There is no capacity/,
        /retry later, or with an amendment of \/hsm\/stamp/,
        2,
      ],
      [
        'because a policy denies the gateway',
        () =>
          its.bench.fault('error', gatewayMade, {
            status: 403,
            code: 'RequestDisallowedByPolicy',
            message: `Resource 'HSMLuna-ergw' was disallowed by policy. Policy identifiers: '[{"policyAssignment":{"name":"No gateways","id":"/p"}}]'.`,
          }),
        /^virtualNetworkGateways\/HSMLuna-ergw failed\. Azure Resource Manager said: "RequestDisallowedByPolicy: Resource 'HSMLuna-ergw' was disallowed by policy\. Policy: No gateways"$/,
        /exemption/,
        1,
      ],
      [
        'because its token expired',
        () =>
          its.bench.fault('error', gatewayMade, {
            status: 401,
            code: 'ExpiredAuthenticationToken',
            message: 'The access token expiry UTC time is earlier than now.',
          }),
        /^virtualNetworkGateways\/HSMLuna-ergw failed\. Azure Resource Manager said: "ExpiredAuthenticationToken: The access token/,
        /clock/,
        1,
      ],
      [
        'with its cause as JSON in JSON',
        () => {
          its.bench.world.variants['azure.deploymentError'] = 'operations';
          const inner = JSON.stringify({ error: { code: 'QuotaExceeded', message: 'HSMs: 0 left.' } });
          its.bench.fault('error', hsmMade, { status: 400, code: 'BadRequest', message: JSON.stringify({ error: { code: 'Conflict', message: inner } }) });
        },
        /^dedicatedHSMs\/kylo-luna-hsm failed\. Azure Resource Manager said: "QuotaExceeded: HSMs: 0 left\."$/,
        /counts against the quota/,
        1,
      ],
      [
        'because it lost the race with the gateway, twice',
        () => its.bench.fault('fail', hsmMade, { times: 2, message: 'The virtual network has no ExpressRoute gateway that is ready.' }),
        /^dedicatedHSMs\/kylo-luna-hsm failed\. Azure Resource Manager said: "Failed: The virtual network has no ExpressRoute gateway/,
        /Wait until the network’s ExpressRoute gateway is Succeeded/,
        2,
      ],
      [
        'because of a lock',
        () =>
          its.bench.fault('error', hsmMade, {
            status: 409,
            code: 'ScopeLocked',
            message: 'The scope cannot perform write operation because following scope(s) are locked.',
          }),
        /^dedicatedHSMs\/kylo-luna-hsm failed\. Azure Resource Manager said: "ScopeLocked: The scope cannot/,
        /Remove the lock/,
        1,
      ],
    ];
    for (const [cause, arrange, seen, remedy, runs] of failures)
      it(`${cause}: an incident with code, message, resource and remedy; ${runs === 1 ? 'it is not sent again' : 'it was sent once more'}`, async () => {
        arrange();
        const problem = await its.bench.stops('deploy-hsm', its.network);
        assert.match(wordsOf(problem), seen);
        assert.match(problem.remedy, remedy);
        assert.deepEqual([problem.kind, its.sent()], ['Refused', runs]);
        await its.bench.step('deploy-hsm', its.network, { scheduledAt: Date.now() + 1 });
        thereIsOneOfEach(its.bench);
        assert.equal(its.sent(), runs + 1, 'a retry sends it once');
      });

    it('because the subnet is not delegated: the HSM’s own message, and the remedy', async () => {
      const clients = await its.bench.clients();
      const { azure, network: wanted } = its.bench.request;
      await clients.network.subnets.createOrUpdate(azure.resourceGroup, wanted.name, wanted.hsm.name, { addressPrefix: wanted.hsm.range }, often);
      const problem = await its.bench.stops('deploy-hsm', its.network);
      assert.match(
        wordsOf(problem),
        /^dedicatedHSMs\/kylo-luna-hsm failed\. Azure Resource Manager said: "Failed: The subnet Luna_kylo_HSM_subnet is not delegated/,
      );
      assert.match(problem.remedy, /Delegate the HSM’s subnet/);
      assert.equal(its.sent(), 1);
    });

    for (const [cause, arrange] of [
      ['the race with the gateway', () => its.bench.fault('fail', hsmMade, { message: 'The virtual network has no ExpressRoute gateway that is ready.' })],
      ['capacity that comes back', () => its.bench.fault('fail', hsmMade, { message: 'No capacity at the moment.' })],
      [
        'somebody who changes the same network',
        () => its.bench.fault('error', gatewayMade, { status: 409, code: 'AnotherOperationInProgress', message: 'Another operation is in progress.' }),
      ],
      ['a refused allocation', () => its.bench.fault('error', hsmMade, { status: 409, code: 'AllocationFailed', message: 'Allocation failed.' })],
    ] as const)
      it(`because of ${cause}: sent once more by itself, and it is done`, async () => {
        arrange();
        await its.deploy();
        thereIsOneOfEach(its.bench);
        assert.equal(its.sent(), 2);
      });

    it('is counted by its tags, even where Azure tells another hash of the template than it did: it is not sent for ever', async () => {
      its.bench.fault('error', gatewayMade, { status: 409, code: 'AllocationFailed', message: 'no capacity', times: 0 });
      const { deployments } = its.bench.world.state['azure'] as AzureState;
      const changing = setInterval(() => {
        for (const deployment of Object.values(deployments)) deployment.templateHash = '4711';
      }, 2);
      const { remedy } = await its.bench.stops('deploy-hsm', its.network).finally(() => clearInterval(changing));
      assert.match(remedy, /none free at present/);
      assert.equal(its.sent(), 2);
    });

    it('because somebody cancelled it: an incident that says so; a retry sends it again', async () => {
      its.bench.fault('never', 'arm:provisioning Microsoft.Network/publicIPAddresses');
      const scheduledAt = Date.now();
      await assert.rejects(its.bench.attempt('deploy-hsm', its.network, { scheduledAt }), /publicIPAddresses|gateway/);
      await until('the address begun with', async () => its.bench.states('Microsoft.Network/publicIPAddresses')[0]);
      const { deployments } = await its.bench.clients();
      await deployments.deployments.cancel(its.bench.request.azure.resourceGroup, 'HSMdeploy');
      const problem = await its.bench.stops('deploy-hsm', its.network, { scheduledAt });
      assert.deepEqual([problem.code, wordsOf(problem)], ['AZURE_DEPLOYMENT_FAILED', 'somebody canceled deployments/HSMdeploy']);
      await its.bench.step('deploy-hsm', its.network, { scheduledAt: Date.now() + 1 });
      thereIsOneOfEach(its.bench);
      assert.equal(its.sent(), 2);
    });

    it('before anything is sent: by validation, with the innermost message', async () => {
      its.bench.fault('error', 'arm:POST Microsoft.Resources/deployments/validate', {
        status: 400,
        code: 'InvalidTemplateDeployment',
        message: JSON.stringify({ error: { code: 'QuotaExceeded', message: 'Public addresses: 0 left.' } }),
      });
      const problem = await its.bench.stops('deploy-hsm', its.network);
      assert.deepEqual([problem.code, problem.evidence?.text, its.sent()], ['AZURE_QUOTA_EXCEEDED', '400 QuotaExceeded: Public addresses: 0 left.', 0]);
    });
  });
});

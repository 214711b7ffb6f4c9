import assert from 'node:assert/strict';
import { wordsOf } from '../../domain/failure.ts';
import { thereIsOneOfEach } from '../support/azure-job.ts';
import { deploymentTests, gatewayMade, hsmType, often } from '../support/deployment-tests.ts';
import { until } from '../support/until.ts';

/** The gateway that carries an HSM: one that is there is never touched, one that failed is never waited for. */
describe('A deployment and the network’s gateway', function () {
  this.timeout(60_000);
  const its = deploymentTests();

  describe('whose gateway fails', () => {
    const gateways = async () => (await its.bench.clients()).network.virtualNetworkGateways;
    const resourceGroup = 'Luna_kylo_rg';
    const again = () => ({ scheduledAt: Date.now() + 1 });
    beforeEach(async () => {
      its.bench.fault('fail', gatewayMade, { code: 'InternalServerError', message: 'The gateway could not be provisioned.' });
      const { words: seen, remedy } = await its.bench.stops('deploy-hsm', its.network);
      assert.match(seen, /^virtualNetworkGateways\/HSMLuna-ergw failed\. .* said: "InternalServerError: The gateway could not be provisioned\."$/);
      assert.match(remedy, /failed gateway.*delete it only if no HSM depends on it/);
      assert.equal(its.sent(), 1, 'a gateway that is Failed is no race');
    });

    it('is an incident again at a retry that nothing was mended for: nothing is waited for, nothing sent', async () => {
      const { kind, words: seen } = await its.bench.stops('deploy-hsm', its.network, again());
      assert.deepEqual([kind, seen], ['Refused', 'the network’s gateway HSMLuna-ergw is Failed']);
      assert.equal(its.sent(), 1);
      assert.deepEqual(its.bench.states(hsmType), []);
    });

    it('goes on once the gateway was deleted: a retry makes another', async () => {
      await (await gateways()).delete(resourceGroup, 'HSMLuna-ergw', often);
      assert.equal((await its.bench.step('deploy-hsm', its.network, again())).gatewayWasThere, false);
      thereIsOneOfEach(its.bench);
      assert.equal(its.sent(), 2);
    });

    it('goes on once the gateway was mended: a retry leaves it alone', async () => {
      const client = await gateways();
      await client.createOrUpdate(resourceGroup, 'HSMLuna-ergw', await client.get(resourceGroup, 'HSMLuna-ergw'), often);
      const before = await client.get(resourceGroup, 'HSMLuna-ergw');
      await its.bench.step('deploy-hsm', its.network, again());
      thereIsOneOfEach(its.bench);
      assert.deepEqual(await client.get(resourceGroup, 'HSMLuna-ergw'), before);
    });
  });

  describe('into a network that has a gateway', () => {
    /** Somebody’s gateway, in place for long. */
    const theirGateway = async (name: string, { gatewayType = 'ExpressRoute', addressSku = 'Standard' } = {}) => {
      const clients = await its.bench.clients();
      const { resourceGroup, region } = its.bench.request.azure;
      const address = { location: region, sku: { name: addressSku }, publicIPAllocationMethod: 'Static' };
      await clients.network.publicIPAddresses.createOrUpdate(resourceGroup, `${name}pip`, address, often);
      const publicIPAddress = { id: `${its.network.computeSubnetId.replace(/virtualNetworks.*/, '')}publicIPAddresses/${name}pip` };
      const gateway = {
        location: region,
        tags: { owner: 'network team' },
        gatewayType,
        sku: { name: 'HighPerformance', tier: 'HighPerformance' },
        ipConfigurations: [{ name: 'theirs', privateIPAllocationMethod: 'Dynamic', subnet: { id: its.network.gatewaySubnetId }, publicIPAddress }],
      };
      await clients.network.virtualNetworkGateways.createOrUpdate(resourceGroup, name, gateway, often);
    };

    it('goes without one, and leaves theirs as it is', async () => {
      await theirGateway('their-ergw');
      const clients = await its.bench.clients();
      const theirs = () => clients.network.virtualNetworkGateways.get(its.bench.request.azure.resourceGroup, 'their-ergw');
      const before = await theirs();
      const done = await its.deploy();
      assert.equal(done.gatewayWasThere, true);
      assert.equal(done.warnings, undefined);
      assert.deepEqual(await theirs(), before);
      assert.deepEqual([its.bench.states('Microsoft.Network/virtualNetworkGateways').length, its.bench.states(hsmType).length], [1, 1]);
    });

    it('with a Basic address is told about, where that may be read: it carries an HSM until 31 March 2027 only', async () => {
      await theirGateway('their-ergw', { addressSku: 'Basic' });
      const reading = 'arm:GET Microsoft.Network/publicIPAddresses';
      its.bench.fault('error', reading, { status: 403, code: 'AuthorizationFailed', message: 'No.', times: 0 });
      assert.equal((await its.deploy()).warnings, undefined);
      its.bench.world.faults.clear();
      assert.match((await its.deploy()).warnings?.join() ?? '', /their-ergw has a Basic public address.*31 March 2027/);
    });

    it('that is for VPN: alone it is an incident and nothing is sent; beside one for ExpressRoute it does not count', async () => {
      await theirGateway('a-vpn', { gatewayType: 'Vpn' });
      const problem = await its.bench.stops('deploy-hsm', its.network);
      assert.match(wordsOf(problem), /a-vpn, is of the type Vpn/);
      assert.match(problem.remedy, /Add an ExpressRoute gateway.*or abort/);
      assert.equal(its.sent(), 0);
      await theirGateway('their-ergw');
      assert.equal((await its.deploy()).gatewayWasThere, true);
      assert.deepEqual([its.bench.states('Microsoft.Network/virtualNetworkGateways').length, its.bench.states(hsmType).length], [2, 1]);
    });

    it('of another job that deploys at the same time: one after the other, with one gateway and an HSM each', async () => {
      const request = structuredClone(its.bench.request);
      request.hsm = { ...request.hsm, name: 'second-hsm', address: '172.22.1.5' };
      const second = its.bench.as({ request, target: 'second-hsm-0123456789' });
      const done = await Promise.all([its.deploy(), second.step('deploy-hsm', its.network)]);
      assert.deepEqual(done.map(({ gatewayWasThere }) => gatewayWasThere).sort(), [false, true]);
      assert.deepEqual(
        ['Microsoft.Network/virtualNetworkGateways', hsmType].map((type) => its.bench.states(type)),
        [['Succeeded'], ['Succeeded', 'Succeeded']],
      );
      assert.ok(its.bench.attempts.some(({ problem }) => /DeploymentActive|does not adopt/.test(wordsOf(problem))));
      assert.equal(its.sent(), 2);
    });

    it('that appears between look and act is Unsafe: nothing is sent', async () => {
      its.bench.fault('hold', 'arm:POST Microsoft.Resources/deployments/validate');
      const deploying = its.bench.stops('deploy-hsm', its.network);
      const held = await until('validation held', async () => its.bench.world.faults.held()[0]);
      await theirGateway('HSMLuna-ergw');
      its.bench.world.faults.release(held.id);
      const problem = await deploying;
      assert.equal(problem.kind, 'Unsafe');
      assert.match(wordsOf(problem), /virtualNetworkGateways\/HSMLuna-ergw/);
      assert.equal(its.sent(), 0);
    });
  });
});

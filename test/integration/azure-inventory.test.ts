import assert from 'node:assert/strict';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../activities/registry.ts';
import { deploymentTests, gatewayMade } from '../support/deployment-tests.ts';

describe('The inventory of a job that ended early', function () {
  this.timeout(60_000);
  const its = deploymentTests();
  const inventory = (): Promise<string[]> => new MockActivityEnvironment().run(createActivities(its.bench.systems).inventory, its.bench.job);

  it('names the deployment that goes on in Azure, and only as long as it does', async () => {
    its.bench.fault('never', gatewayMade);
    await assert.rejects(its.bench.attempt('deploy-hsm', its.network));
    const { resourceGroup } = its.bench.request.azure;
    const goesOn = /^deployment HSMdeploy: (Accepted|Running); it continues in Azure without the job$/;
    const lines = await inventory();
    assert.equal(lines[0], `resource group ${resourceGroup}`);
    assert.ok(
      lines.some((line) => goesOn.test(line)),
      lines.join('\n'),
    );
    const { deployments } = await its.bench.clients();
    await deployments.deployments.cancel(resourceGroup, 'HSMdeploy');
    assert.ok(!(await inventory()).some((line) => /deployment/.test(line)));
  });

  it('still says what exists where the deployments may not be read', async () => {
    its.bench.fault('error', 'arm:GET Microsoft.Resources/deployments', { status: 403, code: 'AuthorizationFailed', message: 'no', times: 0 });
    assert.ok((await inventory()).some((line) => line.startsWith('Microsoft.Network/virtualNetworks ')));
  });
});

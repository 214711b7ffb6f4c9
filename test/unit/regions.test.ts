import assert from 'node:assert/strict';
import { plan } from '../../domain/plan.ts';
import { regionProblems } from '../../domain/rules/regions.ts';
import { cloudOf, cloudOfStore } from '../../systems/azure/clouds.ts';
import { exampleRequest } from '../support/example.ts';

const noManager = /CipherTrust Manager runs in USGov Arizona, Iowa, Virginia or Texas only/;
const noHsm = /There is no Dedicated HSM in .*; regions that have it: usgovvirginia, usgovtexas/;

describe('The regions of a cloud', () => {
  for (const [region, ...problems] of [
    ['usgovvirginia'],
    ['usgovtexas'],
    ['usgovarizona', noHsm],
    ['usgoviowa', noHsm],
    ['usdodeast', noManager, noHsm],
    ['westus2', noManager, noHsm],
  ] as const)
    it(`of the Government: ${region} ${problems.length === 0 ? 'has' : 'does not have'} both`, () => {
      const found = regionProblems('usgovernment', region);
      assert.equal(found.length, problems.length, found.join(' '));
      for (const [index, problem] of problems.entries()) assert.match(found[index]!, problem);
    });

  it('are those with a Dedicated HSM in the public cloud, never the Government’s', () => {
    assert.deepEqual(regionProblems('public', 'westus2'), []);
    for (const region of ['usgovvirginia', 'norwayeast']) assert.match(regionProblems('public', region).join(), /There is no Dedicated HSM in/);
    assert.deepEqual(regionProblems('usgovernment', 'USGov Virginia'), ['Write the region USGov Virginia as usgovvirginia.']);
  });

  it('of China are refused by the plan, whichever is named', () => {
    for (const region of ['chinaeast2', 'chinanorth3', 'westus2']) {
      const request = exampleRequest('azure-government');
      Object.assign(request.azure, { cloud: 'china', region });
      const planned = plan(request);
      assert.ok(!planned.ok);
      assert.deepEqual(planned.broken, [{ path: '/azure/region', message: 'There is no Dedicated HSM in Azure China.' }]);
    }
  });
});

describe('The addresses of a cloud', () => {
  const azure = exampleRequest().azure;
  for (const [cloud, arm, authority, scope, vault, blobs] of [
    ['public', 'management.azure.com', 'login.microsoftonline.com', 'management.azure.com', 'vault.azure.net', 'blob.core.windows.net'],
    [
      'usgovernment',
      'management.usgovcloudapi.net',
      'login.microsoftonline.us',
      'management.core.usgovcloudapi.net',
      'vault.usgovcloudapi.net',
      'blob.core.usgovcloudapi.net',
    ],
    ['china', 'management.chinacloudapi.cn', 'login.chinacloudapi.cn', 'management.core.chinacloudapi.cn', 'vault.azure.cn', 'blob.core.chinacloudapi.cn'],
  ] as const)
    it(`are known: ${cloud}`, () => {
      const expected = { arm: `https://${arm}`, authority: `https://${authority}`, scope: `https://${scope}/.default`, vaultSuffix: vault, blobSuffix: blobs };
      assert.deepEqual(cloudOf({ ...azure, cloud }), expected);
      for (const suffix of [vault, blobs]) assert.deepEqual(cloudOfStore(`https://kept.${suffix}`), expected);
    });

  it('are the public ones where nothing is said, or a vault has a name of its own', () => {
    assert.equal(cloudOf(azure).arm, 'https://management.azure.com');
    assert.equal(cloudOfStore('https://localhost:8443').arm, 'https://management.azure.com');
    assert.equal(cloudOfStore('https://vault.usgovcloudapi.net.example.com').arm, 'https://management.azure.com');
  });
});

import assert from 'node:assert/strict';
import { StepFailure } from '../../../domain/failure.ts';
import { errorIn, innermost } from '../../../systems/azure/arm-error.ts';
import type { Azure, AzureClients } from '../../../systems/azure/azure.ts';
import { faultOf, isOneOf, runOf } from '../../../systems/azure/deployment.ts';
import { checkDeployment, harmOf } from '../../../systems/azure/deployment-check.ts';
import { azureFailure, isForeign, statusOf } from '../../../systems/azure/errors.ts';
import { findImage, findStoredImage } from '../../../systems/azure/images.ts';
import { SignInError, signInFailure } from '../../../systems/azure/sign-in.ts';

/** Asks without a wire. */
const azure = { ask: (_: string, question: () => unknown) => question(), look: (_: string, question: () => unknown) => question() } as unknown as Azure;
const { signal } = new AbortController();
const odd = [null, 7, 'text', [], [null], [7], {}, { name: null }, true];

const foreign = async (work: () => Promise<unknown>): Promise<void> => {
  const failure = await work().then(
    () => assert.fail('it was believed'),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof StepFailure, String(failure));
  assert.equal(failure.problem.code, 'AZURE_FOREIGN_ANSWER');
  assert.match(failure.problem.summary, /^the answer is not Azure’s: /);
};

describe('What is told in Azure’s place', () => {
  it('is no error with text where its fields are of another kind, and never a defect', () => {
    for (const value of odd)
      for (const error of [{ code: value, message: value, details: value, innererror: value, additionalInfo: value, target: value }, { error: value }]) {
        const found = errorIn(error);
        if (found) assert.equal(typeof innermost(found).message, 'string');
      }
    assert.deepEqual(innermost(errorIn({ code: 'Conflict', message: 'm', details: [null, 7, { code: 'QuotaExceeded', message: 'q' }] })!), {
      code: 'QuotaExceeded',
      message: 'q',
    });
  });

  it('is a failure of Azure, or none of its, whatever was thrown', () => {
    for (const value of [...odd, undefined]) {
      assert.equal(statusOf(value), undefined);
      assert.equal(typeof isForeign(value), 'boolean');
      const thrown = { statusCode: 500, name: value, message: value, code: value, response: value, request: value };
      assert.ok(azureFailure('asking', thrown) instanceof StepFailure);
      const answered = { statusCode: 503, response: { status: value, headers: value, bodyAsText: value } };
      assert.ok(azureFailure('asking', answered) instanceof StepFailure);
      for (const heard of [undefined, { status: 400, text: JSON.stringify(value) ?? '', header: () => undefined, ofHost: false }])
        assert.ok(signInFailure('asking', new SignInError('a way', heard, value)) instanceof StepFailure);
    }
  });

  it('makes no deployment ours', () => {
    const known = { hash: 'h', parameters: { HSMResourceName: { value: 'hsm1' } } } as unknown as Parameters<typeof isOneOf>[1][number];
    const tags = { 'provisioner-template': 'h' };
    for (const parameters of [...odd, { HSMResourceName: null }, { HSMResourceName: 7 }])
      assert.equal(isOneOf({ tags, properties: { parameters } } as never, [known]), false);
    assert.equal(isOneOf({ tags, properties: { parameters: { other: null, hsmresourcename: { value: 'hsm1' } } } } as never, [known]), true);
    assert.equal(runOf({ tags: { 'provisioner-run': 7 } } as never), undefined);
  });

  it('says nothing more of why a deployment failed', async () => {
    for (const value of [
      ...odd,
      [{ properties: null }],
      [{ properties: { provisioningState: 'Failed', statusMessage: { error: { code: 7 } }, targetResource: 7 } }],
    ]) {
      const list = (_: string, __: string, { onResponse }: { onResponse(answer: { bodyAsText: string }): void }) => {
        onResponse({ bodyAsText: JSON.stringify({ value }) });
        return (async function* () {})();
      };
      const clients = { deployments: { deploymentOperations: { list } } } as unknown as AzureClients;
      const own = { name: 'HSMdeploy', properties: { error: { code: 'QuotaExceeded', message: 'q' } } } as never;
      assert.equal((await faultOf(clients, 'g', own, signal)).code, 'QuotaExceeded');
      assert.equal((await faultOf(clients, 'g', { name: 'HSMdeploy', properties: { error: value } } as never, signal)).code, 'DeploymentFailed');
    }
  });

  it('is no what-if', async () => {
    const checked = (validated: unknown, whatIf: unknown) => {
      const clients = { deployments: { deployments: { validate: async () => validated, whatIf: async () => whatIf } } } as unknown as AzureClients;
      const properties = { template: {}, parameters: {}, mode: 'Incremental' } as const;
      return checkDeployment(azure, clients, { resourceGroup: 'g', name: 'HSMdeploy', properties }, signal);
    };
    for (const changes of [7, 'text', [null], [7], [{ resourceId: 7, changeType: 'Create' }], [{ resourceId: '/x', changeType: null }]])
      await foreign(() => checked({}, { changes }));
    for (const error of [7, 'text', [], {}, { code: 7 }]) {
      await foreign(() => checked({ error }, { changes: [] }));
      await foreign(() => checked({}, { error }));
    }
    for (const none of [{}, { changes: null, error: null }]) assert.deepEqual(await checked({ properties: { templateHash: 7 } }, none), { changes: [] });
  });

  it('makes nothing this job’s own', () => {
    const id = '/subscriptions/s/resourceGroups/g/providers/Microsoft.HardwareSecurityModules/dedicatedHSMs/hsm1';
    for (const tags of [...odd, { provisioner: 7 }])
      for (const before of [...odd, { tags }])
        assert.deepEqual(harmOf([{ resourceId: id, changeType: 'Modify', before }], { target: 't', hsmId: id, sentBefore: false, hsm: { state: 'Failed' } }), [
          'it would modify dedicatedHSMs/hsm1',
        ]);
  });

  it('is no image, nor where one can be used', async () => {
    const stored = (properties: unknown) => {
      const clients = { resources: { resources: { getById: async () => ({ location: 'East US', properties }) } } } as unknown as AzureClients;
      return findStoredImage(azure, clients, '/subscriptions/s/x', signal);
    };
    for (const targetRegions of [7, 'text', [null], [7], [{ name: null }]]) await foreign(() => stored({ publishingProfile: { targetRegions } }));
    for (const publishingProfile of [7, 'text', []]) await foreign(() => stored({ publishingProfile }));
    for (const none of [undefined, null, {}, { publishingProfile: null }, { publishingProfile: { targetRegions: null } }])
      assert.deepEqual((await stored(none))?.regions, ['eastus']);
    const virtualMachineImages = { list: async () => [{}, { name: 7 }, null], get: async () => assert.fail() };
    const clients = { compute: { virtualMachineImages } } as unknown as AzureClients;
    await foreign(() => findImage(azure, clients, { region: 'eastus', urn: 'a:b:c', signal }));
  });
});

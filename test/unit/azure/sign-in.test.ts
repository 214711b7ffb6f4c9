import assert from 'node:assert/strict';
import { azureFailure } from '../../../systems/azure/errors.ts';
import { listening } from '../../../systems/azure/sign-in.ts';
import { signInRemedy } from '../../../systems/azure/sign-in-remedies.ts';

describe('What to do about a refused sign-in', () => {
  for (const [seen, remedy] of [
    ['AADSTS7000215: Invalid client secret provided.', /not to the secret’s id/],
    ['AADSTS7000222: expired', /Make a new client secret/],
    ['AADSTS90002: Tenant not found.', /AZURE_TENANT_ID/],
    ['AADSTS900023: Specified tenant identifier is neither a valid DNS name', /AZURE_TENANT_ID/],
    ['AADSTS700016: Application not found', /AZURE_CLIENT_ID/],
    ['AADSTS7000229: no service principal', /AZURE_CLIENT_ID/],
    ['AADSTS7000112: Application is disabled.', /enable the application/],
    ['AADSTS700024: not within its valid time range', /clock/],
    ['AADSTS700027: not registered', /Upload the certificate/],
    ['AADSTS70021: No matching federated identity record', /to the letter/],
    ['AADSTS700213: No matching federated identity record', /to the letter/],
    ['AADSTS7002138: case', /to the letter/],
    ['AADSTS500011: The resource principal was not found', /cloud of the subscription/],
    ['AADSTS53003: Access has been blocked by Conditional Access policies.', /conditional access/],
    ['it answered 400: Identity not found', /managed identity/],
    ['ENOENT: no such file', /the file is there/],
    ['AADSTS1: something new', /docs\/run-on-azure\.md/],
  ] as const)
    it(seen, () => assert.match(signInRemedy(seen), remedy));
});

describe('A sign-in', () => {
  it('that gives neither a token nor a reason stops, and says how it was tried', async () => {
    const error: unknown = await listening({ getToken: async () => null }, 'the secret of application a')
      .getToken('scope')
      .then(
        () => assert.fail(),
        (thrown: unknown) => thrown,
      );
    const { kind, tried, summary: seen } = azureFailure('asking', error).problem;
    assert.deepEqual([kind, tried, seen], ['Refused', 'asking, signing in with the secret of application a', 'there is no token, and no reason was given']);
  });

  it('that is cancelled is no failure of the sign-in', async () => {
    const cancelled = Object.assign(new Error('cancelled'), { name: 'AbortError' });
    await assert.rejects(
      async () => listening({ getToken: () => Promise.reject(cancelled) }, 'x').getToken('scope'),
      (thrown) => thrown === cancelled,
    );
  });
});

import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from '../../simulator/certificates.ts';
import { readSettings } from '../../worker/settings.ts';

const principal = { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c' };

describe('Settings of who this service is at Azure', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-settings-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  it('name a secret, a certificate or a federated token', async () => {
    const { certificatePem, privateKeyPem } = await selfSigned({ commonName: 'provisioner' });
    const [certificatePath, federatedTokenFile] = [file('good.pem', certificatePem + privateKeyPem), file('token', 'eyJ')];
    assert.equal(readSettings({ ...principal, AZURE_CLIENT_SECRET: 's' }).azure.clientSecret, 's');
    assert.equal(readSettings({ ...principal, AZURE_CLIENT_CERTIFICATE_PATH: certificatePath }).azure.certificatePath, certificatePath);
    assert.equal(readSettings({ ...principal, AZURE_FEDERATED_TOKEN_FILE: federatedTokenFile }).azure.federatedTokenFile, federatedTokenFile);
  });

  for (const kind of ['prod', 'dev', 'ManagedIdentityCredential', 'managedidentitycredential ', 'AzureCliCredential', ''])
    it(`may be narrowed to “${kind}”`, () => {
      assert.equal(readSettings({ AZURE_TOKEN_CREDENTIALS: kind }).azure.tokenCredentials, kind || undefined);
    });

  for (const [mistake, env, says] of [
    ['a secret of nobody', { AZURE_CLIENT_SECRET: 'do-not-tell' }, ['AZURE_CLIENT_SECRET needs AZURE_TENANT_ID and AZURE_CLIENT_ID beside it']],
    [
      'a kind that there is not',
      { AZURE_TOKEN_CREDENTIALS: 'ManagedIdentity' },
      [
        'AZURE_TOKEN_CREDENTIALS must be one of prod, dev, EnvironmentCredential, WorkloadIdentityCredential, ManagedIdentityCredential, VisualStudioCodeCredential, AzureCliCredential, AzurePowerShellCredential, AzureDeveloperCliCredential, it is "ManagedIdentity"',
      ],
    ],
    [
      'an environment without a principal',
      { AZURE_TOKEN_CREDENTIALS: 'environmentcredential' },
      [
        'AZURE_TOKEN_CREDENTIALS=EnvironmentCredential needs AZURE_TENANT_ID and AZURE_CLIENT_ID beside it',
        'AZURE_TOKEN_CREDENTIALS=EnvironmentCredential needs AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH beside it',
      ],
    ],
    [
      'a workload without a token',
      { ...principal, AZURE_TOKEN_CREDENTIALS: 'WorkloadIdentityCredential' },
      ['AZURE_TOKEN_CREDENTIALS=WorkloadIdentityCredential needs AZURE_FEDERATED_TOKEN_FILE beside it'],
    ],
    [
      'files that are not there',
      { ...principal, AZURE_CLIENT_CERTIFICATE_PATH: '/nowhere.pem', AZURE_FEDERATED_TOKEN_FILE: '/nowhere' },
      ['AZURE_CLIENT_CERTIFICATE_PATH names a file that cannot be read: /nowhere.pem', 'AZURE_FEDERATED_TOKEN_FILE names a file that cannot be read: /nowhere'],
    ],
  ] as const)
    it(`refuse ${mistake}`, () => assert.deepEqual(mistakesOf(env), says));

  it('refuse a certificate that could not sign in', async () => {
    const [one, another] = await Promise.all([selfSigned({ commonName: 'one' }), selfSigned({ commonName: 'another' })]);
    const locked = createPrivateKey(one.privateKeyPem).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'opensesame' });
    const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    for (const [name, content, says] of [
      ['pfx', '0\x82\x01binary', /both as PEM; a PFX is not taken/],
      ['key-alone', one.privateKeyPem, /must hold a certificate and its private key/],
      ['certificate-alone', one.certificatePem, /must hold a certificate and its private key/],
      ['another-key', another.privateKeyPem + one.certificatePem, /must hold an RSA key and the certificate of that key/],
      ['elliptic', elliptic + one.certificatePem, /must hold an RSA key/],
      ['locked', locked + one.certificatePem, /an encrypted key that AZURE_CLIENT_CERTIFICATE_PASSWORD does not open/],
    ] as const) {
      const [mistake, ...more] = mistakesOf({
        ...principal,
        AZURE_CLIENT_CERTIFICATE_PATH: file(name, content),
        AZURE_CLIENT_CERTIFICATE_PASSWORD: name === 'locked' ? 'wrong' : '',
      });
      assert.match(mistake!, says, name);
      assert.deepEqual(more, []);
    }
  });
});

/** The lines of the one error that tells them all. */
function mistakesOf(env: NodeJS.ProcessEnv): string[] {
  try {
    readSettings(env);
  } catch (error) {
    return (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^ {2}- /, ''));
  }
  return [];
}

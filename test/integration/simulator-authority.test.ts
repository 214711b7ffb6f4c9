import assert from 'node:assert/strict';
import { createPublicKey, type JsonWebKey, randomUUID, verify } from 'node:crypto';
import { type Azure, createAzure } from '../../simulator/azure/azure.ts';
import { type Identity, selfSigned } from '../../simulator/certificates.ts';
import { createWorld, type RunningWorld } from '../../simulator/create-world.ts';
import { type ArmAnswer, exchange } from '../support/arm-client.ts';
import { inSeconds, thumbprint, webToken } from '../support/tokens.ts';

interface Refused {
  error: string;
  error_description: string;
  error_codes: number[];
  timestamp: string;
  trace_id: string;
  correlation_id: string;
  error_uri: string;
}
type Token = { access_token: string; expires_in: number | string; expires_on?: string; token_type: string };

/** What a client meets that nobody here wrote, and that knows nothing but the protocols. */
describe('The simulated authority', () => {
  let world: RunningWorld;
  let azure: Azure;
  let certificate: Identity;
  let stranger: Identity;
  before(async () => {
    world = await createWorld({ timeScale: 600 });
    [azure, certificate, stranger] = await Promise.all([createAzure(world), selfSigned({ commonName: 'client' }), selfSigned({ commonName: 'stranger' })]);
    azure.application.certificates.push(certificate.certificatePem);
    const publicKeyPem = createPublicKey(stranger.privateKeyPem).export({ type: 'spki', format: 'pem' }) as string;
    azure.application.federated.push({ issuer: 'https://issuer', subject: 'workload', audience: 'api://AzureADTokenExchange', publicKeyPem });
  });
  after(async () => {
    await azure.stop();
    await world.stop();
  });

  const home = () => `${azure.authority}/${azure.credentials.tenantId}`;
  const post = <T = Token>(form: Record<string, string>, url = `${home()}/oauth2/v2.0/token`): Promise<ArmAnswer<T>> =>
    exchange(url, azure.caPem, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: azure.credentials.clientId,
        scope: 'https://management.azure.com/.default',
        ...form,
      }).toString(),
    });
  const asserting = <T = Token>(assertion: string) =>
    post<T>({ client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: assertion });
  /** As Microsoft’s certificate credentials are described: issued by the client for itself, for ten minutes. */
  const ownAssertion = ({ claims = {}, header = { 'x5t#S256': thumbprint(certificate.certificatePem, 'sha256') } as object, key = certificate } = {}) => {
    const { clientId } = azure.credentials;
    const usual = { iss: clientId, sub: clientId, aud: `${home()}/oauth2/v2.0/token`, jti: randomUUID(), nbf: inSeconds(0), exp: inSeconds(600) };
    return { header, claims: { ...usual, ...claims }, privateKeyPem: key.privateKeyPem };
  };
  const asked = (token: string, path = `/subscriptions/${azure.subscriptionId}/resourcegroups?api-version=2021-04-01`) =>
    exchange<{ error?: { code: string } }>(`${azure.arm}${path}`, azure.caPem, { headers: { authorization: `Bearer ${token}` } });
  const metadata = <T>(path: string, headers: Record<string, string>) =>
    fetch(`${azure.identity.metadataHost}${path}`, { headers }).then(async (answer) => ({ status: answer.status, body: (await answer.json()) as T }));

  for (const [kind, algorithm, name, hash] of [
    ['SHA-256 and PSS', 'PS256', 'x5t#S256', 'sha256'],
    ['SHA-1 thumbprint', 'RS256', 'x5t', 'sha1'],
  ] as const)
    it(`takes an assertion that a certificate signed, ${kind}`, async () => {
      const header = { [name]: thumbprint(certificate.certificatePem, hash) };
      const { status, body } = await asserting(webToken({ ...ownAssertion({ header }), algorithm }));
      assert.deepEqual([status, body.token_type], [200, 'Bearer']);
      assert.equal((await asked(body.access_token)).status, 200);
    });

  for (const [situation, assertion, code] of [
    [
      'of a certificate that nobody uploaded',
      () => webToken(ownAssertion({ header: { x5t: thumbprint(stranger.certificatePem, 'sha1') }, key: stranger })),
      700027,
    ],
    ['that another key signed', () => webToken(ownAssertion({ key: stranger })), 700027],
    ['that has expired', () => webToken(ownAssertion({ claims: { nbf: inSeconds(-7200), exp: inSeconds(-3600) } })), 700024],
    ['that is not valid yet', () => webToken(ownAssertion({ claims: { nbf: inSeconds(3600), exp: inSeconds(4200) } })), 700024],
    ['for another audience', () => webToken(ownAssertion({ claims: { aud: 'https://login.example.com/token' } })), 700023],
    ['for another application', () => webToken(ownAssertion({ claims: { sub: randomUUID() } })), 700021],
    [
      'that is signed with nothing',
      () =>
        `${webToken({ ...ownAssertion() })
          .split('.')
          .slice(0, 2)
          .join('.')}.AA`,
      700027,
    ],
    ['that is none', () => 'no.token', 50027],
    [
      'of a workload, for another audience',
      () => webToken({ privateKeyPem: stranger.privateKeyPem, claims: { iss: 'https://issuer', sub: 'workload', aud: 'x' } }),
      700212,
    ],
    [
      'of a workload, with its signature changed',
      () => {
        const claims = { iss: 'https://issuer', sub: 'workload', aud: 'api://AzureADTokenExchange', exp: inSeconds(600) };
        return webToken({ privateKeyPem: certificate.privateKeyPem, claims });
      },
      50013,
    ],
  ] as const)
    it(`refuses an assertion ${situation}`, async () => {
      const { status, body } = await asserting<Refused>(assertion());
      assert.ok([400, 401].includes(status));
      assert.deepEqual(body.error_codes, [code]);
    });

  it('refuses as the real one does, with everything that Microsoft’s support asks for', async () => {
    const { status, body } = await post<Refused>({ client_secret: 'wrong' });
    assert.deepEqual([status, body.error, body.error_codes], [401, 'invalid_client', [7000215]]);
    assert.match(
      body.error_description,
      /^AADSTS7000215: .* Trace ID: [0-9a-f-]{36} Correlation ID: [0-9a-f-]{36} Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/,
    );
    assert.ok(body.error_description.includes(body.trace_id) && body.error_description.includes(body.correlation_id));
    assert.match(body.error_uri, /code=7000215$/);
    const other = await exchange<Refused>(`${azure.authority}/${randomUUID()}/v2.0/.well-known/openid-configuration`, azure.caPem);
    assert.deepEqual([other.status, other.body.error, other.body.error_codes], [400, 'invalid_tenant', [90002]]);
    const nothing = await post<Refused>({});
    assert.deepEqual([nothing.status, nothing.body.error_codes], [401, [7000218]]);
  });

  it('gives tokens for one resource, which nobody else takes', async () => {
    const { clientSecret } = azure.credentials;
    const { body } = await post({ client_secret: clientSecret, scope: 'https://vault.azure.net/.default' });
    const { status, body: said } = await asked(body.access_token);
    assert.deepEqual([status, said.error?.code], [401, 'InvalidAuthenticationTokenAudience']);
    const old = await post({
      client_secret: clientSecret,
      resource: 'https://management.core.windows.net/',
      scope: 'https://management.core.windows.net//.default',
    });
    assert.equal((await asked(old.body.access_token)).status, 200);
  });

  it('gives signed tokens with the claims that clients look into, and the keys to check them with', async () => {
    const { clientId, clientSecret, tenantId } = azure.credentials;
    const { body } = await post({ client_secret: clientSecret });
    const [header = '', payload = '', signature = ''] = body.access_token.split('.');
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
    const { jwks_uri } = (await exchange<{ jwks_uri: string }>(`${home()}/v2.0/.well-known/openid-configuration`, azure.caPem)).body;
    const { keys } = (await exchange<{ keys: (JsonWebKey & { kid: string })[] }>(jwks_uri, azure.caPem)).body;
    const key = createPublicKey({ key: keys.find(({ kid }) => kid === read(header)['kid'])!, format: 'jwk' });
    assert.ok(verify('RSA-SHA256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')));
    const { aud, iss, appid, tid, oid, sub, exp, iat, ver } = read(payload);
    assert.deepEqual([aud, iss, appid, tid, ver], ['https://management.azure.com', `https://sts.windows.net/${tenantId}/`, clientId, tenantId, '1.0']);
    assert.deepEqual([sub, (exp as number) - (iat as number)], [oid, 3600]);
    assert.match(oid as string, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.ok(!keys.some((one) => 'd' in one), 'the private half stays');
  });

  it('speaks both versions of its protocol, each with its own endpoints, and takes the client’s secret in the header, too', async () => {
    const { clientId, clientSecret, tenantId } = azure.credentials;
    const told = async (path: string) => (await exchange<Record<string, string>>(`${home()}${path}`, azure.caPem)).body;
    const [first, second] = [await told('/.well-known/openid-configuration'), await told('/v2.0/.well-known/openid-configuration')];
    assert.deepEqual([first['token_endpoint'], first['issuer']], [`${home()}/oauth2/token`, `https://sts.windows.net/${tenantId}/`]);
    assert.deepEqual([second['token_endpoint'], second['issuer']], [`${home()}/oauth2/v2.0/token`, `${home()}/v2.0`]);
    const { body } = await post({ client_secret: clientSecret, resource: 'https://management.core.windows.net/' }, first['token_endpoint']);
    assert.deepEqual([body.expires_in, typeof body.expires_on, typeof body.access_token], ['3600', 'string', 'string']);
    assert.equal((await asked(body.access_token)).status, 200);
    const missing = await post<Refused>({ client_secret: clientSecret }, first['token_endpoint']);
    assert.deepEqual([missing.status, missing.body.error_codes], [400, [900144]]);
    const scope = await post<Refused>({ client_secret: clientSecret, scope: 'https://management.azure.com/user_impersonation' });
    assert.deepEqual([scope.body.error, scope.body.error_codes], ['invalid_scope', [1002012]]);
    const basic = await exchange<Token>(second['token_endpoint']!, azure.caPem, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
      body: 'grant_type=client_credentials&scope=https%3A%2F%2Fmanagement.azure.com%2F.default',
    });
    assert.equal((await asked(basic.body.access_token)).status, 200);
  });

  it('tells who asks whether it is an authority, and under which name', async () => {
    const endpoint = encodeURIComponent(`${home()}/oauth2/v2.0/authorize`);
    const { body } = await exchange<Record<string, unknown>>(
      `${azure.authority}/common/discovery/instance?api-version=1.1&authorization_endpoint=${endpoint}`,
      azure.caPem,
    );
    const { host } = new URL(azure.authority);
    assert.deepEqual(body, {
      tenant_discovery_endpoint: `${home()}/v2.0/.well-known/openid-configuration`,
      'api-version': '1.1',
      metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
    });
  });

  it('gives tokens of managed identities to who knows the header, and to nobody else', async () => {
    const query = '?api-version=2018-02-01&resource=https://management.azure.com/';
    const imds = await metadata<Token>(`/metadata/identity/oauth2/token${query}`, { metadata: 'true' });
    assert.deepEqual([imds.status, imds.body.expires_in, typeof imds.body.expires_on], [200, '3600', 'string']);
    assert.equal((await asked(imds.body.access_token)).status, 200);
    const forged = await metadata<Refused>(`/metadata/identity/oauth2/token${query}`, {});
    assert.deepEqual([forged.status, forged.body.error_description], [400, 'Required metadata header not specified']);
    const unknown = await metadata<Refused>(`/metadata/identity/oauth2/token${query}&client_id=${randomUUID()}`, { metadata: 'true' });
    assert.deepEqual([unknown.status, unknown.body.error_description], [400, 'Identity not found']);
    const service = await metadata<Token>(`/msi/token${query}`, { 'x-identity-header': azure.identity.header });
    assert.deepEqual([service.status, service.body.expires_in], [200, undefined]);
    assert.equal((await metadata(`/msi/token${query}`, { 'x-identity-header': 'guessed' })).status, 401);
  });
});

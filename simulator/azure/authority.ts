import { randomBytes } from 'node:crypto';
import { ArmError, type ArmReply } from './http.ts';
import type { AzureState } from './state.ts';

const tokenSeconds = 3600;

/** What is asked of the authority, and how it answers. */
export interface SignIn {
  operation: string;
  target: string;
  answer(): ArmReply;
}

/** OpenID discovery and the token endpoint for client credentials; undefined for any other path. */
export function authority(state: AzureState, base: string, method: string, path: string, body: string): SignIn | undefined {
  const [, tenant, rest] = /^\/([0-9a-f-]{36}|common|organizations)(\/.*)$/i.exec(path) ?? [];
  if (!tenant || !rest) return undefined;
  const home = `${base}/${tenant}`;
  if (/\/\.well-known\/openid-configuration$/.test(rest))
    return { operation: 'authority:GET openid-configuration', target: tenant, answer: () => ({ status: 200, body: configuration(home) }) };
  if (method === 'POST' && /\/token$/.test(rest))
    return { operation: 'authority:POST token', target: tenant, answer: () => token(state, new URLSearchParams(body)) };
  return undefined;
}

const configuration = (home: string) => ({
  issuer: `${home}/v2.0`,
  token_endpoint: `${home}/oauth2/v2.0/token`,
  authorization_endpoint: `${home}/oauth2/v2.0/authorize`,
  jwks_uri: `${home}/discovery/v2.0/keys`,
  response_types_supported: ['code'],
  subject_types_supported: ['pairwise'],
  id_token_signing_alg_values_supported: ['RS256'],
});

function token(state: AzureState, form: URLSearchParams): ArmReply {
  const { clientId, clientSecret } = state.credentials;
  if (form.get('grant_type') !== 'client_credentials')
    return {
      status: 400,
      body: { error: 'unsupported_grant_type', error_description: `AADSTS70003: The app requested an unsupported grant type '${form.get('grant_type')}'.` },
    };
  if (form.get('client_id') !== clientId)
    return {
      status: 400,
      body: {
        error: 'unauthorized_client',
        error_description: `AADSTS700016: Application with identifier '${form.get('client_id')}' was not found in the directory.`,
      },
    };
  if (form.get('client_secret') !== clientSecret)
    return {
      status: 401,
      body: {
        error: 'invalid_client',
        error_description:
          'AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.',
      },
    };
  const value = `sim.${randomBytes(24).toString('base64url')}`;
  state.tokens = [...state.tokens.slice(-50), value];
  const audience = (form.get('scope') ?? form.get('resource') ?? '').split(' ')[0]!.replace(/\/+\.default$/, '');
  state.audiences = Object.fromEntries([...Object.entries(state.audiences ?? {}).filter(([token]) => state.tokens.includes(token)), [value, audience]]);
  return { status: 200, body: { token_type: 'Bearer', expires_in: tokenSeconds, ext_expires_in: tokenSeconds, access_token: value } };
}

export function checkBearer(state: AzureState, header: string | undefined): void {
  if (!header?.startsWith('Bearer ')) throw new ArmError(401, 'AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing.");
  if (!state.tokens.includes(header.slice('Bearer '.length))) throw new ArmError(401, 'InvalidAuthenticationToken', 'The access token is invalid.');
}

/** The metadata that Azure CLI (2015-01-01) and Terraform (2022-09-01) ask for. */
export function metadata(base: string, apiVersion: string): unknown {
  const authentication = { loginEndpoint: base, audiences: [base, 'https://management.core.windows.net/'], tenant: 'common', identityProvider: 'AAD' };
  if (apiVersion < '2019') return { galleryEndpoint: base, graphEndpoint: base, portalEndpoint: base, authentication };
  const cloud = {
    name: 'Simulated',
    portal: base,
    authentication,
    media: base,
    graphAudience: base,
    graph: base,
    batch: base,
    resourceManager: base,
    vmImageAliasDoc: base,
    suffixes: { keyVaultDns: 'vault.localhost', storage: 'storage.localhost' },
  };
  return apiVersion >= '2022' ? cloud : [cloud];
}

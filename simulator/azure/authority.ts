import { AadError, aadError } from './aad-error.ts';
import { admit } from './application.ts';
import { armAudiences } from './clouds.ts';
import type { Engine } from './engine.ts';
import type { ArmReply } from './http.ts';
import { issue } from './tokens.ts';

/** What is asked of the authority, and how it answers. */
export interface SignIn {
  operation: string;
  target: string;
  answer(): ArmReply;
}

/** OpenID discovery and the token endpoint for client credentials; undefined for any other path. */
export function authority(engine: Engine, base: string, method: string, path: string, body: string): SignIn | undefined {
  const [, tenant, rest] = /^\/([0-9a-f-]{36}|common|organizations)(\/.*)$/i.exec(path) ?? [];
  if (!tenant || !rest) return undefined;
  const home = `${base}/${tenant}`;
  if (/\/\.well-known\/openid-configuration$/.test(rest))
    return { operation: 'authority:GET openid-configuration', target: tenant, answer: () => inside(engine, tenant, () => configuration(home)) };
  if (method === 'POST' && /\/token$/.test(rest))
    return { operation: 'authority:POST token', target: tenant, answer: () => inside(engine, tenant, () => token(engine, home, new URLSearchParams(body))) };
  return undefined;
}

/** The one tenant that there is. */
function inside({ state }: Engine, tenant: string, answer: () => unknown): ArmReply {
  try {
    if (![state.credentials.tenantId, 'common', 'organizations'].includes(tenant.toLowerCase())) throw aadError('unknownTenant', tenant);
    return { status: 200, body: answer() };
  } catch (error) {
    if (error instanceof AadError) return error.reply;
    throw error;
  }
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

function token({ world, state }: Engine, home: string, form: URLSearchParams): unknown {
  if (form.get('grant_type') !== 'client_credentials') throw aadError('unsupportedGrant', `${form.get('grant_type')}`);
  admit(state, home, form);
  const resource = (form.get('scope') ?? form.get('resource') ?? '').split(' ')[0]!.replace(/\/+\.default$/, '');
  const { value, seconds } = issue(world, state, resource);
  return { token_type: 'Bearer', expires_in: seconds, ext_expires_in: seconds, access_token: value };
}

/** The metadata that Azure CLI (2015-01-01) and Terraform (2022-09-01) ask for. */
export function metadata(base: string, apiVersion: string): unknown {
  const authentication = { loginEndpoint: base, audiences: armAudiences(base), tenant: 'common', identityProvider: 'AAD' };
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

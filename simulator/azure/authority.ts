import { AadError, aadError } from './aad-error.ts';
import { admit } from './application.ts';
import type { Engine } from './engine.ts';
import type { ArmReply } from './http.ts';
import { issue, issuerOf, publishedKeys } from './tokens.ts';

/** What is asked of the authority, and how it answers. */
export interface SignIn {
  operation: string;
  target: string;
  answer(): ArmReply;
}

export interface SignInRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  authorization: string | undefined;
  body: string;
}

/** Discovery and the token endpoints of both versions, for client credentials; undefined for any other path. */
export function authority(engine: Engine, base: string, request: SignInRequest): SignIn | undefined {
  const [, tenant, rest] = /^\/([0-9a-f-]{36}|common|organizations)\/(.*)$/i.exec(request.path) ?? [];
  if (!tenant || !rest) return undefined;
  const home = `${base}/${tenant}`;
  const visit = (operation: string, answer: () => unknown): SignIn => ({
    operation: `authority:${operation}`,
    target: tenant,
    answer: () => inside(engine, tenant, answer),
  });
  const second = /(^|\/)v2\.0\//i.test(rest);
  switch (`${request.method} ${rest.toLowerCase().replace('v2.0/', '')}`) {
    case 'GET .well-known/openid-configuration':
      return visit('GET openid-configuration', () => configuration(home, second));
    case 'GET discovery/instance':
      return visit('GET discovery/instance', () => instances(base, request.query.get('authorization_endpoint') ?? ''));
    case 'GET discovery/keys':
      return visit('GET discovery/keys', () => publishedKeys(engine.state));
    case 'POST oauth2/token':
      return visit('POST token', () => token(engine, home, second, asked(request)));
    default:
      return undefined;
  }
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

/** What OpenID tells of itself: the endpoints of one version. */
function configuration(home: string, second: boolean) {
  const version = second ? '/v2.0' : '';
  return {
    issuer: second ? `${home}${version}` : issuerOf(new URL(home).pathname.slice(1)),
    token_endpoint: `${home}/oauth2${version}/token`,
    authorization_endpoint: `${home}/oauth2${version}/authorize`,
    device_authorization_endpoint: `${home}/oauth2${version}/devicecode`,
    end_session_endpoint: `${home}/oauth2${version}/logout`,
    jwks_uri: `${home}/discovery${version}/keys`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    id_token_signing_alg_values_supported: ['RS256'],
    tenant_region_scope: null,
    cloud_instance_name: new URL(home).host,
  };
}

/** What a client asks that does not know an authority’s address: whether it is one, and under which names. */
function instances(base: string, authorizationEndpoint: string) {
  const { host } = new URL(base);
  const [, tenant = 'common'] = /^https:\/\/[^/]+\/([^/]+)/.exec(authorizationEndpoint) ?? [];
  return {
    tenant_discovery_endpoint: `${base}/${tenant}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  };
}

/** The form; who the client is may stand in the header instead. */
function asked({ body, authorization }: SignInRequest): URLSearchParams {
  const form = new URLSearchParams(body);
  const [, basic] = /^Basic (.+)$/i.exec(authorization ?? '') ?? [];
  const [id, secret] = basic ? Buffer.from(basic, 'base64').toString().split(':', 2).map(decodeURIComponent) : [];
  if (id !== undefined) form.set('client_id', id);
  if (secret !== undefined) form.set('client_secret', secret);
  return form;
}

/** The first version is asked for a resource and tells numbers as texts, the second for a scope. */
function token({ world, state }: Engine, home: string, second: boolean, form: URLSearchParams): unknown {
  if (form.get('grant_type') !== 'client_credentials') throw aadError('unsupportedGrant', `${form.get('grant_type')}`);
  admit(state, home, form);
  const name = second ? 'scope' : 'resource';
  const wanted = form.get(name)?.split(' ')[0];
  if (!wanted) throw aadError('missingParameter', name);
  if (second && !wanted.endsWith('/.default')) throw aadError('wrongScope', wanted);
  const { value, seconds, endsAt } = issue(world, state, wanted.replace(/\/\.default$/, ''));
  if (second) return { token_type: 'Bearer', expires_in: seconds, ext_expires_in: seconds, access_token: value };
  const ends = Math.floor(endsAt / 1000);
  const times = { expires_in: `${seconds}`, ext_expires_in: `${seconds}`, expires_on: `${ends}`, not_before: `${ends - seconds}` };
  return { token_type: 'Bearer', ...times, resource: wanted, access_token: value };
}

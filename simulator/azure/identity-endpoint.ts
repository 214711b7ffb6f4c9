import type { IncomingHttpHeaders } from 'node:http';
import type { SignIn } from './authority.ts';
import type { Engine } from './engine.ts';
import type { ArmReply } from './http.ts';
import { issue } from './tokens.ts';

/** How a host of Azure’s gives tokens for its managed identities, as long as these two ask for them. */
interface Kind {
  operation: string;
  /** Why nobody is let in with these headers. */
  refusal(engine: Engine, headers: IncomingHttpHeaders): ArmReply | undefined;
  unknownIdentity: ArmReply;
  seconds(seconds: number): Record<string, string>;
}

const refused = (status: number, error_description: string): ArmReply => ({ status, body: { error: 'invalid_request', error_description } });

const kinds: Record<string, Kind> = {
  /** The instance metadata service of a virtual machine: who forgets the header might be a victim of a forged request. */
  '/metadata/identity/oauth2/token': {
    operation: 'identity:GET metadata token',
    refusal: (_, headers) => (headers['metadata'] === 'true' ? undefined : refused(400, 'Required metadata header not specified')),
    unknownIdentity: refused(400, 'Identity not found'),
    seconds: (seconds) => ({ expires_in: `${seconds}`, ext_expires_in: `${seconds}` }),
  },
  /** An App Service: a header with a secret of the process. */
  '/msi/token': {
    operation: 'identity:GET app-service token',
    refusal: ({ state }, headers) =>
      headers['x-identity-header'] === state.identityHeader
        ? undefined
        : { status: 401, body: { statusCode: 401, message: 'The header X-IDENTITY-HEADER is missing or wrong.' } },
    unknownIdentity: {
      status: 400,
      body: { statusCode: 400, message: 'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.' },
    },
    seconds: () => ({}),
  },
};

/** The endpoint for managed identities on the host itself, in clear as there: one that the system has, and a user-assigned one with the application’s id. */
export function identityEndpoint(engine: Engine, url: URL, headers: IncomingHttpHeaders): SignIn {
  // Microsoft’s own library puts a slash at the end.
  const kind = kinds[url.pathname.replace(/\/$/, '')];
  const resource = url.searchParams.get('resource') ?? '';
  if (!kind) return { operation: 'identity:GET unknown', target: url.pathname, answer: () => ({ status: 404 }) };
  const answer = (): ArmReply => {
    const { clientId } = engine.state.credentials;
    const wanted = ['client_id', 'object_id', 'principal_id', 'mi_res_id', 'msi_res_id'].map((name) => url.searchParams.get(name)).find((id) => id !== null);
    const refusal = kind.refusal(engine, headers);
    if (refusal) return refusal;
    if (resource === '' || !url.searchParams.has('api-version')) return refused(400, 'resource and api-version are required');
    if (wanted !== undefined && wanted !== clientId) return kind.unknownIdentity;
    const { value, seconds, endsAt } = issue(engine.world, engine.state, resource);
    return {
      status: 200,
      body: { access_token: value, client_id: clientId, expires_on: `${Math.floor(endsAt / 1000)}`, ...kind.seconds(seconds), resource, token_type: 'Bearer' },
    };
  };
  return { operation: kind.operation, target: resource, answer };
}

import type { Engine } from './engine.ts';
import { ArmError, type ArmRequest } from './http.ts';
import { parseId } from './ids.ts';
import { needUnlocked } from './locks.ts';
import { subscriptionId } from './state.ts';
import { checkBearer } from './tokens.ts';
import { canonicalNamespace, canonicalType, isKnownType, providers, speaks } from './types.ts';

/** What ARM itself looks at, in its order, before anybody behind it is asked: who calls, in which version, of which subscription and type, and whether it is locked. */
export function letThrough(engine: Engine, request: ArmRequest): void {
  const { path, method, apiVersion } = request;
  checkBearer(engine.state, request.headers.authorization, request.base);
  if (!apiVersion) throw new ArmError(400, 'MissingApiVersionParameter', 'The api-version query parameter (?api-version=) is required for all requests.');
  checkSubscription(path);
  checkVersion(engine, path, apiVersion);
  needUnlocked(engine, method, path);
}

function checkSubscription(path: string): void {
  const [, subscription] = /^\/subscriptions\/([^/]+)/i.exec(path) ?? [];
  if (subscription === undefined || subscription.toLowerCase() === subscriptionId) return;
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(subscription))
    throw new ArmError(400, 'InvalidSubscriptionId', `The provided subscription identifier '${subscription}' is malformed or invalid.`);
  throw new ArmError(404, 'SubscriptionNotFound', `The subscription '${subscription}' could not be found.`);
}

/** Namespace and type that a path is about: those after its last `/providers/`, or of what a provider is asked about another one. */
function typeOf(path: string): { namespace: string; type: string } | undefined {
  const inner = /\/providers\/(Microsoft\.Features)\/(?:(providers)\/|(features))/i.exec(path);
  if (inner) return { namespace: inner[1]!, type: inner[2] ?? inner[3]! };
  const [, namespace, rest] = /^.*\/providers\/([^/]+)(?:\/(.+?))?\/?$/i.exec(path) ?? [];
  if (!namespace || rest === undefined || /^(un)?register$/i.test(rest)) return undefined;
  const [first = '', , second] = rest.split('/');
  const nested = second === undefined ? first : `${first}/${second}`;
  return { namespace, type: isKnownType(`${namespace}/${nested}`) ? nested : first };
}

function checkVersion(engine: Engine, path: string, version: string): void {
  const { namespace, type } = typeOf(path) ?? { namespace: 'Microsoft.Resources', type: 'providers' };
  const known = canonicalNamespace(namespace);
  if (!known) throw new ArmError(404, 'InvalidResourceNamespace', `The resource namespace '${namespace}' is invalid.`);
  const { versions, locations } = providers[known]!;
  const shown = canonicalType(`${known}/${type}`).slice(known.length + 1);
  const inNamespace = `could not be found in the namespace '${known}' for api version '${version}'.`;
  if (!isKnownType(`${known}/${type}`)) throw new ArmError(404, 'InvalidResourceType', `The resource type '${shown}' ${inNamespace}`);
  if (speaks(known, version.toLowerCase())) return;
  if (known === 'Microsoft.Resources')
    throw new ArmError(
      400,
      'InvalidApiVersionParameter',
      `The api-version '${version}' is invalid. The supported versions are '${versions.toReversed().join(',')}'.`,
    );
  // A type that is hidden tells nothing about itself.
  if (known === 'Microsoft.HardwareSecurityModules') throw new ArmError(404, 'InvalidResourceType', `The resource type ${inNamespace}`);
  const location = engine.find(parseId(path)?.id ?? '')?.location;
  if (location === undefined)
    throw new ArmError(404, 'InvalidResourceType', `The resource type '${shown}' ${inNamespace} The supported api-versions are '${versions.join(',')}'.`);
  throw new ArmError(
    400,
    'NoRegisteredProviderFound',
    `No registered resource provider found for location '${location}' and API version '${version}' for type '${shown}'. The supported api-versions are '${versions.join(', ')}'. The supported locations are '${locations.join(', ')}'.`,
  );
}

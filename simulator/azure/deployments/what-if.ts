import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine.ts';
import type { ArmReply, ArmRequest } from '../http.ts';
import { parseId, type ResourceId } from '../ids.ts';
import * as places from '../places.ts';
import { subscriptionId } from '../state.ts';
import type { Prepared, PreparedResource } from '../templates/prepare.ts';
import { isSecure } from '../templates/template.ts';
import { differences } from './differences.ts';
import { prepare } from './request.ts';

/** POST …/whatIf: what a deployment would change, compared with what is there, and what it would leave alone in its group. */
export function whatIf(engine: Engine, parsed: ResourceId, request: ArmRequest): ArmReply {
  const prepared = prepare(engine, parsed, request);
  const changes = [...prepared.resources.map((resource) => changeOf(engine, resource, secretsOf(prepared))), ...ignored(engine, parsed.group, prepared)];
  const { whatIfSettings } = (request.body['properties'] ?? {}) as { whatIfSettings?: { resultFormat?: string } };
  const idsOnly = whatIfSettings?.resultFormat?.toLowerCase() === 'resourceidonly';
  const token = randomUUID();
  engine.state.whatIfs[token] = {
    status: 'Succeeded',
    properties: { changes: idsOnly ? changes.map(({ resourceId, changeType }) => ({ resourceId, changeType })) : changes },
  };
  return {
    status: 202,
    headers: {
      location: `${request.base}/subscriptions/${subscriptionId}/operationresults/whatif-${token}?api-version=${request.apiVersion}`,
      'retry-after': '1',
    },
  };
}

interface Change {
  resourceId: string;
  changeType: 'Create' | 'Modify' | 'NoChange' | 'Ignore';
  [detail: string]: unknown;
}

function changeOf(engine: Engine, { id, type, name, apiVersion, body }: PreparedResource, secrets: string[]): Change {
  const parsed = parseId(id)!;
  const after = masked({ apiVersion, id, type, name: name.split('/').at(-1), ...body }, secrets);
  const before = places.view(engine, parsed);
  if (!before) return { resourceId: id, changeType: 'Create', after };
  // What is never shown, such as passwords, is compared, too.
  const kept = places.isInsideAnother(type) ? before : engine.find(id);
  const delta = masked(differences(body, kept), secrets);
  return { resourceId: id, changeType: delta.length > 0 ? 'Modify' : 'NoChange', before, after, ...(delta.length > 0 ? { delta } : {}) };
}

/** A deployment adds and changes, it removes nothing: whatever else is in the group stays. */
function ignored(engine: Engine, group: string, { resources }: Prepared): Change[] {
  const { id } = engine.needGroup(group);
  const mentioned = new Set(resources.map((resource) => resource.id.toLowerCase()));
  return Object.values(engine.state.resources)
    .filter((resource) => resource.id.toLowerCase().startsWith(`${id.toLowerCase()}/`) && !mentioned.has(resource.id.toLowerCase()))
    .map((resource) => ({ resourceId: resource.id, changeType: 'Ignore', before: engine.view(resource), after: engine.view(resource) }));
}

/** The texts that secure parameters have. */
const secretsOf = ({ parameters, values }: Prepared): string[] =>
  Object.entries(parameters).flatMap(([name, { type }]) => (isSecure(type) && typeof values[name] === 'string' && values[name] !== '' ? [values[name]] : []));

function masked<T>(value: T, secrets: string[]): T {
  if (typeof value === 'string') return secrets.reduce<string>((text, secret) => text.replaceAll(secret, '*******'), value) as T;
  if (Array.isArray(value)) return value.map((item) => masked(item, secrets)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, masked(inner, secrets)])) as T;
}

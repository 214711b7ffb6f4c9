import type { Engine } from './engine.ts';
import { ArmError } from './http.ts';
import type { ResourceId } from './ids.ts';
import { putSubnet, type Subnet, subnetsOf } from './kinds/network.ts';
import { putRule, rulesOf, type SecurityRule } from './kinds/security-group.ts';
import { kinds } from './kinds.ts';
import type { Resource } from './state.ts';

/** What a deployment can put, one by one: resources of their own, and those that live in another. */
interface Place {
  put(engine: Engine, parsed: ResourceId, body: Record<string, unknown>): void;
  view(engine: Engine, parsed: ResourceId): Record<string, unknown> | undefined;
}

const own: Place = {
  put: (engine, parsed, body) => void engine.put(parsed, body),
  view(engine, { id }) {
    const found = engine.find(id);
    return found && engine.view(found);
  },
};

/** What lives in the properties of another. */
const inside = (put: (engine: Engine, parent: Resource, child: { name: string }) => unknown, children: (parent: Resource) => { name: string }[]): Place => ({
  put(engine, { name, type, parent = '' }, body) {
    const found = engine.find(parent);
    if (!found)
      throw new ArmError(
        404,
        'ParentResourceNotFound',
        `Failed to perform 'write' on resource(s) of type '${type.split('/').slice(1).join('/')}', because the parent resource '${parent}' could not be found.`,
      );
    put(engine, found, { ...body, name });
  },
  view(engine, { name, parent = '' }) {
    const found = engine.find(parent);
    return found && (children(found).find((child) => child.name.toLowerCase() === name.toLowerCase()) as Record<string, unknown> | undefined);
  },
});

const insideOthers: Record<string, Place> = {
  'microsoft.network/virtualnetworks/subnets': inside((engine, network, subnet) => putSubnet(engine, network, subnet as Subnet), subnetsOf),
  'microsoft.network/networksecuritygroups/securityrules': inside((engine, group, rule) => putRule(engine, group, rule as SecurityRule), rulesOf),
};

export const isInsideAnother = (type: string): boolean => Object.hasOwn(insideOthers, type.toLowerCase());
const isKnown = (type: string): boolean => isInsideAnother(type) || Object.hasOwn(kinds, type.toLowerCase());
const placeOf = (type: string): Place => insideOthers[type.toLowerCase()] ?? own;

export const put = (engine: Engine, parsed: ResourceId, body: Record<string, unknown>): void => placeOf(parsed.type).put(engine, parsed, body);

/** How something is shown; undefined where it is not there. */
export const view = (engine: Engine, parsed: ResourceId): Record<string, unknown> | undefined => placeOf(parsed.type).view(engine, parsed);

/** The resource whose operation is to be watched: what lives in another is done when the other is. */
export const watched = (engine: Engine, parsed: ResourceId): Resource | undefined => engine.find(isInsideAnother(parsed.type) ? parsed.parent! : parsed.id);

/** What can be said against a resource before anything is deployed. */
export function objection(type: string, body: Record<string, unknown>): { code: string; message: string } | undefined {
  const [namespace, ...rest] = type.split('/');
  if (!isKnown(type))
    return { code: 'InvalidResourceType', message: `The resource type '${rest.join('/')}' could not be found in the namespace '${namespace}'.` };
  if (typeof body['location'] !== 'string' && !isInsideAnother(type))
    return { code: 'LocationRequired', message: 'The location property is required for this definition.' };
  return undefined;
}

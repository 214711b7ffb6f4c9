import type { Engine } from './engine.ts';
import { filtered } from './filter.ts';
import { type Handler, listed, type Route, same } from './handler.ts';
import type { ArmReply, ArmRequest } from './http.ts';
import { parseId } from './ids.ts';
import { subnetsOf } from './kinds/network.ts';
import { kinds } from './kinds.ts';
import * as runCommands from './run-commands.ts';
import { canonicalType } from './types.ts';

/** What lies inside a resource, by the type of both. */
const children: Record<string, (engine: Engine, id: string) => Record<string, unknown>[]> = {
  'microsoft.network/virtualnetworks/subnets': (engine, id) => subnetsOf(engine.need(id)) as unknown as Record<string, unknown>[],
  'microsoft.network/networksecuritygroups/securityrules': (engine, id) => engine.need(id).properties['securityRules'] as Record<string, unknown>[],
  'microsoft.compute/virtualmachines/runcommands': (engine, id) => {
    const { id: vm } = engine.need(id);
    const inside = Object.values(engine.state.runCommands).filter((command) => command.id.toLowerCase().startsWith(`${vm.toLowerCase()}/`));
    return inside.map((command) => runCommands.view(command, false));
  },
};

export interface List {
  type: string;
  answer(): ArmReply;
}

/** Everything of a type: in the subscription, in a group, or inside a resource. Undefined where the address is none of these. */
export function list(engine: Engine, request: ArmRequest, path: string): List | undefined {
  const [, group, namespace, rest = ''] = /^\/subscriptions\/[^/]+(?:\/resourcegroups\/([^/]+))?\/providers\/([^/]+)\/(.+)$/i.exec(path) ?? [];
  const parts = rest.split('/');
  if (!namespace || parts.length % 2 === 0) return undefined;
  const type = canonicalType(`${namespace}/${parts.filter((_, at) => at % 2 === 0).join('/')}`);
  const inside = children[type.toLowerCase()];
  if (parts.length > 1) return inside && { type, answer: () => listed(engine, request, inside(engine, path.split('/').slice(0, -1).join('/'))) };
  if (!kinds[type.toLowerCase()]) return undefined;
  const answer = () => {
    if (group !== undefined) engine.needGroup(group);
    const found = engine.all(type).filter(({ id }) => group === undefined || same(parseId(id)?.group ?? '', group));
    return listed(
      engine,
      request,
      found.map((resource) => engine.view(resource)),
    );
  };
  return { type, answer };
}

/** Resources of every type, in brief. What is orphaned is in no group, but in the subscription. */
const resources: Handler = (engine, request, [, group]) => {
  const within = group ? `${engine.needGroup(group).id.toLowerCase()}/` : '';
  const brief = Object.values(engine.state.resources)
    .filter(({ id }) => id.toLowerCase().startsWith(within))
    .map((resource) => {
      const { id, name, type, location, tags, sku, zones, plan } = engine.view(resource) as {
        id: string;
        name: string;
        type: string;
        location: string;
      } & Record<string, unknown>;
      return {
        id,
        name,
        type,
        location,
        ...(tags ? { tags: tags as Record<string, string> } : {}),
        ...(sku ? { sku } : {}),
        ...(zones ? { zones } : {}),
        ...(plan ? { plan } : {}),
      };
    });
  return listed(engine, request, filtered(brief, request.query.get('$filter')));
};

export const listRoutes: Route[] = [
  ['GET', '/subscriptions/[^/]+/resourcegroups/([^/]+)/resources', 'Microsoft.Resources/resources', resources],
  ['GET', '/subscriptions/[^/]+/resources', 'Microsoft.Resources/resources', resources],
];

/** A resource id, taken apart. `parent` is the id of the resource that a child belongs to. */
export interface ResourceId {
  id: string;
  group: string;
  type: string;
  name: string;
  parent?: string;
}

const shape = /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)\/providers\/([^/]+)\/(.+?)\/?$/i;

/** Takes `/subscriptions/…/resourceGroups/…/providers/…` apart; undefined for anything else, and for a type without a name. */
export function parseId(id: string): ResourceId | undefined {
  const [, group, namespace, rest] = shape.exec(id) ?? [];
  const parts = rest?.split('/') ?? [];
  if (!group || parts.length % 2 !== 0) return undefined;
  const types = parts.filter((_, index) => index % 2 === 0);
  return {
    id: id.replace(/\/$/, ''),
    group,
    name: decodeURIComponent(parts.at(-1)!),
    type: `${namespace}/${types.join('/')}`,
    ...(parts.length > 2 ? { parent: id.replace(/\/$/, '').split('/').slice(0, -2).join('/') } : {}),
  };
}

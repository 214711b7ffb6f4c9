import type { Engine } from './engine.ts';
import { filtered } from './filter.ts';
import { type Handler, listed, ok, type Route, same } from './handler.ts';
import { ArmError } from './http.ts';
import { type Group, subscriptionId } from './state.ts';

function groupView({ id, name, location, tags, deletion }: Group): Record<string, unknown> {
  const provisioningState = deletion ? 'Deleting' : 'Succeeded';
  return { id, name, type: 'Microsoft.Resources/resourceGroups', location, ...(tags ? { tags } : {}), properties: { provisioningState } };
}

const putGroup: Handler = (engine, { body }, [, name = ''], lies) => {
  const old = engine.state.groups[name.toLowerCase()];
  const location = body['location'];
  if (typeof location !== 'string') throw new ArmError(400, 'LocationRequired', 'The location property is required for this definition.');
  if (old && !same(old.location, location))
    throw new ArmError(
      409,
      'InvalidResourceGroupLocation',
      `Invalid resource group location '${location}'. The Resource group already exists in location '${old.location}'.`,
    );
  if (old) engine.needLivingGroup(old.name);
  const group = {
    id: `/subscriptions/${subscriptionId}/resourceGroups/${old?.name ?? name}`,
    name: old?.name ?? name,
    location,
    ...(body['tags'] ? { tags: body['tags'] as Record<string, string> } : {}),
  };
  if (!lies) engine.state.groups[name.toLowerCase()] = group;
  engine.world.changed();
  return ok(groupView(group), old ? 200 : 201);
};

/** The job’s name is in the address that is to be polled. */
function deletionToken({ name, location }: Group): string {
  return Buffer.from(JSON.stringify({ jobId: `RESOURCEGROUPDELETIONJOB-${name.toUpperCase()}-${location.toUpperCase()}`, jobLocation: location })).toString(
    'base64url',
  );
}

const deleteGroup: Handler = (engine, { base, apiVersion }, [, name = ''], lies) => {
  const group = engine.needGroup(name);
  const doneAt = engine.world.clock.inMinutes(engine.world.durations.groupDelete);
  const token = deletionToken(group);
  engine.state.operations[token] = { about: group.id, kind: 'delete', doneAt };
  if (!lies) group.deletion ??= { endsAt: doneAt };
  engine.world.changed();
  return {
    status: 202,
    headers: {
      location: `${base}/subscriptions/${subscriptionId}/operationresults/${token}?api-version=${apiVersion}`,
      'retry-after': `${engine.world.clock.retryAfterSeconds(15)}`,
    },
  };
};

/** Lets deletions end that are due. An HSM is left behind without its group, and costs on. */
export function advance(engine: Engine): void {
  for (const [key, { id, deletion }] of Object.entries(engine.state.groups)) {
    if (!deletion || Date.now() < deletion.endsAt) continue;
    for (const resource of Object.values(engine.state.resources).reverse()) {
      if (!resource.id.toLowerCase().startsWith(`${id.toLowerCase()}/`)) continue;
      if (resource.type.endsWith('dedicatedHSMs')) resource.orphaned = true;
      else engine.remove(resource.id);
    }
    delete engine.state.groups[key];
    engine.world.changed();
  }
}

const listGroups: Handler = (engine, request) =>
  listed(engine, request, filtered(Object.values(engine.state.groups), request.query.get('$filter')).map(groupView));

const patchGroup: Handler = (engine, { body }, [, name = ''], lies) => {
  const group = engine.needLivingGroup(name);
  if (!lies && body['tags']) group.tags = body['tags'] as Record<string, string>;
  engine.world.changed();
  return ok(groupView(group));
};

const sub = '/subscriptions/[^/]+';
const kind = 'Microsoft.Resources/resourceGroups';

export const groupRoutes: Route[] = [
  ['PUT', `${sub}/resourcegroups/([^/]+)`, kind, putGroup],
  ['GET', `${sub}/resourcegroups/([^/]+)`, kind, (engine, _, [, name = '']) => ok(groupView(engine.needGroup(name)))],
  ['HEAD', `${sub}/resourcegroups/([^/]+)`, kind, (engine, _, [, name = '']) => ({ status: engine.state.groups[name.toLowerCase()] ? 204 : 404 })],
  ['PATCH', `${sub}/resourcegroups/([^/]+)`, kind, patchGroup],
  ['DELETE', `${sub}/resourcegroups/([^/]+)`, kind, deleteGroup],
  ['GET', `${sub}/resourcegroups`, kind, listGroups],
];

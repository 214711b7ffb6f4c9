import { randomUUID } from 'node:crypto';
import type { Engine } from './engine.ts';
import * as hsmDeletion from './hsm-deletion.ts';
import { ArmError, type ArmReply, type ArmRequest } from './http.ts';
import type { ResourceId } from './ids.ts';
import { instanceView } from './kinds/compute.ts';
import { putSubnet, type Subnet, subnetsOf } from './kinds/network.ts';
import { findRule, putRule, rulesOf, type SecurityRule } from './kinds/security-group.ts';
import { kinds } from './kinds.ts';
import * as runCommands from './run-commands.ts';
import { type Resource, subscriptionId } from './state.ts';

/** What can be done with a resource and with the children that live inside one, in ARM’s long-running forms. */

const ok = (body: unknown, status = 200): ArmReply => ({ status, body });
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** A new operation to be polled, as Network and Compute have them. */
function operationHeaders(
  engine: Engine,
  { base, apiVersion }: ArmRequest,
  about: Pick<Resource, 'id' | 'location'>,
  namespace: string,
  more: { kind: 'resource' | 'run-command' | 'delete'; lied?: boolean; doneAt?: number },
): Record<string, string> {
  const id = randomUUID();
  engine.state.operations[id] = { about: about.id, kind: more.kind, doneAt: more.doneAt ?? 0, ...(more.lied ? { lied: true } : {}) };
  return {
    'azure-asyncoperation': `${base}/subscriptions/${subscriptionId}/providers/${namespace}/locations/${about.location}/operations/${id}?api-version=${apiVersion}`,
    'azure-asyncnotification': 'Enabled',
  };
}

export function resource(engine: Engine, request: ArmRequest, parsed: ResourceId, lies: boolean): ArmReply {
  const namespace = parsed.type.split('/')[0]!;
  const kind = kinds[parsed.type.toLowerCase()];
  switch (request.method) {
    case 'GET':
      return ok(engine.view(engine.need(parsed.id)));
    case 'HEAD':
      return { status: engine.find(parsed.id) ? 204 : 404 };
    case 'PATCH': {
      const found = engine.need(parsed.id);
      if (!lies) found.tags = { ...found.tags, ...(request.body['tags'] as Record<string, string>) };
      engine.world.changed();
      return ok(engine.view(found));
    }
    case 'PUT': {
      const before = structuredClone(engine.state.resources[parsed.id.toLowerCase()]);
      if (before && request.headers['if-none-match'] === '*')
        throw new ArmError(412, 'PreconditionFailed', `The resource ${parsed.id} exists already: the condition If-None-Match is not met.`);
      const { resource: made, created } = engine.put(parsed, request.body);
      const shown = engine.view(made);
      if (lies) {
        if (before) engine.state.resources[parsed.id.toLowerCase()] = before;
        else delete engine.state.resources[parsed.id.toLowerCase()];
      }
      if (kind?.polling === 'body') return { status: 200, body: shown };
      return { status: created ? 201 : 200, body: shown, headers: operationHeaders(engine, request, made, namespace, { kind: 'resource', lied: lies }) };
    }
    case 'DELETE':
      return remove(engine, request, parsed, lies);
    default:
      throw new ArmError(405, 'MethodNotAllowed', `The method ${request.method} is not allowed here.`);
  }
}

function remove(engine: Engine, request: ArmRequest, parsed: ResourceId, lies: boolean): ArmReply {
  const found = engine.find(parsed.id);
  if (!found) return { status: 204 };
  if (kinds[parsed.type.toLowerCase()]?.polling === 'body') return hsmDeletion.begin(engine, request, found, parsed, lies);
  if (!lies) engine.remove(found.id);
  return { status: 202, headers: operationHeaders(engine, request, found, found.type.split('/')[0]!, { kind: 'delete' }) };
}

export function subnet(engine: Engine, request: ArmRequest, parsed: ResourceId, lies: boolean): ArmReply {
  const network = engine.need(parsed.parent!);
  const found = subnetsOf(network).find(({ name }) => same(name, parsed.name));
  if (request.method === 'PUT') {
    if (lies)
      return {
        status: 201,
        body: { id: parsed.id, name: parsed.name, ...request.body },
        headers: operationHeaders(engine, request, network, 'Microsoft.Network', { kind: 'resource', lied: true }),
      };
    const { subnet: made, created } = putSubnet(engine, network, { ...(request.body as unknown as Subnet), name: parsed.name });
    return { status: created ? 201 : 200, body: made, headers: operationHeaders(engine, request, network, 'Microsoft.Network', { kind: 'resource' }) };
  }
  if (!found) throw new ArmError(404, 'NotFound', `Resource ${parsed.id} not found.`);
  return ok(found);
}

export function securityRule(engine: Engine, request: ArmRequest, parsed: ResourceId, lies: boolean): ArmReply {
  const group = engine.need(parsed.parent!);
  const found = findRule(group, parsed.name);
  const headers = () => operationHeaders(engine, request, group, 'Microsoft.Network', { kind: 'delete' });
  if (request.method === 'DELETE') {
    if (!lies) group.properties['securityRules'] = rulesOf(group).filter((rule) => rule !== found);
    engine.world.changed();
    return found ? { status: 202, headers: headers() } : { status: 204 };
  }
  if (request.method === 'PUT') {
    const { rule, created } = putRule(engine, group, { ...(request.body as unknown as SecurityRule), name: parsed.name }, lies);
    return { status: created ? 201 : 200, body: rule, headers: headers() };
  }
  if (!found) throw new ArmError(404, 'NotFound', `Resource ${parsed.id} not found.`);
  return ok(found);
}

export function runCommand(engine: Engine, request: ArmRequest, parsed: ResourceId, lies: boolean): ArmReply {
  const key = parsed.id.toLowerCase();
  if (request.method === 'PUT') {
    const { command, created } = runCommands.put(engine, parsed.id, parsed.name, request.body, lies);
    return {
      status: created ? 201 : 200,
      body: runCommands.view(command, false),
      headers: operationHeaders(engine, request, command, 'Microsoft.Compute', { kind: 'run-command' }),
    };
  }
  const found = engine.state.runCommands[key];
  if (request.method === 'DELETE') {
    delete engine.state.runCommands[key];
    return found ? { status: 202, headers: operationHeaders(engine, request, found, 'Microsoft.Compute', { kind: 'delete' }) } : { status: 204 };
  }
  if (!found) throw new ArmError(404, 'ResourceNotFound', `The Resource 'Microsoft.Compute/virtualMachines/runCommands/${parsed.name}' was not found.`);
  return ok(runCommands.view(found, /instanceView/i.test(request.query.get('$expand') ?? '')));
}

export function act(engine: Engine, request: ArmRequest, found: Resource, action: string): ArmReply {
  if (action === 'instanceview') return ok(instanceView(engine, found));
  if (!['start', 'deallocate', 'poweroff'].includes(action)) throw new ArmError(404, 'NotFound', `There is no action ${action} here.`);
  const doneAt = engine.world.clock.inMinutes(engine.world.durations.vmDeallocate);
  Object.assign(found, { power: action === 'start' ? 'running' : 'deallocated', powerAt: doneAt, readyAt: doneAt });
  engine.world.changed();
  return { status: 202, headers: operationHeaders(engine, request, found, 'Microsoft.Compute', { kind: 'run-command', doneAt }) };
}

import { randomUUID } from 'node:crypto';
import type { Engine } from './engine.ts';
import * as hsmDeletion from './hsm-deletion.ts';
import { ArmError, type ArmReply, type ArmRequest, methodNotAllowed } from './http.ts';
import type { ResourceId } from './ids.ts';
import { instanceView } from './kinds/compute.ts';
import { putSubnet, removeSubnet, type Subnet, subnetsOf } from './kinds/network.ts';
import { findRule, putRule, rulesOf, type SecurityRule } from './kinds/security-group.ts';
import { kinds } from './kinds.ts';
import { operationHeaders } from './operations.ts';
import * as runCommands from './run-commands.ts';
import type { Resource } from './state.ts';

/** What can be done with a resource and with the children that live inside one, in ARM’s long-running forms. */

const ok = (body: unknown, status = 200): ArmReply => ({ status, body });
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export function resource(engine: Engine, request: ArmRequest, parsed: ResourceId, lies: boolean): ArmReply {
  const namespace = parsed.type.split('/')[0]!;
  const kind = kinds[parsed.type.toLowerCase()];
  switch (request.method) {
    case 'GET':
      return ok(expanded(engine, request, engine.need(parsed.id)));
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
      throw methodNotAllowed(request);
  }
}

const wantsInstanceView = ({ query }: ArmRequest): boolean => /instanceView/i.test(query.get('$expand') ?? '');

/** A machine shows how it is where that is asked for. */
function expanded(engine: Engine, request: ArmRequest, found: Resource): Record<string, unknown> {
  const view = engine.view(found);
  if (found.type !== 'Microsoft.Compute/virtualMachines' || !wantsInstanceView(request)) return view;
  return { ...view, properties: { ...(view['properties'] as object), instanceView: instanceView(engine, found) } };
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
  if (request.method === 'DELETE') {
    if (!found) return { status: 204 };
    if (!lies) removeSubnet(engine, network, found);
    return { status: 202, headers: operationHeaders(engine, request, network, 'Microsoft.Network', { kind: 'resource' }) };
  }
  if (request.method !== 'GET') throw methodNotAllowed(request);
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
  if (request.method !== 'GET') throw methodNotAllowed(request);
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
  if (request.method !== 'GET') throw methodNotAllowed(request);
  if (!found) throw new ArmError(404, 'ResourceNotFound', `The Resource 'Microsoft.Compute/virtualMachines/runCommands/${parsed.name}' was not found.`);
  return ok(runCommands.view(found, wantsInstanceView(request)));
}

/** What can be done with a virtual machine beside changing it. */
export const machineActions = ['start', 'restart', 'poweroff', 'deallocate', 'runcommand'] as const;
const powerAfter: Record<string, NonNullable<Resource['power']>> = { start: 'running', restart: 'running', poweroff: 'stopped', deallocate: 'deallocated' };

export function act(engine: Engine, request: ArmRequest, found: Resource, action: string): ArmReply {
  const allowed: readonly string[] = found.type === 'Microsoft.Compute/virtualMachines' ? (request.method === 'GET' ? ['instanceview'] : machineActions) : [];
  if (!allowed.includes(action)) throw methodNotAllowed(request);
  if (action === 'instanceview') return ok(instanceView(engine, found));
  if (action === 'runcommand') return invoke(engine, request, found);
  const doneAt = engine.world.clock.inMinutes(engine.world.durations.vmDeallocate);
  Object.assign(found, { power: powerAfter[action], powerAt: doneAt, readyAt: doneAt });
  engine.world.changed();
  return { status: 202, headers: operationHeaders(engine, request, found, 'Microsoft.Compute', { kind: 'run-command', doneAt }) };
}

/** The action, which has no name to be looked up by: its output is at a Location. */
function invoke(engine: Engine, request: ArmRequest, found: Resource): ArmReply {
  const id = randomUUID();
  runCommands.invoke(engine, found, id, request.body);
  return { status: 202, headers: operationHeaders(engine, request, found, 'Microsoft.Compute', { kind: 'run-command' }, id) };
}

import { randomUUID } from 'node:crypto';
import type { Fault } from '../faults.ts';
import type { World } from '../world.ts';
import { ArmError } from './http.ts';
import { parseId, type ResourceId } from './ids.ts';
import { kinds } from './kinds.ts';
import type { AzureState, Group, Resource } from './state.ts';
import { canonicalType } from './types.ts';

const key = (id: string): string => id.toLowerCase();

/** The resources of the simulated subscription: puts, gets and removes them, and lets what takes time come about. */
export class Engine {
  readonly world: World;
  readonly state: AzureState;

  constructor(world: World, state: AzureState) {
    this.world = world;
    this.state = state;
  }

  find(id: string): Resource | undefined {
    return this.state.resources[key(id)];
  }

  need(id: string): Resource {
    const found = this.find(id);
    if (found) return found;
    const parsed = parseId(id);
    if (parsed) this.needGroup(parsed.group);
    throw new ArmError(
      404,
      'ResourceNotFound',
      `The Resource '${parsed?.type}/${parsed?.name}' under resource group '${parsed?.group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    );
  }

  needGroup(name: string): Group {
    const group = this.state.groups[key(name)];
    if (!group) throw new ArmError(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);
    return group;
  }

  /** A group that something may be put into. */
  needLivingGroup(name: string): Group {
    const group = this.needGroup(name);
    if (group.deletion)
      throw new ArmError(409, 'ResourceGroupBeingDeleted', `The resource group '${name}' is in deprovisioning state and cannot perform this operation.`);
    return group;
  }

  all(type: string): Resource[] {
    return Object.values(this.state.resources).filter((resource) => resource.type.toLowerCase() === type.toLowerCase());
  }

  /** Creates or changes a resource. What is wrong with it is an ArmError and changes nothing. */
  put(parsed: ResourceId, body: Record<string, unknown>): { resource: Resource; created: boolean } {
    const { id, type, name, group } = parsed;
    const kind = kinds[type.toLowerCase()];
    const namespace = type.split('/')[0]!;
    this.needLivingGroup(group);
    if (!kind) throw new ArmError(404, 'InvalidResourceType', `The resource type '${type}' could not be found in the namespace '${namespace}'.`);
    if (!this.registered(namespace))
      throw new ArmError(
        409,
        'MissingSubscriptionRegistration',
        `The subscription is not registered to use namespace '${namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions.`,
      );
    const old = this.find(id);
    if (typeof body['location'] !== 'string') throw new ArmError(400, 'LocationRequired', `The location property is required for this definition.`);
    const now = Date.now();
    const resource: Resource = {
      id: old?.id ?? id,
      name,
      type: canonicalType(type),
      location: body['location'],
      ...pick(body, ['tags', 'sku', 'plan', 'zones']),
      properties: structuredClone((body['properties'] ?? {}) as Record<string, unknown>),
      etag: `W/"${randomUUID()}"`,
      startedAt: now,
      readyAt: now,
      ...(old?.machine ? { machine: old.machine } : {}),
      ...(old?.power ? { power: old.power } : {}),
    };
    const minutes = kind.prepare(this, resource, old);
    const fault = this.armed(canonicalType(type));
    if (fault?.kind === 'error') throw new ArmError(fault.status ?? 409, fault.code ?? 'Conflict', fault.message ?? 'The operation cannot be carried out.');
    resource.readyAt = now + this.world.clock.realMs(old && !old.failure ? Math.min(minutes, 0.1) : minutes);
    if (fault?.kind === 'never') resource.readyAt = Number.MAX_SAFE_INTEGER;
    if (fault?.kind === 'fail') resource.failure = { code: fault.code ?? 'ProvisioningFailed', message: fault.message ?? 'The operation failed.' };
    this.state.resources[key(id)] = resource;
    kind.stored?.(this, resource);
    this.world.changed();
    return { resource, created: !old };
  }

  /** A fault that strikes not the request but what comes of it: `arm:provisioning Namespace/type`, refused with `error`, or accepted and `fail` or `never`. */
  armed(what: string): Fault | undefined {
    return this.world.faults.take('arm:provisioning ', what, ['error', 'fail', 'never']);
  }

  remove(id: string): void {
    const found = this.find(id);
    if (!found) return;
    delete this.state.resources[key(id)];
    kinds[found.type.toLowerCase()]?.removed?.(this, found);
    this.world.changed();
  }

  registered(namespace: string): boolean {
    const found = Object.entries(this.state.providers).find(([name]) => name.toLowerCase() === namespace.toLowerCase());
    return found !== undefined && found[1] <= Date.now();
  }

  /** The state of a resource’s last operation, in ARM’s words. */
  provisioningState(resource: Resource): string {
    const kind = kinds[resource.type.toLowerCase()];
    if (resource.deletion) return 'Deleting';
    if (resource.failure && (kind?.failsEarly || Date.now() >= resource.readyAt)) return 'Failed';
    if (Date.now() >= resource.readyAt) return 'Succeeded';
    return kind?.running?.(this, resource) ?? 'Updating';
  }

  /** A resource as ARM shows it; secrets never. */
  view(resource: Resource): Record<string, unknown> {
    const kind = kinds[resource.type.toLowerCase()];
    const { id, name, type, location, tags, sku, plan, zones, properties, etag } = resource;
    const provisioningState = this.provisioningState(resource);
    const shown = kind?.show?.(this, resource, provisioningState) ?? { ...properties, provisioningState };
    const isHsm = type.endsWith('dedicatedHSMs');
    return {
      ...(isHsm ? { sku } : {}),
      id,
      name,
      type,
      location,
      ...(isHsm || tags ? { tags: tags ?? {} } : {}),
      ...(!isHsm && sku ? { sku } : {}),
      ...(plan ? { plan } : {}),
      ...(zones ? { zones } : {}),
      ...(kind?.etag ? { etag } : {}),
      properties: shown,
    };
  }

  /** Lets come about what is due: machines are switched on when their resource is ready. */
  async advance(): Promise<void> {
    for (const resource of Object.values(this.state.resources)) {
      this.#advanceOne(resource);
      // What was just deleted, or meanwhile, is not switched on any more.
      if (this.find(resource.id) !== resource || resource.machine !== 'wanted' || this.provisioningState(resource) !== 'Succeeded') continue;
      resource.machine = 'on';
      await kinds[resource.type.toLowerCase()]!.switchOn!(this, resource);
      this.world.changed();
    }
  }

  /** What does not work out later on, such as an address that somebody else has by then, is a failure of that resource. */
  #advanceOne(resource: Resource): void {
    try {
      kinds[resource.type.toLowerCase()]?.advance?.(this, resource);
    } catch (error) {
      if (!(error instanceof ArmError)) throw error;
      resource.failure = { code: error.code, message: error.message };
      this.world.changed();
    }
  }
}

function pick<Name extends string>(body: Record<string, unknown>, names: Name[]): Partial<Record<Name, never>> {
  return Object.fromEntries(names.filter((name) => body[name] !== undefined).map((name) => [name, structuredClone(body[name])])) as Partial<
    Record<Name, never>
  >;
}

import type { Engine } from './engine.ts';
import { ArmError, type ArmReply, type ArmRequest } from './http.ts';
import type { ResourceId } from './ids.ts';
import { addressOf } from './kinds/hsm.ts';
import { type Resource, subscriptionId } from './state.ts';

/**
 * How an HSM is deleted, as it was recorded: 202, then a Location to be polled that answers 202 and in the end 204. That one which is not zeroized cannot be
 * deleted is documented, how Azure says so is not (docs/reference/azure.md#hsm-deletion).
 */

const pollSeconds = 5;

const refusal = (name: string) => `The dedicated HSM ${name} cannot be deleted: it is not zeroized.`;

export function begin(engine: Engine, request: ArmRequest, found: Resource, { group, name }: ResourceId, lies: boolean): ArmReply {
  const appliance = engine.world.appliances.get(addressOf(found) ?? '');
  const keys = appliance !== undefined && !appliance.zeroized;
  if (keys && engine.world.variants['azure.hsmNotZeroized'] !== 'failed') throw new ArmError(409, 'Conflict', refusal(found.name));
  // Upper-cased, and without padding.
  const token = Buffer.from(`${subscriptionId}/${group}/${name}`.toUpperCase()).toString('base64url');
  const doneAt = engine.world.clock.inMinutes(engine.world.durations.hsmDelete);
  engine.state.operations[token] = { about: found.id, kind: 'delete', doneAt };
  if (!lies) found.deletion = { endsAt: doneAt, ...(keys ? { refused: refusal(found.name) } : {}) };
  engine.world.changed();
  return pending(
    engine,
    request,
    `/subscriptions/${subscriptionId}/providers/Microsoft.HardwareSecurityModules/locations/${found.location}/operationResults/${token}`,
  );
}

const pending = ({ world }: Engine, { base, apiVersion }: ArmRequest, path: string): ArmReply => ({
  status: 202,
  headers: { location: `${base}${path}?api-version=${apiVersion}`, 'retry-after': `${world.clock.retryAfterSeconds(pollSeconds)}` },
});

export function poll(engine: Engine, request: ArmRequest, token: string): ArmReply {
  const operation = engine.state.operations[token];
  if (!operation) throw new ArmError(404, 'OperationNotFound', `The operation ${token} was not found.`);
  const resource = engine.find(operation.about);
  if (Date.now() < operation.doneAt || resource?.deletion) return pending(engine, request, request.path);
  if (resource?.failure) throw new ArmError(409, resource.failure.code, resource.failure.message);
  return { status: 204 };
}

import { randomInt, randomUUID } from 'node:crypto';
import type { Engine } from '../engine.ts';
import { type Handler, listed } from '../handler.ts';
import { ArmError, type ArmReply, type ArmRequest } from '../http.ts';
import type { ResourceId } from '../ids.ts';
import type { Deployment } from '../state.ts';
import { templateHash } from '../templates/hash.ts';
import { errorOf } from './errors.ts';
import { prepare } from './request.ts';
import { dependenciesOf, operationsOf, providersOf, view } from './view.ts';

const day = 86_400_000;
const key = (id: string): string => id.toLowerCase();

/** PUT of a deployment: 201 for a new one, 200 for one that was there; refused while one of that name is active. */
export function submit(engine: Engine, parsed: ResourceId, request: ArmRequest, lies: boolean): ArmReply {
  const old = engine.state.deployments[key(parsed.id)];
  if (old?.state === 'Running')
    throw new ArmError(
      409,
      'DeploymentActive',
      `Unable to edit or replace deployment '${parsed.name}': previous deployment from '${new Date(old.startedAt).toUTCString()}' is still active (expiration time is '${new Date(old.startedAt + 7 * day).toUTCString()}'). Please see https://aka.ms/arm-deploy for usage details.`,
    );
  const { template, values, parameters, resources } = prepare(engine, parsed, request);
  const deployment: Deployment = {
    id: parsed.id,
    name: parsed.name,
    templateHash: templateHash(template),
    template,
    values,
    parameters,
    resources: lies ? [] : resources.map((resource) => ({ ...resource, state: 'Waiting' })),
    state: 'Running',
    ...(request.body['tags'] ? { tags: request.body['tags'] as Record<string, string> } : {}),
    correlationId: randomUUID(),
    operationId: `0858${Array.from({ length: 16 }, () => randomInt(10)).join('')}`,
    startedAt: Date.now(),
  };
  engine.state.deployments[key(parsed.id)] = deployment;
  engine.world.changed();
  const shown = view(engine, deployment) as { properties: Record<string, unknown> };
  shown.properties['provisioningState'] = 'Accepted';
  return {
    status: old ? 200 : 201,
    body: shown,
    headers: { 'azure-asyncoperation': `${request.base}${parsed.id}/operationStatuses/${deployment.operationId}?api-version=${request.apiVersion}` },
  };
}

export function get(engine: Engine, parsed: ResourceId): Deployment {
  const found = engine.state.deployments[key(parsed.id)];
  if (!found) throw new ArmError(404, 'DeploymentNotFound', `Deployment '${parsed.name}' could not be found.`);
  return found;
}

export const show = (engine: Engine, parsed: ResourceId): ArmReply => ({ status: 200, body: view(engine, get(engine, parsed)) });

export function status(engine: Engine, parsed: ResourceId): ArmReply {
  const deployment = get(engine, parsed);
  return { status: 200, body: { status: deployment.state, ...(deployment.state === 'Failed' ? { error: errorOf(engine, deployment) } : {}) } };
}

export const operations = (engine: Engine, parsed: ResourceId, request: ArmRequest): ArmReply =>
  listed(engine, request, operationsOf(engine, get(engine, parsed)));

export function validate(engine: Engine, parsed: ResourceId, request: ArmRequest): ArmReply {
  const { parameters, resources, template } = prepare(engine, parsed, request);
  return {
    status: 200,
    body: {
      properties: {
        templateHash: templateHash(template),
        parameters,
        mode: 'Incremental',
        provisioningState: 'Succeeded',
        timestamp: new Date().toISOString(),
        duration: 'PT0S',
        correlationId: randomUUID(),
        providers: providersOf(resources),
        dependencies: dependenciesOf(resources),
        validatedResources: resources.map(({ id }) => ({ id })),
      },
    },
  };
}

export const exists = ({ state }: Engine, { id }: ResourceId): ArmReply => ({ status: state.deployments[key(id)] ? 204 : 404 });

/** What is remembered of a group: its deployments, the last one first. */
export const inGroup: Handler = (engine, request, [, group = '']) => {
  const within = `${key(engine.needGroup(group).id)}/`;
  const here = Object.values(engine.state.deployments).filter(({ id }) => key(id).startsWith(within));
  const latestFirst = here.sort((one, other) => other.startedAt - one.startedAt);
  return listed(
    engine,
    request,
    latestFirst.map((deployment) => view(engine, deployment)),
  );
};

export function oneOperation(engine: Engine, parsed: ResourceId, id: string): ArmReply {
  const found = operationsOf(engine, get(engine, parsed)).find(({ operationId }) => operationId === id);
  if (!found) throw new ArmError(404, 'DeploymentOperationNotFound', `Deployment operation '${id}' could not be found.`);
  return { status: 200, body: found };
}

export const template = (engine: Engine, parsed: ResourceId): ArmReply => ({ status: 200, body: { template: get(engine, parsed).template } });

/** What was begun with goes on; nothing more is begun. */
export function cancel(engine: Engine, parsed: ResourceId, lies: boolean): ArmReply {
  const deployment = get(engine, parsed);
  if (deployment.state !== 'Running')
    throw new ArmError(409, 'DeploymentCannotBeCancelled', `The deployment '${parsed.name}' cannot be cancelled: it is ${deployment.state}.`);
  if (!lies) Object.assign(deployment, { state: 'Canceled', finishedAt: Date.now() });
  engine.world.changed();
  return { status: 204 };
}

/** Forgets it; what it made stays. */
export function forget(engine: Engine, parsed: ResourceId, lies: boolean): ArmReply {
  const deployment = engine.state.deployments[key(parsed.id)];
  if (deployment?.state === 'Running') throw new ArmError(409, 'DeploymentActive', `Unable to delete the deployment '${parsed.name}': it is still active.`);
  if (!lies) delete engine.state.deployments[key(parsed.id)];
  engine.world.changed();
  return { status: 204 };
}

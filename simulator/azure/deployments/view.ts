import { createHash } from 'node:crypto';
import type { Engine } from '../engine.ts';
import type { DeployedResource, Deployment } from '../state.ts';
import { errorOf, statusMessageOf, statusNames } from './errors.ts';

const briefly = ({ id, type, name }: Pick<DeployedResource, 'id' | 'type' | 'name'>) => ({ id, resourceType: type, resourceName: name });

/** Namespaces and types that a template has, with their locations. */
export function providersOf(resources: readonly Pick<DeployedResource, 'type' | 'body'>[]) {
  const byNamespace = new Map<string, Map<string, Set<string | null>>>();
  for (const { type, body } of resources) {
    const [namespace = '', ...rest] = type.split('/');
    const types = byNamespace.get(namespace) ?? new Map<string, Set<string | null>>();
    const name = rest.join('/');
    const locations = types.get(name) ?? new Set();
    locations.add((body['location'] as string | undefined) ?? null);
    byNamespace.set(namespace, types.set(name, locations));
  }
  return [...byNamespace].map(([namespace, types]) => ({
    namespace,
    resourceTypes: [...types].map(([resourceType, locations]) => ({ resourceType, locations: [...locations] })),
  }));
}

/** What waits for what. */
export function dependenciesOf(resources: readonly Pick<DeployedResource, 'id' | 'type' | 'name' | 'dependsOn'>[]) {
  return resources
    .filter(({ dependsOn }) => dependsOn.length > 0)
    .map((resource) => ({
      dependsOn: dependsOn(resource, resources).map(briefly),
      ...briefly(resource),
    }));
}

const dependsOn = <T extends Pick<DeployedResource, 'id' | 'dependsOn'>>(resource: T, all: readonly T[]): T[] =>
  all.filter(({ id }) => resource.dependsOn.some((other) => other.toLowerCase() === id.toLowerCase()));

/** A deployment as ARM shows it. */
export function view(engine: Engine, deployment: Deployment): Record<string, unknown> {
  const { id, name, state, correlationId, templateHash, parameters, startedAt, finishedAt, resources, outputs } = deployment;
  const error = errorOf(engine, deployment);
  return {
    id,
    name,
    type: 'Microsoft.Resources/deployments',
    ...(deployment.tags ? { tags: deployment.tags } : {}),
    properties: {
      templateHash,
      parameters,
      mode: 'Incremental',
      provisioningState: state,
      correlationId,
      timestamp: new Date(finishedAt ?? Date.now()).toISOString(),
      duration: `PT${(((finishedAt ?? Date.now()) - startedAt) / 1000).toFixed(2)}S`,
      providers: providersOf(resources),
      dependencies: dependenciesOf(resources),
      ...(outputs ? { outputs } : {}),
      ...(state === 'Succeeded' ? { outputResources: resources.map((resource) => ({ id: resource.id })) } : {}),
      ...(error ? { error } : {}),
    },
  };
}

/** One entry for each resource that was begun with, and one for the outputs, under the id of the operation that is polled. */
export function operationsOf(engine: Engine, deployment: Deployment): Record<string, unknown>[] {
  const { resources, id, operationId, startedAt, finishedAt, state, outputFailures } = deployment;
  const timestamp = new Date(finishedAt ?? startedAt).toISOString();
  const entries = resources
    .filter((resource) => resource.state !== 'Waiting')
    .map(({ failure, ...resource }) =>
      operation(id, createHash('sha256').update(resource.id.toLowerCase()).digest('hex').slice(0, 16).toUpperCase(), {
        provisioningOperation: 'Create',
        provisioningState: resource.state,
        timestamp,
        statusCode: failure ? (statusNames[failure.status ?? 409] ?? 'Conflict') : 'OK',
        ...(failure ? { statusMessage: statusMessageOf(engine, { code: failure.code, message: failure.message }) } : {}),
        targetResource: briefly(resource),
      }),
    );
  if (state !== 'Succeeded' && !outputFailures) return entries;
  const error = outputFailures && errorOf(engine, deployment);
  const evaluation = operation(id, operationId, {
    provisioningOperation: 'EvaluateDeploymentOutput',
    provisioningState: state,
    timestamp,
    statusCode: error ? 'BadRequest' : 'OK',
    ...(error ? { statusMessage: statusMessageOf(engine, error) } : {}),
  });
  return [...entries, evaluation];
}

const operation = (id: string, operationId: string, properties: Record<string, unknown>) => ({
  id: `${id}/operations/${operationId}`,
  operationId,
  properties,
});

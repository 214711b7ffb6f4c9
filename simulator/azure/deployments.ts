import { randomInt, randomUUID } from 'node:crypto';
import type { Engine } from './engine.ts';
import { ArmError, type ArmReply, type ArmRequest } from './http.ts';
import { parseId, type ResourceId } from './ids.ts';
import { type DeployedResource, type Deployment, subscriptionId } from './state.ts';
import { evaluate, readParameters, scopeOf, type Template, templateHash } from './template.ts';

const day = 86_400_000;
const key = (id: string): string => id.toLowerCase();

interface Prepared {
  template: Template;
  parameters: Deployment['parameters'];
  resources: DeployedResource[];
}

/** Reads a deployment request: parameters checked, expressions worked out, resources with what they depend on. */
function prepare(engine: Engine, group: string, body: Record<string, unknown>): Prepared {
  const properties = (body['properties'] ?? {}) as { template?: Template; parameters?: Record<string, { value?: unknown }>; mode?: string };
  const { template } = properties;
  if (!template?.resources) throw new ArmError(400, 'InvalidRequestContent', 'The request content was invalid: a template is needed.');
  const known = engine.state.groups[key(group)];
  if (!known) throw new ArmError(404, 'ResourceGroupNotFound', `Resource group '${group}' could not be found.`);
  const outer = { subscriptionId, group: { id: known.id, name: known.name, location: known.location } };
  const values = readParameters(template, properties.parameters ?? {}, outer);
  const scope = scopeOf(template, values, outer);
  const resources = template.resources
    .filter((resource) => resource['condition'] === undefined || evaluate(resource['condition'], scope) === true)
    .map((raw): DeployedResource => {
      const {
        type,
        name,
        dependsOn = [],
        apiVersion: _,
        condition: __,
        ...rest
      } = evaluate(raw, scope) as Record<string, unknown> & { type: string; name: string; dependsOn?: string[] };
      const id = resourceId(known.id, type, name);
      return {
        id,
        type,
        name,
        body: rest,
        dependsOn: dependsOn.map((other) =>
          other.startsWith('/') ? other : resourceId(known.id, other.split('/').slice(0, -1).join('/'), other.split('/').at(-1)!),
        ),
        state: 'Waiting',
      };
    });
  const parameters = Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const { type } = template.parameters![name]!;
      return [name, { type, ...(type.toLowerCase().startsWith('secure') ? {} : { value }) }];
    }),
  );
  return { template, parameters, resources };
}

function resourceId(groupId: string, type: string, name: string): string {
  const [namespace, ...types] = type.split('/');
  const names = name.split('/');
  return `${groupId}/providers/${namespace}/${types.map((part, at) => `${part}/${names[at]}`).join('/')}`;
}

function view(engine: Engine, deployment: Deployment): Record<string, unknown> {
  const { id, name, state, correlationId, templateHash, parameters, startedAt, finishedAt, resources } = deployment;
  const failed = resources.filter(({ failure }) => failure);
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
      providers: [],
      dependencies: [],
      ...(state === 'Succeeded' ? { outputResources: resources.map((resource) => ({ id: resource.id })) } : {}),
      ...(failed.length > 0 ? { error: errorOf(engine, deployment) } : {}),
    },
  };
}

/** As recorded: what was refused at once is told as text in JSON; what failed later is said to have failed, and an HSM’s reason stands in the HSM alone. */
function detailOf({ id: target, type, failure }: DeployedResource) {
  const { code, message, status } = failure!;
  if (status !== undefined) return { code: statusNames[status] ?? 'Conflict', target, message: JSON.stringify({ error: { code, message } }, undefined, 2) };
  return {
    code: 'ResourceDeploymentFailure',
    target,
    message: "The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Failed'.",
    details: type.endsWith('dedicatedHSMs') ? [] : [{ code, message }],
  };
}

const statusNames: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  429: 'TooManyRequests',
};

function errorOf({ world }: Engine, { id, resources }: Deployment) {
  return {
    code: 'DeploymentFailed',
    target: id,
    message:
      'At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.',
    details: world.quirks['azure.deploymentError'] === 'operations' ? [] : resources.filter(({ failure }) => failure).map(detailOf),
  };
}

/** PUT of a deployment: 201 for a new one, 200 for one that was there; refused while one of that name is active. */
export function submit(engine: Engine, parsed: ResourceId, request: ArmRequest, lies: boolean): ArmReply {
  const old = engine.state.deployments[key(parsed.id)];
  if (old?.state === 'Running')
    throw new ArmError(
      409,
      'DeploymentActive',
      `Unable to edit or replace deployment '${parsed.name}': previous deployment from '${new Date(old.startedAt).toUTCString()}' is still active (expiration time is '${new Date(old.startedAt + 7 * day).toUTCString()}'). Please see https://aka.ms/arm-deploy for usage details.`,
    );
  const prepared = prepare(engine, parsed.group, request.body);
  const deployment: Deployment = {
    id: parsed.id,
    name: parsed.name,
    templateHash: templateHash(prepared.template),
    parameters: prepared.parameters,
    resources: lies ? [] : prepared.resources,
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

const statusMessageOf = ({ code, message }: { code: string; message: string }) => ({ status: 'Failed', error: { code, message } });

export function operations(engine: Engine, parsed: ResourceId): ArmReply {
  const asText = engine.world.quirks['azure.deploymentError'] === 'operations';
  const { resources, id, startedAt } = get(engine, parsed);
  const value = resources
    .filter(({ state }) => state !== 'Waiting')
    .map(({ id: target, type, name, state, failure }, at) => ({
      id: `${id}/operations/${at}`,
      operationId: `${at}`,
      properties: {
        provisioningOperation: 'Create',
        provisioningState: state,
        timestamp: new Date(startedAt).toISOString(),
        statusCode: failure ? (statusNames[failure.status ?? 409] ?? 'Conflict') : 'OK',
        ...(failure ? { statusMessage: asText ? JSON.stringify(statusMessageOf(failure)) : statusMessageOf(failure) } : {}),
        targetResource: { id: target, resourceType: type, resourceName: name },
      },
    }));
  return { status: 200, body: { value } };
}

export function validate(engine: Engine, parsed: ResourceId, request: ArmRequest): ArmReply {
  const { parameters, resources, template } = prepare(engine, parsed.group, request.body);
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
        providers: [],
        dependencies: [],
        validatedResources: resources.map(({ id }) => ({ id })),
      },
    },
  };
}

/** What a deployment would change, compared with what is there. */
export function whatIf(engine: Engine, parsed: ResourceId, request: ArmRequest): ArmReply {
  const { resources } = prepare(engine, parsed.group, request.body);
  const changes = resources.map(({ id, body }) => {
    const there = engine.find(id);
    if (!there) return { resourceId: id, changeType: 'Create', after: { id, ...body } };
    const delta = differences((body['properties'] ?? {}) as Record<string, unknown>, there.properties, 'properties');
    return {
      resourceId: id,
      changeType: delta.length > 0 ? 'Modify' : 'NoChange',
      before: engine.view(there),
      after: { id, ...body },
      ...(delta.length > 0 ? { delta } : {}),
    };
  });
  const token = randomUUID();
  engine.state.whatIfs[token] = { status: 'Succeeded', properties: { changes } };
  return {
    status: 202,
    headers: {
      location: `${request.base}/subscriptions/${subscriptionId}/operationresults/whatif-${token}?api-version=${request.apiVersion}`,
      'retry-after': '1',
    },
  };
}

interface Difference {
  path: string;
  propertyChangeType: string;
  before: unknown;
  after: unknown;
}

/** Only what is wanted is compared: what Azure adds of itself is no change. */
function differences(wanted: unknown, there: unknown, path: string): Difference[] {
  if (typeof wanted !== 'object' || wanted === null)
    return String(wanted).toLowerCase() === String(there).toLowerCase()
      ? []
      : [{ path, propertyChangeType: there === undefined ? 'Create' : 'Modify', before: there, after: wanted }];
  return Object.entries(wanted).flatMap(([name, value]) => differences(value, (there as Record<string, unknown> | undefined)?.[name], `${path}.${name}`));
}

/** Lets running deployments go on: what waits for nothing is put, what is put is watched. */
export function advance(engine: Engine): void {
  for (const deployment of Object.values(engine.state.deployments)) {
    if (deployment.state !== 'Running') continue;
    const { resources } = deployment;
    const stateOf = (id: string) => resources.find((resource) => resource.id.toLowerCase() === id.toLowerCase())?.state ?? 'Succeeded';
    for (const resource of resources) {
      if (resource.state === 'Waiting' && resource.dependsOn.every((id) => stateOf(id) === 'Succeeded')) start(engine, resource);
      if (resource.state === 'Running') watch(engine, resource);
    }
    const failed = resources.some(({ state }) => state === 'Failed');
    const stuck = failed && resources.every(({ state }) => state !== 'Running');
    if (!stuck && !resources.every(({ state }) => state === 'Succeeded')) continue;
    deployment.state = failed ? 'Failed' : 'Succeeded';
    deployment.finishedAt = Date.now();
    engine.world.changed();
  }
}

function start(engine: Engine, resource: DeployedResource): void {
  resource.state = 'Running';
  try {
    engine.put(parseId(resource.id)!, resource.body);
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    Object.assign(resource, { state: 'Failed', failure: { code: error.code, message: error.message, status: error.status } });
  }
}

function watch(engine: Engine, resource: DeployedResource): void {
  const there = engine.find(resource.id);
  const state = there ? engine.provisioningState(there) : 'Failed';
  if (state === 'Succeeded') resource.state = 'Succeeded';
  if (state !== 'Failed') return;
  const message = there && (engine.view(there)['properties'] as { statusMessage?: string }).statusMessage;
  Object.assign(resource, { state: 'Failed', failure: there?.failure ?? { code: 'ResourceGone', message: message ?? 'The resource is gone.' } });
}

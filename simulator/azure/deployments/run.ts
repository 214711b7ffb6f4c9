import type { Engine } from '../engine.ts';
import { ArmError } from '../http.ts';
import { parseId } from '../ids.ts';
import * as places from '../places.ts';
import type { DeployedResource, Deployment } from '../state.ts';
import { meant } from '../templates/dependencies.ts';
import { evaluate } from '../templates/evaluate.ts';
import { readOutputs } from '../templates/outputs.ts';
import { scopeOf } from '../templates/parameters.ts';
import { TemplateProblem } from '../templates/problem.ts';
import type { Scope } from '../templates/scope.ts';
import { destinationOf } from './request.ts';

/** Lets running deployments go on: what waits for nothing is put, what is put is watched, and in the end the outputs are worked out. */
export function advance(engine: Engine): void {
  for (const deployment of Object.values(engine.state.deployments)) {
    if (deployment.state !== 'Running') continue;
    const { resources } = deployment;
    const isDone = (id: string) => resources.find((resource) => resource.id.toLowerCase() === id.toLowerCase())?.state === 'Succeeded';
    for (const resource of resources) {
      if (resource.state === 'Waiting' && resource.dependsOn.every(isDone)) start(engine, deployment, resource);
      if (resource.state === 'Running') watch(engine, resource);
    }
    const failed = resources.some(({ state }) => state === 'Failed');
    const stuck = failed && resources.every(({ state }) => state !== 'Running');
    if (!stuck && !resources.every(({ state }) => state === 'Succeeded')) continue;
    deployment.state = failed || !tellOutputs(engine, deployment) ? 'Failed' : 'Succeeded';
    deployment.finishedAt = Date.now();
    engine.world.changed();
  }
}

/** What expressions see while the deployment runs: what was put before is there. */
function scopeNow(engine: Engine, { id, name, template, values, resources }: Deployment): Scope {
  const reference = (target: string, full: boolean) => {
    const known = resources.map((resource) => ({ ...resource, path: '' }));
    const wanted = target.startsWith('/') ? target : (meant(known, target)[0]?.id ?? target);
    const parsed = parseId(wanted);
    const shown = parsed && places.view(engine, parsed);
    if (!parsed || !shown)
      throw new ArmError(
        404,
        'ResourceNotFound',
        `The Resource '${parsed?.type ?? ''}/${parsed?.name ?? target}' under resource group '${parsed?.group}' was not found.`,
      );
    return full ? shown : shown['properties'];
  };
  return { ...scopeOf(template, values, destinationOf(engine, parseId(id)!.group, name)), reference };
}

function start(engine: Engine, deployment: Deployment, resource: DeployedResource): void {
  resource.state = 'Running';
  try {
    if (resource.late) {
      const { properties, loops } = resource.late;
      resource.body = { ...resource.body, properties: evaluate(properties, { ...scopeNow(engine, deployment), loops }) };
      delete resource.late;
    }
    places.put(engine, parseId(resource.id)!, resource.body);
  } catch (error) {
    const failure = failureIn(error);
    // Too many at once, as with subnets that do not wait for each other.
    if (failure.status === 429 && engine.world.variants['azure.deploymentThrottled'] !== 'fails') resource.state = 'Waiting';
    else Object.assign(resource, { state: 'Failed', failure });
  }
}

function failureIn(error: unknown): NonNullable<DeployedResource['failure']> {
  if (error instanceof ArmError) return { code: error.code, message: error.message, status: error.status };
  if (error instanceof TemplateProblem) return { code: 'InvalidTemplate', message: error.message, status: 400 };
  // A resource that makes a provider stumble fails by itself; the other deployments go on.
  return { code: 'InternalServerError', message: `${error}`, status: 500 };
}

function watch(engine: Engine, resource: DeployedResource): void {
  const parsed = parseId(resource.id)!;
  const there = places.watched(engine, parsed);
  const state = there ? engine.provisioningState(there) : 'Failed';
  if (state === 'Succeeded') resource.state = 'Succeeded';
  if (state !== 'Failed') return;
  const message = there && (engine.view(there)['properties'] as { statusMessage?: string }).statusMessage;
  Object.assign(resource, { state: 'Failed', failure: there?.failure ?? { code: 'ResourceGone', message: message ?? 'The resource is gone.' } });
}

/** Works the outputs out, each by itself, so that all that are wrong are told; false where one is. */
function tellOutputs(engine: Engine, deployment: Deployment): boolean {
  const { template } = deployment;
  if (!template.outputs) return true;
  const failures: { target: string; message: string }[] = [];
  deployment.outputs = {};
  for (const [name, declared] of Object.entries(template.outputs))
    try {
      Object.assign(deployment.outputs, readOutputs({ ...template, outputs: { [name]: declared } }, scopeNow(engine, deployment)));
    } catch (error) {
      failures.push({ target: name, message: failureIn(error).message });
    }
  if (failures.length > 0) deployment.outputFailures = failures;
  return failures.length === 0;
}

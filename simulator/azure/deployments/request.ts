import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine.ts';
import { ArmError, type ArmRequest } from '../http.ts';
import type { ResourceId } from '../ids.ts';
import { objection } from '../places.ts';
import { subscriptionId } from '../state.ts';
import { type Prepared, prepareTemplate } from '../templates/prepare.ts';
import { invalidTemplate, needObject, onlyKnown, TemplateProblem } from '../templates/problem.ts';
import type { Destination } from '../templates/scope.ts';

/** What expressions see of the group and the deployment. */
export function destinationOf(engine: Engine, group: string, deployment: string): Destination {
  const { id, name, location, tags = {} } = engine.needGroup(group);
  const shown = { id, name, type: 'Microsoft.Resources/resourceGroups', location, tags, properties: { provisioningState: 'Succeeded' } };
  return { subscriptionId, tenantId: engine.state.credentials.tenantId, group: shown, deployment };
}

/** Reads a deployment request: template and parameters checked, expressions worked out, resources with what they depend on. */
export function prepare(engine: Engine, parsed: ResourceId, { body }: ArmRequest): Prepared {
  const destination = destinationOf(engine, parsed.group, parsed.name);
  try {
    const { template, parameters = {} } = checked(body['properties']);
    const prepared = prepareTemplate(template, parameters as Record<string, { value?: unknown }>, destination);
    preflight(prepared, parsed.name);
    return prepared;
  } catch (error) {
    throw error instanceof TemplateProblem ? invalidTemplate(error) : error;
  }
}

/** Of what ARM lets a deployment ask, only this is acted on. */
function checked(asked: unknown): Record<string, unknown> {
  const properties = needObject(asked ?? {}, 'The properties of the deployment', 'properties');
  onlyKnown(properties, ['template', 'parameters', 'mode', 'debugSetting', 'validationLevel', 'whatIfSettings'], 'The deployment', 'properties');
  const { template, mode, debugSetting, validationLevel } = properties;
  if (template === undefined) throw new ArmError(400, 'InvalidRequestContent', 'The request content was invalid: a template is needed.');
  const { detailLevel } = needObject(debugSetting ?? {}, 'The debug setting', 'properties.debugSetting');
  only('incremental', mode ?? '', 'deployment mode', 'properties.mode');
  only('none', detailLevel ?? 'none', 'debug setting', 'properties.debugSetting');
  only('provider', validationLevel ?? 'provider', 'validation level', 'properties.validationLevel');
  return properties;
}

function only(wanted: string, given: unknown, what: string, path: string): void {
  if (String(given).toLowerCase() !== wanted) throw new TemplateProblem(`The ${what} '${given}' is not supported here: it must be ${wanted}`, path);
}

/** What the resource providers would say at once. */
function preflight({ resources }: Prepared, name: string): void {
  const details = resources.flatMap(({ id: target, type, body }) => {
    const said = objection(type, body);
    return said ? [{ ...said, target }] : [];
  });
  if (details.length === 0) return;
  throw new ArmError(
    400,
    'InvalidTemplateDeployment',
    `The template deployment '${name}' is not valid according to the validation procedure. The tracking id is '${randomUUID()}'. See inner errors for details.`,
    details,
  );
}

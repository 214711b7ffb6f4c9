import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine.ts';
import { ArmError, type ArmRequest } from '../http.ts';
import type { ResourceId } from '../ids.ts';
import { objection } from '../places.ts';
import { subscriptionId } from '../state.ts';
import { type Prepared, prepareTemplate } from '../templates/prepare.ts';
import { invalidTemplate, onlyKnown, TemplateProblem } from '../templates/problem.ts';
import type { Place } from '../templates/scope.ts';

interface Properties {
  template?: unknown;
  parameters?: Record<string, { value?: unknown }>;
  mode?: string;
  debugSetting?: { detailLevel?: string };
  validationLevel?: string;
}

/** What expressions see of the group and the deployment. */
export function placeOf(engine: Engine, group: string, deployment: string): Place {
  const { id, name, location, tags = {} } = engine.needGroup(group);
  const shown = { id, name, type: 'Microsoft.Resources/resourceGroups', location, tags, properties: { provisioningState: 'Succeeded' } };
  return { subscriptionId, tenantId: engine.state.credentials.tenantId, group: shown, deployment };
}

/** Reads a deployment request: template and parameters checked, expressions worked out, resources with what they depend on. */
export function prepare(engine: Engine, parsed: ResourceId, { body }: ArmRequest): Prepared {
  const properties = (body['properties'] ?? {}) as Properties;
  const place = placeOf(engine, parsed.group, parsed.name);
  try {
    checkProperties(properties);
    const prepared = prepareTemplate(properties.template, properties.parameters ?? {}, place);
    preflight(prepared, parsed.name);
    return prepared;
  } catch (error) {
    throw error instanceof TemplateProblem ? invalidTemplate(error) : error;
  }
}

/** Of what ARM lets a deployment ask, only this is acted on. */
function checkProperties(properties: Properties): void {
  const known = ['template', 'parameters', 'mode', 'debugSetting', 'validationLevel', 'whatIfSettings'];
  onlyKnown(properties, known, 'The deployment', 'properties');
  const { template, mode = '', debugSetting, validationLevel } = properties;
  if (template === undefined) throw new ArmError(400, 'InvalidRequestContent', 'The request content was invalid: a template is needed.');
  if (mode.toLowerCase() !== 'incremental')
    throw new TemplateProblem(`The deployment mode '${mode}' is not supported here: it must be Incremental`, 'properties.mode');
  if (!['none', undefined].includes(debugSetting?.detailLevel?.toLowerCase()))
    throw new TemplateProblem(`The debug setting '${debugSetting?.detailLevel}' is not supported here`, 'properties.debugSetting');
  if (!['provider', undefined].includes(validationLevel?.toLowerCase()))
    throw new TemplateProblem(`The validation level '${validationLevel}' is not supported here`, 'properties.validationLevel');
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

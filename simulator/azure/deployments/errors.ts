import type { Engine } from '../engine.ts';
import type { DeployedResource, Deployment } from '../state.ts';

export const statusNames: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  429: 'TooManyRequests',
  500: 'InternalServerError',
};

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

/** Is what went wrong with resources told by the operations alone, as text in JSON? */
const inOperationsAlone = ({ world }: Engine): boolean => world.variants['azure.deploymentError'] === 'operations';

/** Why a deployment failed; nothing where it did not. */
export function errorOf(engine: Engine, { id, resources, outputFailures = [] }: Deployment): Record<string, unknown> | undefined {
  const failed = resources.filter(({ failure }) => failure);
  if (failed.length > 0)
    return {
      code: 'DeploymentFailed',
      target: id,
      message:
        'At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.',
      details: inOperationsAlone(engine) ? [] : failed.map(detailOf),
    };
  if (outputFailures.length === 0) return undefined;
  return {
    code: 'DeploymentOutputEvaluationFailed',
    message: `Unable to evaluate template outputs: '${outputFailures.map(({ target }) => target).join(', ')}'. Please see error details and deployment operations. Please see https://aka.ms/arm-common-errors for usage details.`,
    details: outputFailures.map((failure) => ({ code: 'DeploymentOutputEvaluationFailed', ...failure })),
  };
}

/** An error as an operation tells it. */
export function statusMessageOf(engine: Engine, error: object): unknown {
  const told = { status: 'Failed', error };
  return inOperationsAlone(engine) ? JSON.stringify(told) : told;
}

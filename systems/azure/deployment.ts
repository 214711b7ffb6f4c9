import type { DeploymentExtended } from '@azure/arm-resourcesdeployments';
import { Type } from 'typebox';
import { isFields, readFields } from '../foreign.ts';
import { type ArmErrorBody, type ArmFault, errorIn, innermost, parsedJson } from './arm-error.ts';
import type { AzureClients } from './azure.ts';
import type { HsmDeployment } from './hsm-template.ts';

/** Which sending of a deployment it is. A deployment carries it as a tag, so that nothing else has to remember it. */
export interface Run {
  /** When the step was asked for that sent it (ms since the epoch). */
  scheduledAt: number;
  /** 1, or 2 when it was sent once more by itself. */
  number: number;
}

/** What a deployment is known by. */
type Known = Pick<HsmDeployment, 'hash' | 'parameters'>;

const marks = { content: 'provisioner-template', azureHash: 'provisioner-azure-hash', run: 'provisioner-run' } as const;

/** Which sending of something it was, as a tag. */
export const runMark = ({ scheduledAt, number }: Run): Record<string, string> => ({ [marks.run]: `${scheduledAt}.${number}` });

/** The tags by which a deployment is known again. Azure’s own hash of the template, where validation told it, unmasks a copy that was changed. */
export const marksOf = ({ hash }: Known, azureHash: string | undefined, run: Run): Record<string, string> => ({
  [marks.content]: hash,
  ...runMark(run),
  ...(azureHash ? { [marks.azureHash]: azureHash } : {}),
});

export function runOf({ tags }: Pick<DeploymentExtended, 'tags'>): Run | undefined {
  const [scheduledAt, number] = `${tags?.[marks.run] ?? ''}`.split('.').map(Number);
  return scheduledAt && number ? { scheduledAt, number } : undefined;
}

/** Is it one of these, template and parameters? Parameters that only have their default count for nothing. A name proves nothing, and tags can be copied. */
export function isOneOf({ tags, properties }: DeploymentExtended, wanted: readonly Known[]): boolean {
  const azureHash = tags?.[marks.azureHash];
  const parameters: unknown = properties?.parameters;
  const given = Object.entries(isFields(parameters) ? parameters : {}).flatMap(([name, told]) => (isFields(told) ? [[name, told['value']] as const] : []));
  const same = ({ parameters: ours }: Known) =>
    Object.entries(ours).every(([name, { value }]) => given.some(([other, theirs]) => other.toLowerCase() === name.toLowerCase() && theirs === value));
  return (azureHash === undefined || properties?.templateHash === azureHash) && wanted.some((one) => one.hash === tags?.[marks.content] && same(one));
}

export const isActive = (state: string): boolean => !['Succeeded', 'Failed', 'Canceled'].includes(state);

/** Why a deployment failed: its error, and what its operations say, which is often more. */
export async function faultOf(clients: AzureClients, group: string, deployment: DeploymentExtended, abortSignal: AbortSignal): Promise<ArmFault> {
  const pages: string[] = [];
  const listing = clients.deployments.deploymentOperations.list(group, deployment.name!, {
    abortSignal,
    // As it came: the client drops a status message that is text.
    onResponse: ({ bodyAsText }) => void pages.push(bodyAsText ?? ''),
  });
  for await (const _ of listing);
  const own = errorIn(deployment.properties?.error);
  return innermost({ code: 'DeploymentFailed', message: 'the deployment failed', details: [...(own ? [own] : []), ...pages.flatMap(failedOperations)] });
}

/** The errors of the operations that failed, each with its resource. */
function failedOperations(page: string): ArmErrorBody[] {
  const body = parsedJson(page);
  const operations: readonly unknown[] = isFields(body) && Array.isArray(body['value']) ? body['value'] : [];
  return operations.flatMap((operation) => {
    const properties = isFields(operation) && isFields(operation['properties']) ? operation['properties'] : {};
    const { provisioningState, statusMessage, targetResource } = properties;
    if (provisioningState !== 'Failed') return [];
    const { statusCode = 'Failed' } = readFields({ statusCode: Type.String() }, properties);
    const told = errorIn(statusMessage) ?? (typeof statusMessage === 'string' ? { code: statusCode, message: statusMessage } : undefined);
    const { id } = readFields({ id: Type.String() }, targetResource);
    return told ? [{ ...(id ? { target: id } : {}), ...told }] : [];
  });
}

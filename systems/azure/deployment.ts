import type { DeploymentExtended } from '@azure/arm-resourcesdeployments';
import { type ArmErrorBody, type ArmFault, errorIn, innermost, parsedJson } from './arm-error.ts';
import type { AzureClients } from './azure.ts';
import type { HsmDeployment } from './hsm-template.ts';

/** Which sending of a deployment it is. A deployment carries it as a tag, so that nothing else has to remember it. */
export interface Run {
  /** When the step was asked for that sent it (ms since the epoch). */
  askedAt: number;
  /** 1, or 2 when it was sent once more by itself. */
  number: number;
}

/** What a deployment is known by. */
type Known = Pick<HsmDeployment, 'hash' | 'parameters'>;

const marks = { content: 'provisioner-template', azureHash: 'provisioner-azure-hash', run: 'provisioner-run' } as const;

/** Which sending of something it was, as a tag. */
export const runMark = ({ askedAt, number }: Run): Record<string, string> => ({ [marks.run]: `${askedAt}.${number}` });

/** The tags by which a deployment is known again. Azure’s own hash of the template, where validation told it, unmasks a copy that was changed. */
export const marksOf = ({ hash }: Known, azureHash: string | undefined, run: Run): Record<string, string> => ({
  [marks.content]: hash,
  ...runMark(run),
  ...(azureHash ? { [marks.azureHash]: azureHash } : {}),
});

export function runOf({ tags }: Pick<DeploymentExtended, 'tags'>): Run | undefined {
  const [askedAt, number] = (tags?.[marks.run] ?? '').split('.').map(Number);
  return askedAt && number ? { askedAt, number } : undefined;
}

/** Is it one of these, template and parameters? Parameters that only have their default count for nothing. A name proves nothing, and tags can be copied. */
export function isOneOf({ tags, properties }: DeploymentExtended, wanted: readonly Known[]): boolean {
  const azureHash = tags?.[marks.azureHash];
  const given = Object.entries((properties?.parameters ?? {}) as Record<string, { value?: unknown }>);
  const same = ({ parameters }: Known) =>
    Object.entries(parameters).every(([name, { value }]) =>
      given.some(([other, { value: theirs }]) => other.toLowerCase() === name.toLowerCase() && theirs === value),
    );
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
  const own = deployment.properties?.error as ArmErrorBody | undefined;
  return innermost({ code: 'DeploymentFailed', message: 'the deployment failed', details: [...(own ? [own] : []), ...pages.flatMap(failedOperations)] });
}

interface Operation {
  properties?: { provisioningState?: string; statusCode?: string; statusMessage?: unknown; targetResource?: { id?: string } };
}

/** The errors of the operations that failed, each with its resource. */
function failedOperations(page: string): ArmErrorBody[] {
  const { value = [] } = (parsedJson(page) ?? {}) as { value?: Operation[] };
  return value.flatMap(({ properties: { provisioningState, statusCode, statusMessage, targetResource } = {} }) => {
    if (provisioningState !== 'Failed') return [];
    const told = errorIn(statusMessage) ?? (typeof statusMessage === 'string' ? { code: statusCode ?? 'Failed', message: statusMessage } : undefined);
    return told ? [{ ...(targetResource?.id ? { target: targetResource.id } : {}), ...told }] : [];
  });
}

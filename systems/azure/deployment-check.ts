import { refused } from '../../domain/failure.ts';
import type { Azure, AzureClients } from './azure.ts';
import { azureFailure } from './errors.ts';

export interface DeploymentProperties {
  template: object;
  parameters: object;
  mode: 'Incremental';
}

export interface Change {
  resourceId: string;
  /** In ARM’s words: Create, NoChange, Modify, Delete, Ignore, Deploy, Unsupported. */
  changeType: string;
}

/** Azure’s own checks of a deployment; they change nothing. Refused with Azure’s own words where it would not be taken; else what it would change. */
export async function checkDeployment(
  azure: Azure,
  clients: AzureClients,
  { resourceGroup, name, properties }: { resourceGroup: string; name: string; properties: DeploymentProperties },
  signal: AbortSignal,
): Promise<Change[]> {
  const { deployments } = clients.deployments;
  const options = { abortSignal: signal, updateIntervalInMs: 500 };
  const validating = `validating the deployment ${name}`;
  let refusal: string | undefined;
  const onResponse = ({ status, bodyAsText }: { status: number; bodyAsText?: string | null }) => {
    if (status === 400) refusal = bodyAsText ?? '';
  };
  await azure.ask(validating, async () => {
    try {
      await deployments.validate(resourceGroup, name, { properties } as never, { ...options, onResponse });
    } catch (error) {
      // The client loses the details of a 400; they are in the response.
      throw refusal === undefined ? error : azureFailure(validating, { statusCode: 400, response: { status: 400, bodyAsText: refusal } });
    }
  });
  const asking = `asking what ${name} would change`;
  const { changes = [], error } = await azure.ask(asking, () => deployments.whatIf(resourceGroup, name, { properties } as never, options));
  if (error)
    throw refused({ tried: asking, seen: `${error.code}: ${error.message}`, source: 'Azure Resource Manager', remedy: 'Mend what Azure names, then retry.' });
  return changes.map(({ resourceId = '', changeType }) => ({ resourceId, changeType }));
}

const isGateway = ({ resourceId }: Change): boolean => /\/virtualNetworkGateways\/[^/]+$/i.test(resourceId);
const shortName = ({ resourceId }: Change): string => resourceId.split('/').slice(-2).join('/');

/**
 * What speaks against sending a deployment, in a sentence each. Nothing that exists may be changed or deleted; and where the network has a gateway, not even
 * an equal one may be put again, nor a second one made: what carries an HSM is never touched. A gateway that this very deployment made before it failed is no
 * such one.
 */
export function harmOf(changes: readonly Change[], gateway: 'none' | 'from this deployment' | 'there before'): string[] {
  return changes.flatMap((change) => {
    if (change.changeType === 'Modify' || change.changeType === 'Delete') return [`it would ${change.changeType.toLowerCase()} ${shortName(change)}`];
    if (gateway === 'none' || change.changeType === 'Ignore') return [];
    if (change.changeType === 'Unsupported') return [`Azure cannot tell what it would do with ${shortName(change)}`];
    if (!isGateway(change)) return [];
    if (change.changeType === 'Create') return [`it would make a second gateway, ${shortName(change)}`];
    return gateway === 'there before' ? [`it would put the gateway again that is there, ${shortName(change)}`] : [];
  });
}

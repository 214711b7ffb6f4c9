import { refused } from '../../domain/failure.ts';
import { type ArmErrorBody, innermost } from './arm-error.ts';
import type { Azure, AzureClients } from './azure.ts';
import { causeOf } from './causes.ts';
import { azureFailure } from './errors.ts';
import { ownerTag } from './tags.ts';

export interface DeploymentProperties {
  template: object;
  parameters: object;
  mode: 'Incremental';
}

/** One line of a what-if. */
export interface Change {
  resourceId: string;
  /** In ARM’s words: Create, NoChange, Modify, Delete, Ignore, Deploy, Unsupported. */
  changeType: string;
  /** The resource as it is. */
  before?: unknown;
}

export interface Checked {
  changes: Change[];
  /** Azure’s own hash of the template, where it tells it. */
  templateHash?: string;
}

const source = 'Azure Resource Manager';

/** Azure’s own checks of a deployment; they change nothing. Refused with Azure’s own words where it would not be taken; else what it would change. */
export async function checkDeployment(
  azure: Azure,
  clients: AzureClients,
  { resourceGroup, name, properties }: { resourceGroup: string; name: string; properties: DeploymentProperties },
  signal: AbortSignal,
): Promise<Checked> {
  const { deployments } = clients.deployments;
  const options = { abortSignal: signal, updateIntervalInMs: 500 };
  const validating = `validating the deployment ${name}`;
  let refusal: string | undefined;
  const onResponse = ({ status, bodyAsText }: { status: number; bodyAsText?: string | null }) => {
    if (status === 400) refusal = bodyAsText ?? '';
  };
  const validated = await azure.ask(validating, async () => {
    try {
      return await deployments.validate(resourceGroup, name, { properties } as never, { ...options, onResponse });
    } catch (error) {
      // The client loses the details of a 400; they are in the response.
      throw refusal === undefined ? error : azureFailure(validating, { statusCode: 400, response: { status: 400, bodyAsText: refusal } });
    }
  });
  if (validated?.error) throw refusedBy(validating, validated.error as ArmErrorBody);
  const asking = `asking what ${name} would change`;
  const { changes = [], error } = await azure.ask(asking, () => deployments.whatIf(resourceGroup, name, { properties } as never, options));
  if (error) throw refusedBy(asking, error as ArmErrorBody);
  const templateHash = validated?.properties?.templateHash;
  return { changes: changes.map(({ resourceId = '', changeType, before }) => ({ resourceId, changeType, before })), ...(templateHash ? { templateHash } : {}) };
}

function refusedBy(tried: string, error: ArmErrorBody) {
  const fault = innermost(error);
  return refused({ tried, seen: `${fault.code}: ${fault.message}`, source, remedy: causeOf(fault).remedy });
}

/** What is there, as far as a deployment must not touch it. */
export interface Present {
  target: string;
  /** This very deployment was sent before, and failed: what it made then may be put again. */
  sentBefore: boolean;
  /** The network’s gateway, whoever made it. */
  gateway?: { id: string };
  hsm?: { state: string };
}

const gateways = /\/virtualNetworkGateways\/[^/]+$/i;
const hsms = /\/dedicatedHSMs\/[^/]+$/i;
const shortName = (id: string): string => id.split('/').slice(-2).join('/');
const ownerOf = (before: unknown): string | undefined => ownerTag((before as { tags?: Record<string, string> } | undefined)?.tags);

/**
 * What speaks against sending a deployment, in a sentence each. Nothing that exists may be changed or deleted, save what this job made and what came to
 * nothing; and where the network has a gateway, not even an equal one may be put again, nor a second one made: what carries an HSM is never touched.
 */
export function harmOf(changes: readonly Change[], present: Present): string[] {
  return changes.flatMap(({ resourceId, changeType, before }) => {
    const name = shortName(resourceId);
    if (changeType === 'Ignore') return [];
    if (gateways.test(resourceId) && present.gateway) {
      if (resourceId.toLowerCase() !== present.gateway.id.toLowerCase()) return [`it would make a second gateway, ${name}`];
      return changeType === 'NoChange' && present.sentBefore ? [] : [`it would put the gateway again that is there, ${name}`];
    }
    if (changeType === 'Create' || changeType === 'NoChange') return [];
    if (changeType === 'Delete') return [`it would delete ${name}`];
    if (changeType === 'Unsupported') return [`Azure cannot tell what it would do with ${name}`];
    const own = present.sentBefore || ownerOf(before) === present.target;
    const cameToNothing = hsms.test(resourceId) ? present.hsm?.state === 'Failed' : present.gateway === undefined;
    return own && cameToNothing && !gateways.test(resourceId) ? [] : [`it would modify ${name}`];
  });
}

import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { refused, type StepFailure } from '../../domain/failure.ts';
import { isFields } from '../foreign.ts';
import { errorIn, innermost } from './arm-error.ts';
import type { Azure, AzureClients } from './azure.ts';
import { causeOf } from './causes.ts';
import { azureFailure, notAsAzure } from './errors.ts';
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
  if (validated?.error) throw refusedBy(validating, validated.error);
  const asking = `asking what ${name} would change`;
  const { changes, error } = await azure.ask(asking, () => deployments.whatIf(resourceGroup, name, { properties } as never, options));
  if (error) throw refusedBy(asking, error);
  const told: unknown = changes ?? [];
  if (!Check(changesTold, told)) throw notAsAzure(asking, 'changes that cannot be read');
  const templateHash: unknown = validated?.properties?.templateHash;
  return {
    changes: told.map(({ resourceId, changeType, before }) => ({ resourceId: resourceId ?? '', changeType, before })),
    ...(typeof templateHash === 'string' && templateHash ? { templateHash } : {}),
  };
}

/** A change may be of something that has no id in ARM. */
const idTold = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const changesTold = Type.Array(Type.Object({ resourceId: idTold, changeType: Type.String(), before: Type.Optional(Type.Unknown()) }));

function refusedBy(tried: string, error: unknown): StepFailure {
  const told = errorIn(error);
  if (!told) return notAsAzure(tried, 'an error that cannot be read');
  const fault = innermost(told);
  const { code, remedy } = causeOf(fault);
  return refused({ code, tried, summary: 'Azure would not take the deployment', evidence: { source, text: `${fault.code}: ${fault.message}` }, remedy });
}

/** What is there, as far as a deployment must not touch it. */
export interface Present {
  target: string;
  /** The HSM that is asked for: it and no other is what a job may commit its subscription to. */
  hsmId: string;
  /** This very deployment was sent before, and failed: what it made then may be put again. */
  sentBefore: boolean;
  /** The network’s gateway, whoever made it. */
  gateway?: { id: string };
  hsm?: { state: string };
}

const gateways = /\/virtualNetworkGateways\/[^/]+$/i;
const hsms = /\/dedicatedHSMs\/[^/]+$/i;
const shortName = (id: string): string => id.split('/').slice(-2).join('/');
/** Whose a resource is, as the what-if shows it; nobody’s where that cannot be read. */
function ownerOf(before: unknown): string | undefined {
  const tags = isFields(before) ? before['tags'] : undefined;
  return Check(tagsTold, tags) ? ownerTag(tags) : undefined;
}

const tagsTold = Type.Record(Type.String(), Type.String());

/** What is paid for by the month or the year, or cannot simply be deleted: a template that has one beside the HSM is no template for this. */
const commitments =
  /\/(Microsoft\.HardwareSecurityModules\/(?!dedicatedHSMs\/)[^/]+|Microsoft\.KeyVault\/managedHSMs|Microsoft\.Network\/expressRoute(Circuits|Ports)|Microsoft\.(Capacity|BillingBenefits)\/[^/]+)\/[^/]+$/i;

/**
 * One HSM, the one that is asked for, at most one gateway, and nothing else that commits anybody: what a template says of itself proves nothing, Azure’s
 * what-if does.
 */
function surprises(changes: readonly Change[], { hsmId }: Present): string[] {
  const put = changes.filter(({ changeType }) => changeType !== 'Ignore').map(({ resourceId }) => resourceId);
  const devices = put.filter((id) => hsms.test(id));
  const wanted = devices.filter((id) => id.toLowerCase() === hsmId.toLowerCase());
  const others = [...devices.filter((id) => !wanted.includes(id)), ...wanted.slice(1), ...put.filter((id) => commitments.test(id))];
  const second = put.filter((id) => gateways.test(id)).slice(1);
  return [
    ...(wanted.length > 0 ? [] : [`it would not deploy the HSM ${shortName(hsmId)} of this resource group`]),
    ...others.map((id) => `it would deploy ${shortName(id)}, too, which nobody asked for`),
    ...second.map((id) => `it would make a second gateway, ${shortName(id)}`),
  ];
}

/**
 * What speaks against sending a deployment, in a sentence each. It must be what was asked for; and nothing that exists may be changed or deleted, save what
 * this job made and what came to nothing; and where the network has a gateway, not even an equal one may be put again, nor a second one made: what carries an
 * HSM is never touched.
 */
export function harmOf(changes: readonly Change[], present: Present): string[] {
  const harm = changes.filter(({ changeType }) => changeType !== 'Ignore').map((change) => harmOfChange(change, present));
  return [...new Set([...surprises(changes, present), ...harm.filter((sentence) => sentence !== undefined)])];
}

function harmOfChange(change: Change, present: Present): string | undefined {
  const { resourceId, changeType } = change;
  if (gateways.test(resourceId) && present.gateway) return harmToGateway(change, present.gateway, present.sentBefore);
  switch (changeType) {
    case 'Create':
    case 'NoChange':
      return undefined;
    case 'Delete':
      return `it would delete ${shortName(resourceId)}`;
    case 'Unsupported':
      return `Azure cannot tell what it would do with ${shortName(resourceId)}`;
    default:
      return mayBePutAgain(change, present) ? undefined : `it would modify ${shortName(resourceId)}`;
  }
}

function harmToGateway({ resourceId, changeType }: Change, gateway: { id: string }, sentBefore: boolean): string | undefined {
  if (resourceId.toLowerCase() !== gateway.id.toLowerCase()) return `it would make a second gateway, ${shortName(resourceId)}`;
  return changeType === 'NoChange' && sentBefore ? undefined : `it would put the gateway again that is there, ${shortName(resourceId)}`;
}

/** What this job made and what came to nothing, save a gateway. */
function mayBePutAgain({ resourceId, before }: Change, { target, sentBefore, gateway, hsm }: Present): boolean {
  const own = sentBefore || ownerOf(before) === target;
  const cameToNothing = hsms.test(resourceId) ? hsm?.state === 'Failed' : gateway === undefined;
  return own && cameToNothing && !gateways.test(resourceId);
}

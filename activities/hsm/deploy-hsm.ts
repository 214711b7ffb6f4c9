import type { DedicatedHsm } from '@azure/arm-hardwaresecuritymodules';
import type { VirtualNetworkGateway } from '@azure/arm-network';
import type { DeploymentExtended } from '@azure/arm-resourcesdeployments';
import { quoting, StepFailure, unsafe } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { type Standing, standingOf } from '../../stores/record/memory.ts';
import { requireUserSecret } from '../../stores/secrets/kept.ts';
import type { ArmFault } from '../../systems/azure/arm-error.ts';
import type { Azure, AzureClients } from '../../systems/azure/azure.ts';
import { type Cause, causeOf } from '../../systems/azure/causes.ts';
import { faultOf, isActive, isOneOf, marksOf, type Run, runOf } from '../../systems/azure/deployment.ts';
import { checkDeployment, harmOf } from '../../systems/azure/deployment-check.ts';
import { type HsmDeployment, hsmDeployment, parametersOf } from '../../systems/azure/hsm-template.ts';
import { ownDeploymentHash, readOwnTemplate, templateSha256 } from '../../systems/azure/own-template.ts';
import { createTag, createTagIn, otherOwner, ownerTag, tagsOf } from '../../systems/azure/tags.ts';
import { another, type HsmNature, hsmIdOf, natureOf } from '../asked-hsm.ts';
import { type Attempt, act, converge, done, halt, lasting, refuse, wait } from '../converge.ts';
import { enterCreateBegun, type MachineMemory, nextCreateTag } from '../machine-record.ts';
import { recordOf } from '../record.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'deploy-hsm'>;

export const deploymentName = 'HSMdeploy';
/** How often one asking may send the deployment: once, and once more where the cause passes by itself. */
const maximumRuns = 2;

export interface Seen {
  /** Whose the HSM is by the target record; absent where nobody asked the record, or there is none. */
  standing?: Standing;
  hsm?: { id: string; state: string; message: string; tags?: Record<string, string> } & HsmNature;
  /** The network’s gateway, whoever made it. */
  gateway?: { id: string; name: string; type: string; state: string; tags?: Record<string, string>; hasBasicAddress?: boolean };
  deployment?: {
    id: string;
    state: string;
    templateHash: string;
    /** Template and parameters are those of this job. */
    ours: boolean;
    /** The random tag of the request that sent it. */
    createTag?: string;
    /** Which sending it was, where its tags say that this target sent it. */
    run?: Run;
    fault?: ArmFault;
  };
  scheduledAt: number;
}

const progressOf = ({ hsm, gateway }: Seen, { hsm: { name, resourcePrefix } }: Input['request']): string =>
  [
    `gateway ${gateway?.name ?? `${resourcePrefix}-ergw`}: ${gateway?.state ?? 'not there yet'}`,
    `HSM ${name}: ${hsm ? `${hsm.state}. ${hsm.message}` : 'waits for the gateway'}`,
  ].join('; ');

/**
 * The run that this asking sent, if it did: what failed before is history. Its tags alone tell, even where the rest is not recognized any more, such as
 * when Azure works out another hash: a limit that does not count is none.
 */
const ownRun = ({ deployment, scheduledAt }: Seen): Run | undefined => (deployment?.run?.scheduledAt === scheduledAt ? deployment.run : undefined);

/** What went wrong: an HSM’s own message says more than the deployment, which only knows that it failed. */
function faultSeen({ hsm, deployment }: Seen): ArmFault {
  if (hsm?.state === 'Failed') return { code: 'Failed', message: hsm.message, target: hsm.id };
  if (deployment?.state === 'Canceled') return { code: 'Canceled', message: '', target: deployment.id };
  return deployment?.fault ?? { code: deployment?.state ?? 'Unknown', message: '' };
}

/** What a failure leaves behind, and what becomes of it. */
function remains({ hsm, gateway }: Seen): string {
  if (gateway?.state === 'Failed') return ` The failed gateway is in the way: ${repairGateway}`;
  return hsm?.state === 'Failed' ? ' The failed HSM counts against the quota: delete it first.' : ' Resources that were created successfully remain.';
}
const repairGateway = 'fix it in the portal; delete it only if no HSM depends on it.';

const source = 'Azure Resource Manager';
const deploymentFailed: Cause = { code: 'AZURE_DEPLOYMENT_FAILED', remedy: 'Fix the problem Azure reported, then retry.', passes: false };

/** After our own deployment ended badly: once more where the cause passes by itself, else a person. */
function afterFailure(seen: Seen, run: Run, name: string) {
  const fault = faultSeen(seen);
  const cause = causeOf(fault, deploymentFailed);
  if (cause.passes && run.number < maximumRuns && seen.gateway?.state !== 'Failed') return act('deploy');
  const what = fault.target?.split('/').slice(-2).join('/') ?? deploymentName;
  const isCanceled = fault.code === 'Canceled';
  return refuse({
    code: cause.code,
    tried: `deploying the HSM ${name}${run.number > 1 ? ', with an automatic retry' : ''}`,
    summary: isCanceled ? `somebody canceled ${what}` : `${what} failed`,
    ...quoting(source, fault.message && `${fault.code}: ${fault.message}`),
    remedy: `${cause.remedy}${remains(seen)}`,
  });
}

type Asked = Pick<Input, 'target' | 'request' | 'template'>;

const deploying = ({ request: { hsm } }: Asked): string => `deploying the HSM ${hsm.name}`;

/** An HSM of this name that this job must leave alone. */
function notOurs({ hsm }: Seen, input: Asked) {
  const owner = otherOwner(hsm?.tags, input.target);
  if (owner)
    return halt({
      code: 'AZURE_RESOURCE_FOREIGN',
      tried: deploying(input),
      summary: `an HSM of this name belongs to ${owner}`,
      remedy: 'Abort, and send the request again with another name.',
    });
  return hsm && another(hsm, input.request);
}

/** An HSM that the request on record did not make: somebody else did, after ours had failed. */
function madeByOthers({ hsm, standing }: Seen, input: Asked) {
  if (hsm?.state !== 'Succeeded' || standing?.is !== 'other' || standing.expected.tag === undefined) return undefined;
  return halt({
    code: 'AZURE_RESOURCE_FOREIGN',
    tried: deploying(input),
    summary: `an HSM of this name exists, but nothing shows that this job’s request created it: neither it nor a deployment that succeeded has the tag provisioner-create=${standing.expected.tag}`,
    remedy:
      'Nothing was sent to it. Find out who created it. If nobody uses it, delete it, then retry: this job creates its own. To let this job use it, set that tag on it, then retry.',
  });
}

/**
 * The HSM’s own tag decides: this service’s template puts it there, or a person does. A template of the user’s own does not; then it is the tag of the deployment,
 * but not of one that did not succeed, which says nothing about an HSM that is there: somebody else may have made it since.
 */
const createTagOf = ({ hsm, deployment }: Seen): string | undefined =>
  createTagIn(hsm?.tags) ?? (deployment && (deployment.state === 'Succeeded' || isActive(deployment.state)) ? deployment.createTag : undefined);

/** Somebody is taking it away: whether another is made in its place, and paid for, is theirs to say. */
function beingDeleted({ hsm, gateway }: Seen, input: Asked) {
  if (hsm?.state !== 'Deleting' && gateway?.state !== 'Deleting') return undefined;
  const what = hsm?.state === 'Deleting' ? `the HSM ${input.request.hsm.name}` : `the gateway ${gateway?.name}`;
  return halt({
    code: 'AZURE_BEING_DELETED',
    tried: deploying(input),
    summary: `${what} is being deleted`,
    remedy: 'Find out who is deleting it and why. Then abort, or retry once it is gone: retrying creates a new one.',
  });
}

function activeDeployment(seen: Seen, { request }: Asked) {
  const { deployment } = seen;
  if (!deployment || !isActive(deployment.state)) return undefined;
  return wait(
    deployment.ours
      ? progressOf(seen, request)
      : `Another deployment named ${deploymentName} is active in the resource group. Waiting for it to finish; this job does not adopt it.`,
  );
}

function unsuitableGateway({ gateway }: Seen, input: Asked) {
  if (!gateway || gateway.type.toLowerCase() === 'expressroute') return undefined;
  return refuse({
    code: 'AZURE_GATEWAY_UNSUITABLE',
    tried: deploying(input),
    summary: `the network’s only gateway, ${gateway.name}, is of the type ${gateway.type}; an HSM is reached through an ExpressRoute gateway`,
    remedy:
      'Add an ExpressRoute gateway to the network (this service makes none beside another gateway), then retry; or abort, and send the request again with another network.',
  });
}

/** What is reported once the HSM and its gateway are there. */
function deployedOf({ deployment, gateway }: Seen, { target, template }: Asked): StepResult<'deploy-hsm'> {
  const own = deployment?.ours ? deployment : undefined;
  return {
    deploymentId: own?.id ?? 'none: the HSM was there',
    templateHash: own?.templateHash ?? '',
    ...(template && own ? { templateSha256: templateSha256(template) } : {}),
    // A template of the user’s own leaves no mark; it is not sent where there is a gateway.
    gatewayWasThere: ownerTag(gateway?.tags) !== target && !(template && own),
    ...(gateway?.hasBasicAddress
      ? {
          warnings: [
            `The gateway ${gateway.name} has a Basic public address. It supports a Dedicated HSM only until 31 March 2027 and must not be changed. Microsoft’s migration path is a new network with new HSMs.`,
          ],
        }
      : {}),
  };
}

/** What the deployment that this asking sent came to, where that was not what was wanted. */
function afterOwnRun(seen: Seen, input: Asked) {
  const { hsm, deployment } = seen;
  const run = ownRun(seen);
  if (!run) return undefined;
  if (hsm?.state === 'Failed' || deployment?.state !== 'Succeeded') return afterFailure(seen, run, input.request.hsm.name);
  if (hsm) return undefined;
  return halt({
    code: 'AZURE_HSM_MISSING',
    tried: deploying(input),
    summary: `the deployment ${deploymentName} is Succeeded, but there is no HSM`,
    remedy: 'Check the deployment in the portal; retry sends it again.',
  });
}

/** What is there and keeps a deployment from being sent. */
function inTheWay(seen: Seen, input: Asked) {
  const { hsm, gateway, deployment } = seen;
  const tried = deploying(input);
  if (gateway?.state === 'Failed')
    return refuse({
      code: 'AZURE_GATEWAY_UNSUITABLE',
      tried,
      summary: `the network’s gateway ${gateway.name} is Failed`,
      remedy: `Before you retry, ${repairGateway}`,
    });
  if (hsm?.state === 'Succeeded')
    return halt({
      code: 'AZURE_GATEWAY_UNSUITABLE',
      tried,
      summary: 'the HSM is there, but its network has no gateway',
      remedy: 'Check the network in the portal, then retry.',
    });
  if (hsm && hsm.state !== 'Failed') return wait(progressOf(seen, input.request));
  if (hsm && ownerTag(hsm.tags) !== input.target && !deployment?.ours)
    return refuse({
      code: 'AZURE_RESOURCE_FAILED',
      tried,
      summary: 'an HSM of this name, not made by this job, is Failed',
      ...quoting(source, hsm.message),
      remedy: 'Delete the failed HSM resource (it counts against the quota), then retry.',
    });
  return undefined;
}

export const decideDeployHsm = (seen: Seen, input: Asked) => {
  const { hsm, gateway } = seen;
  const unusable =
    notOurs(seen, input) ?? beingDeleted(seen, input) ?? activeDeployment(seen, input) ?? madeByOthers(seen, input) ?? unsuitableGateway(seen, input);
  if (unusable) return unusable;
  if (hsm?.state === 'Succeeded' && seen.standing?.is === 'begun') return act('enter-hsm');
  if (hsm?.state === 'Succeeded' && gateway?.state === 'Succeeded') return done(deployedOf(seen, input));
  if (gateway && !['Succeeded', 'Failed'].includes(gateway.state)) return wait(progressOf(seen, input.request));
  return afterOwnRun(seen, input) ?? inTheWay(seen, input) ?? act('deploy');
};

/**
 * The runbook’s `HSMdeploy`: gateway, its address and the HSM. Checked by validation and what-if first: a deployment that would change anything existing is
 * not sent. After a crash the running deployment is found again by template and parameters; another one is never adopted.
 */
export const deployHsm = (systems: Systems) => {
  const { azure, settings } = systems;
  return converge<Input, Seen & MachineMemory, StepResult<'deploy-hsm'>, 'deploy' | 'enter-hsm'>({
    lasting: lasting(settings, 'arm-deployment', 'arm-change'),
    async observe(input, attempt) {
      // The record first: whatever is entered after that makes this attempt stale.
      const record = recordOf(systems, input, attempt, 'deployment');
      const entries = await record.read();
      const seen = await observeDeployHsm(azure, input, attempt);
      const standing = seen.hsm && standingOf(entries, seen.hsm.id, { tag: createTagOf(seen) });
      return { ...seen, ...(standing ? { standing } : {}), record, entries };
    },
    decide: decideDeployHsm,
    act: {
      /** Its host key, which nobody else’s HSM has, is entered at first contact. */
      'enter-hsm': async (_, { record, hsm }) => void (await record.append('machine-created', { resourceId: hsm!.id })),
      async deploy(input, seen, { signal, scheduledAt }) {
        const { gateway, hsm, deployment } = seen;
        const { resourceGroup } = input.request.azure;
        const clients = await azure.clients(input.request.azure);
        const hsmId = hsmIdOf(input.request);
        // One that failed, and is put right, keeps its own.
        const tag = hsm ? createTagIn(hsm.tags) : nextCreateTag(seen.entries, hsmId);
        const created = tag === undefined ? {} : createTag(tag);
        const wanted = await deploymentOf(systems, input, { isGatewayThere: gateway !== undefined, created }, signal);
        const properties = { template: wanted.template, parameters: wanted.parameters, mode: 'Incremental' as const };
        const { changes, templateHash } = await checkDeployment(azure, clients, { resourceGroup, name: deploymentName, properties }, signal);
        const there = {
          target: input.target,
          hsmId,
          sentBefore: deployment?.ours === true,
          ...(gateway ? { gateway } : {}),
          ...(hsm ? { hsm } : {}),
        };
        const harm = harmOf(changes, there);
        if (harm.length > 0) throw harmful(harm, input.template !== undefined);
        const run = { scheduledAt, number: (ownRun(seen)?.number ?? 0) + 1 };
        // Of two attempts that saw the same, one is stale. A failed one of ours is put right by the deployment.
        if (hsm || tag === undefined) await seen.record.append('machine-created', { resourceId: hsmId });
        else await enterCreateBegun(seen, hsmId, tag);
        const body = { properties, tags: { ...tagsOf(input), ...marksOf(wanted, templateHash, run), ...created } };
        await azure.submit(`sending the deployment ${deploymentName}`, () =>
          clients.deployments.deployments.createOrUpdate(resourceGroup, deploymentName, body, { abortSignal: signal }),
        );
      },
    },
    fingerprint: ({ hsm, gateway, deployment, standing }) => [hsm?.state, gateway?.state, deployment?.id, deployment?.state, deployment?.run, standing],
  });
};

const harmful = (harm: string[], own: boolean): StepFailure =>
  unsafe({
    code: 'AZURE_DEPLOYMENT_HARMFUL',
    tried: `sending the deployment ${deploymentName}`,
    summary: harm.join('; '),
    remedy: own
      ? 'Nothing was sent. The template must create the requested HSM, no other, and must not change an existing gateway. Fix it, then retry with an amendment of /hsm/template; null removes it, and the service’s own template is used, which meets these rules.'
      : 'Nothing was sent. Check these resources. Never change a gateway that serves an HSM.',
  });

export async function observeDeployHsm(azure: Azure, input: Input, { signal, scheduledAt }: Pick<Attempt, 'signal' | 'scheduledAt'>): Promise<Seen> {
  const { resourceGroup } = input.request.azure;
  const options = { abortSignal: signal };
  const clients = await azure.clients(input.request.azure);
  // Before what it makes: of one that is Succeeded, all is there when it is read afterwards.
  const deployment = await azure.look(`reading the deployment ${deploymentName}`, () =>
    clients.deployments.deployments.get(resourceGroup, deploymentName, options),
  );
  const [hsm, gateways] = await Promise.all([
    azure.look(`reading the HSM ${input.request.hsm.name}`, () => clients.hsms.dedicatedHsmOperations.get(resourceGroup, input.request.hsm.name, options)),
    azure.ask('listing the gateways', async () => {
      const all = [];
      for await (const gateway of clients.network.virtualNetworkGateways.list(resourceGroup, options)) all.push(gateway);
      return all;
    }),
  ]);
  const network = input.hsmSubnetId.replace(/\/subnets\/.*$/i, '').toLowerCase();
  const inNetwork = gateways.filter(({ ipConfigurations }) => ipConfigurations?.some(({ subnet }) => subnet?.id?.toLowerCase().startsWith(`${network}/`)));
  // A VPN gateway may stand beside it; it carries no HSM.
  const gateway = inNetwork.find(({ gatewayType }) => gatewayType?.toLowerCase() === 'expressroute') ?? inNetwork[0];
  const readFault = (failed: DeploymentExtended) => azure.ask(`reading why ${deploymentName} failed`, () => faultOf(clients, resourceGroup, failed, signal));
  return {
    scheduledAt,
    ...(hsm ? { hsm: hsmSeen(hsm) } : {}),
    ...(gateway ? { gateway: { ...gatewaySeen(gateway), hasBasicAddress: await hasBasicAddress(azure, clients, gateway, signal) } } : {}),
    ...(deployment ? { deployment: await deploymentSeen(deployment, input, readFault) } : {}),
  };
}

const hsmSeen = (hsm: DedicatedHsm): NonNullable<Seen['hsm']> => ({
  id: hsm.id!,
  state: hsm.provisioningState ?? '',
  message: hsm.statusMessage ?? '',
  ...natureOf(hsm),
  ...(hsm.tags ? { tags: hsm.tags } : {}),
});

const gatewaySeen = ({ id, name, gatewayType, provisioningState, tags }: VirtualNetworkGateway): NonNullable<Seen['gateway']> => ({
  id: id!,
  name: name!,
  type: gatewayType ?? 'ExpressRoute',
  state: provisioningState ?? '',
  ...(tags ? { tags } : {}),
});

async function deploymentSeen(
  deployment: DeploymentExtended,
  input: Input,
  readFault: (failed: DeploymentExtended) => Promise<ArmFault>,
): Promise<NonNullable<Seen['deployment']>> {
  const run = ownerTag(deployment.tags) === input.target ? runOf(deployment) : undefined;
  const tag = createTagIn(deployment.tags);
  const state = deployment.properties?.provisioningState ?? '';
  return {
    id: deployment.id!,
    state,
    templateHash: deployment.properties?.templateHash ?? '',
    ours: isOneOf(deployment, known(input)),
    ...(run ? { run } : {}),
    ...(tag ? { createTag: tag } : {}),
    ...(state === 'Failed' ? { fault: await readFault(deployment) } : {}),
  };
}

/** Gateways with one of these end before Dedicated HSM does. Not to be allowed to read somebody’s address is no reason to stop. */
async function hasBasicAddress(azure: Azure, { network }: AzureClients, gateway: VirtualNetworkGateway, abortSignal: AbortSignal): Promise<boolean> {
  if (gateway.provisioningState !== 'Succeeded') return false;
  const [, group, name] = /\/resourceGroups\/([^/]+)\/.*\/([^/]+)$/i.exec(gateway.ipConfigurations?.[0]?.publicIPAddress?.id ?? '') ?? [];
  if (!group || !name) return false;
  const address = await azure
    .look(`reading the gateway’s address ${name}`, () => network.publicIPAddresses.get(group, name, { abortSignal }))
    .catch((error: unknown) => {
      if (error instanceof StepFailure && error.problem.kind === 'Refused') return undefined;
      throw error;
    });
  return address?.sku?.name?.toLowerCase() === 'basic';
}

/** What is sent: this service’s own template, without the gateway where there is one, or the user’s own, unedited. */
export async function deploymentOf(
  { outbound, secrets, settings }: Systems,
  input: Input,
  { isGatewayThere, created = {} }: { isGatewayThere: boolean; created?: Record<string, string> },
  signal: AbortSignal,
): Promise<HsmDeployment> {
  const { template: own, request } = input;
  if (!own) return hsmDeployment(input, !isGatewayThere, created);
  const url = typeof own.url === 'object' ? await requireUserSecret(secrets, own.url.secret) : own.url;
  const options = { signal, ...(settings.authorityPem ? { ca: settings.authorityPem } : {}) };
  const template = await readOwnTemplate(outbound, own, url, options);
  return { template, parameters: parametersOf(request), hash: ownDeploymentHash(own, request) };
}

/** By what a deployment of this job can be known again. */
const known = (input: Input): Pick<HsmDeployment, 'hash' | 'parameters'>[] =>
  input.template
    ? [{ hash: ownDeploymentHash(input.template, input.request), parameters: parametersOf(input.request) }]
    : [true, false].map((withGateway) => hsmDeployment(input, withGateway));

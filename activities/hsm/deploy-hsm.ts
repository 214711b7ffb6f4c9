import { type StepFailure, unsafe } from '../../domain/failure.ts';
import type { StepInput, StepResult } from '../../domain/results.ts';
import { innermost } from '../../systems/azure/arm-error.ts';
import type { Azure } from '../../systems/azure/azure.ts';
import { checkDeployment, harmOf } from '../../systems/azure/deployment-check.ts';
import { type HsmDeployment, hsmDeployment, parametersOf } from '../../systems/azure/hsm-template.ts';
import { ownDeploymentHash, readOwnTemplate, templateSha256 } from '../../systems/azure/own-template.ts';
import { otherOwner, tagsOf } from '../../systems/azure/tags.ts';
import { userSecret } from '../../systems/secrets/kept.ts';
import { type Attempt, act, converge, done, halt, refuse, wait } from '../converge.ts';
import type { Systems } from '../systems.ts';

type Input = StepInput<'deploy-hsm'>;

const deploymentName = 'HSMdeploy';
const hashTag = 'provisioner-template';
const source = 'Azure Resource Manager';

export interface Seen {
  hsm?: { state: string; message: string; tags?: Record<string, string> };
  /** The network’s gateway, whoever made it. */
  gateway?: { name: string; state: string };
  deployment?: {
    id: string;
    state: string;
    templateHash: string;
    ours: boolean;
    finishedAt: number;
    error?: { code: string; message: string; target?: string };
  };
  askedAt: number;
}

const progressOf = ({ hsm, gateway }: Seen, { hsm: { name, resourcePrefix } }: Input['request']): string =>
  [
    `gateway ${gateway?.name ?? `${resourcePrefix}-ergw`}: ${gateway?.state ?? 'not there yet'}`,
    `HSM ${name}: ${hsm ? `${hsm.state}. ${hsm.message}` : 'waits for the gateway'}`,
  ].join('; ');

export const decideDeployHsm = (seen: Seen, input: Pick<Input, 'target' | 'request' | 'template'>) => {
  const { hsm, gateway, deployment, askedAt } = seen;
  const { name } = input.request.hsm;
  const tried = `deploying the HSM ${name}`;
  const owner = otherOwner(hsm?.tags, input.target);
  if (owner) return halt({ tried, seen: `an HSM of this name belongs to ${owner}`, source, remedy: 'Choose another name in a new request.' });
  if (hsm?.state === 'Succeeded' && gateway?.state === 'Succeeded' && deployment?.state !== 'Running')
    return done<StepResult<'deploy-hsm'>>({
      deploymentId: deployment?.id ?? 'none: the HSM was there',
      templateHash: deployment?.templateHash ?? '',
      ...(input.template && deployment?.ours ? { templateSha256: templateSha256(input.template) } : {}),
      gatewayWasThere: !deployment?.ours,
    });
  if (deployment?.state === 'Running' || deployment?.state === 'Accepted')
    return wait(
      deployment.ours
        ? progressOf(seen, input.request)
        : `Another deployment named ${deploymentName} is active in the resource group; it is waited for, not adopted.`,
    );
  if (hsm?.state === 'Failed')
    return refuse({
      tried,
      seen: hsm.message || 'the HSM is Failed',
      source,
      remedy: 'Mend the cause, delete the failed HSM resource (it counts against the quota), then retry.',
    });
  if (deployment?.state === 'Failed' && deployment.ours && deployment.finishedAt >= askedAt)
    return refuse({
      tried,
      seen: `${deployment.error?.target?.split('/').pop() ?? deploymentName}: ${deployment.error?.code}: ${deployment.error?.message}`,
      source,
      remedy: 'Mend what Azure names, then retry: what succeeded is kept.',
    });
  if (deployment?.state === 'Succeeded' && deployment.ours && deployment.finishedAt >= askedAt && !hsm)
    return halt({
      tried,
      seen: `the deployment ${deploymentName} is Succeeded, but there is no HSM`,
      source,
      remedy: 'Look at the deployment in the portal; retry sends it again.',
    });
  if (hsm && hsm.state !== 'Succeeded') return wait(progressOf(seen, input.request));
  if (gateway && gateway.state !== 'Succeeded') return wait(progressOf(seen, input.request));
  return act('deploy');
};

/**
 * The runbook’s `HSMdeploy`: gateway, its address and the HSM. Checked by validation and what-if first: a deployment that would change anything existing is
 * not sent. After a crash the running deployment is found again by its tags; another one is never adopted.
 */
export const deployHsm = (systems: Systems) => {
  const { azure } = systems;
  return converge<Input, Seen, StepResult<'deploy-hsm'>, 'deploy'>({
    observe: (input, attempt) => observe(azure, input, attempt),
    decide: decideDeployHsm,
    act: {
      async deploy(input, { gateway, deployment }, { signal }) {
        const clients = await azure.clients(input.request.azure);
        const { resourceGroup } = input.request.azure;
        const { template, parameters, hash } = await deploymentOf(systems, input, gateway !== undefined, signal);
        const properties = { template, parameters, mode: 'Incremental' as const };
        const changes = await checkDeployment(azure, clients, { resourceGroup, name: deploymentName, properties }, signal);
        const harm = harmOf(changes, gateway === undefined ? 'none' : deployment?.ours ? 'from this deployment' : 'there before');
        if (harm.length > 0) throw harmful(harm, input.template !== undefined);
        const body = { properties, tags: { ...tagsOf(input), [hashTag]: hash } };
        await azure.submit(`sending the deployment ${deploymentName}`, () =>
          clients.deployments.deployments.createOrUpdate(resourceGroup, deploymentName, body, { abortSignal: signal }),
        );
      },
    },
    sight: ({ hsm, gateway, deployment }) => [hsm?.state, gateway?.state, deployment?.id, deployment?.state],
  });
};

const harmful = (harm: string[], own: boolean): StepFailure =>
  unsafe({
    tried: `sending the deployment ${deploymentName}`,
    seen: harm.join('; '),
    source,
    remedy: own
      ? 'Nothing was sent. A gateway that carries an HSM must never be touched: send a request without a template of your own, whose deployment leaves it out.'
      : 'Nothing was sent. Look at these resources; a gateway that carries an HSM must never be changed.',
  });

async function observe(azure: Azure, input: Input, { signal, askedAt }: Attempt): Promise<Seen> {
  const { resourceGroup } = input.request.azure;
  const options = { abortSignal: signal };
  const clients = await azure.clients(input.request.azure);
  const [hsm, gateways, deployment] = await Promise.all([
    azure.look(`reading the HSM ${input.request.hsm.name}`, () => clients.hsms.dedicatedHsmOperations.get(resourceGroup, input.request.hsm.name, options)),
    azure.ask('listing the gateways', async () => {
      const all = [];
      for await (const gateway of clients.network.virtualNetworkGateways.list(resourceGroup, options)) all.push(gateway);
      return all;
    }),
    azure.look(`reading the deployment ${deploymentName}`, () => clients.deployments.deployments.get(resourceGroup, deploymentName, options)),
  ]);
  const network = input.hsmSubnetId.replace(/\/subnets\/.*$/i, '').toLowerCase();
  const gateway = gateways.find(({ ipConfigurations }) => ipConfigurations?.some(({ subnet }) => subnet?.id?.toLowerCase().startsWith(`${network}/`)));
  const hashes = hashesOf(input);
  const properties = deployment?.properties;
  const error = properties?.error && innermost(properties.error as never);
  return {
    askedAt,
    ...(hsm ? { hsm: { state: hsm.provisioningState ?? '', message: hsm.statusMessage ?? '', ...(hsm.tags ? { tags: hsm.tags } : {}) } } : {}),
    ...(gateway ? { gateway: { name: gateway.name!, state: gateway.provisioningState ?? '' } } : {}),
    ...(deployment && properties
      ? {
          deployment: {
            id: deployment.id!,
            state: properties.provisioningState ?? '',
            templateHash: properties.templateHash ?? '',
            ours: hashes.includes(deployment.tags?.[hashTag] ?? ''),
            finishedAt: properties.timestamp?.getTime() ?? 0,
            ...(error ? { error: { ...error, ...(properties.error?.details?.[0]?.target ? { target: properties.error.details[0].target } : {}) } } : {}),
          },
        }
      : {}),
  };
}

/** What is sent: this service’s own template, without the gateway where there is one, or the user’s own, unedited. */
async function deploymentOf({ outbound, secrets, settings }: Systems, input: Input, gatewayThere: boolean, signal: AbortSignal): Promise<HsmDeployment> {
  const { template: source, request } = input;
  if (!source) return hsmDeployment(input, !gatewayThere);
  const url = typeof source.url === 'object' ? await userSecret(secrets, source.url.secret) : source.url;
  const options = { signal, ...(settings.authorityPem ? { ca: settings.authorityPem } : {}) };
  const template = await readOwnTemplate(outbound, source, url, options);
  return { template, parameters: parametersOf(request), hash: ownDeploymentHash(source, request) };
}

/** Every hash by which a deployment of this job can be known again. */
const hashesOf = (input: Input): string[] =>
  input.template ? [ownDeploymentHash(input.template, input.request)] : [true, false].map((withGateway) => hsmDeployment(input, withGateway).hash);

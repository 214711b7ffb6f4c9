import { StepFailure, wordsOf } from '../../domain/failure.ts';
import { type PlannedThing, plan } from '../../domain/plan.ts';
import { throughClient } from '../../domain/request-parts.ts';
import type { StepContext } from '../../domain/results.ts';
import type { Effect, WhatIf, WhatIfChange } from '../../domain/what-if.ts';
import { type Change, checkDeployment, harmOf } from '../../systems/azure/deployment-check.ts';
import { hsmIdOf, hsmSubnetIdOf } from '../asked-hsm.ts';
import { cipherTrustRules } from '../ciphertrust/ciphertrust-vm.ts';
import { converge, type Decision, done } from '../converge.ts';
import { decideDeployHsm, deploymentName, deploymentOf, observeDeployHsm } from '../hsm/deploy-hsm.ts';
import { windowsRules } from '../luna-client/windows-vm.ts';
import { decideResourceGroup, observeResourceGroup } from '../network/resource-group.ts';
import { decideVirtualNetwork, observeVirtualNetwork } from '../network/virtual-network.ts';
import { decideCheckAvailability, observeAvailability } from '../permissions/check-availability.ts';
import { decideCheckFeature, observeFeature } from '../permissions/check-feature.ts';
import { decideRegisterProviders, observeProviders } from '../permissions/register-providers.ts';
import type { Systems } from '../systems.ts';
import { decideMachine, missingRule, namesOf, observeMachine } from '../virtual-machine.ts';

/** What is there of a thing that the plan names; nothing where it is not. */
type Found = Record<string, { effect: Exclude<Effect, 'Create'>; detail?: string } | undefined>;

interface Look {
  found: Found;
  problems: string[];
}

const kept = { effect: 'NoChange' } as const;
const keyOf = ({ kind, name }: Pick<PlannedThing, 'kind' | 'name'>): string => `${kind} ${name}`.toLowerCase();
const problemsOf = (decision: Decision<unknown, string>): string[] =>
  decision.kind === 'stop' ? [`${decision.problem.tried}: ${wordsOf(decision.problem)}`] : [];

/** The group and the network, each with what the step that makes it would decide. */
async function lookAtNetwork(
  { azure }: Systems,
  job: StepContext,
  signal: AbortSignal,
): Promise<Look & { groupThere: boolean; subnets: Record<string, string> }> {
  const { network, azure: where } = job.request;
  const group = await observeResourceGroup(azure, job.request, signal);
  if (!group) return { found: {}, problems: [], groupThere: false, subnets: {} };
  const there = await observeVirtualNetwork(azure, job.request, signal);
  const names = [network.compute.name ?? 'Compute', network.hsm.name, 'GatewaySubnet'];
  const subnets = Object.fromEntries((there?.subnets ?? []).map(({ name, id }) => [name.toLowerCase(), id]));
  const missing = names.filter((name) => !subnets[name.toLowerCase()]);
  return {
    groupThere: true,
    subnets,
    problems: [...problemsOf(decideResourceGroup(group, job)), ...problemsOf(decideVirtualNetwork(there, job))],
    found: {
      [keyOf({ kind: 'resource group', name: where.resourceGroup })]: kept,
      [keyOf({ kind: 'virtual network', name: network.name })]:
        there && (missing.length > 0 ? { effect: 'Modify', detail: `gets ${missing.join(', ')}` } : kept),
      ...Object.fromEntries(names.map((name) => [keyOf({ kind: 'subnet', name }), subnets[name.toLowerCase()] ? kept : undefined])),
    },
  };
}

/** Gateway, its address and the HSM: what is there; where the job would send its deployment, what Azure itself says about that. */
async function lookAtDeployment(systems: Systems, job: StepContext, subnets: Record<string, string>, signal: AbortSignal): Promise<Look> {
  const { azure } = systems;
  const { network, hsm: wanted, azure: where } = job.request;
  const hsmSubnetId = subnets[network.hsm.name.toLowerCase()] ?? hsmSubnetIdOf(job.request);
  const input = { ...job, hsmSubnetId, ...(wanted.template ? { template: wanted.template } : {}) };
  const seen = await observeDeployHsm(azure, input, { signal, scheduledAt: Date.now() });
  const { hsm, gateway, deployment } = seen;
  const found: Found = {
    [keyOf({ kind: 'dedicated hsm', name: wanted.name })]: hsm && kept,
    [keyOf({ kind: 'expressroute gateway', name: `${wanted.resourcePrefix}-ergw` })]: gateway && {
      ...kept,
      detail: `the network’s gateway is ${gateway.name}`,
    },
    [keyOf({ kind: 'public address', name: `${wanted.resourcePrefix}-ergwpip` })]: gateway && kept,
  };
  const decision = decideDeployHsm(seen, input);
  if (decision.kind !== 'act') return { found, problems: problemsOf(decision) };
  // Before the subnets are there Azure could only say that they are not.
  if (!subnets[network.hsm.name.toLowerCase()] || !subnets['gatewaysubnet']) return { found, problems: [] };
  const there = {
    target: job.target,
    hsmId: hsmIdOf(job.request),
    sentBefore: deployment?.ours === true,
    ...(gateway ? { gateway } : {}),
    ...(hsm ? { hsm } : {}),
  };
  const asked = await asFinding(async () => {
    const clients = await azure.clients(where);
    const { template, parameters } = await deploymentOf(systems, input, { isGatewayThere: gateway !== undefined }, signal);
    const properties = { template, parameters, mode: 'Incremental' as const };
    const { changes } = await checkDeployment(azure, clients, { resourceGroup: where.resourceGroup, name: deploymentName, properties }, signal);
    return { found: modified(changes, Object.keys(found)), problems: harmOf(changes, there) };
  });
  return { found: { ...found, ...asked.found }, problems: asked.problems };
}

/** What Azure’s own what-if says would be changed, among the planned. */
const modified = (changes: readonly Change[], planned: string[]): Found =>
  Object.fromEntries(
    changes
      .filter(({ changeType }) => changeType === 'Modify')
      .flatMap(({ resourceId }) => {
        const key = planned.find((candidate) => candidate.endsWith(` ${resourceId.split('/').at(-1)!.toLowerCase()}`));
        return key ? [[key, { effect: 'Modify' as const, detail: 'by the deployment, according to Azure’s what-if' }]] : [];
      }),
  );

type Host = Parameters<typeof decideMachine>[1];

function hostsOf({ settings: { workerSources } }: Systems, { request }: StepContext): Host[] {
  const byPublic = request.azure.access === 'public';
  return [
    { host: request.lunaClient, rules: windowsRules(request, workerSources), isPublic: byPublic },
    { host: request.cipherTrust, rules: cipherTrustRules(request, workerSources), isPublic: byPublic && !throughClient(request.cipherTrust) },
  ].map(({ host: { vmName: name, address: privateAddress }, rules, isPublic }) => ({ name, isPublic, privateAddress, needsAgent: false, rules }));
}

/** A host with what belongs to it. */
async function lookAtMachine({ azure }: Systems, { request, target }: StepContext, wanted: Host, signal: AbortSignal): Promise<Look> {
  const seen = await observeMachine(azure, request, wanted.name, signal);
  const names = namesOf(wanted.name);
  const { group, machine } = seen;
  const decision = decideMachine(seen, wanted, target);
  // What a job would stop at it would not change.
  const rule = decision.kind !== 'stop' && group && missingRule(group.rules, wanted.rules);
  const started = decision.kind !== 'stop' && ['deallocated', 'stopped'].includes(machine?.power ?? '');
  return {
    problems: problemsOf(decision),
    found: {
      [keyOf({ kind: 'security group', name: names.group })]: group && (rule ? { effect: 'Modify', detail: `gets the rule ${rule.name}` } : kept),
      [keyOf({ kind: 'public address', name: names.publicAddress })]: seen.publicAddress && kept,
      [keyOf({ kind: 'interface', name: names.nic })]: seen.nic && kept,
      [keyOf({ kind: 'virtual machine', name: wanted.name })]: machine && (started ? { effect: 'Modify', detail: 'is started' } : kept),
    },
  };
}

/** What comes before anything is created: access to Dedicated HSM, and what can be had. Only looks; providers that are not registered tell nothing of what they offer. */
async function lookAtPermissions({ azure }: Systems, { request }: StepContext, signal: AbortSignal): Promise<Look> {
  const [state, providers] = await Promise.all([observeFeature(azure, request, signal), observeProviders(azure, request, signal)]);
  // The step tells the provider, too, and is done then.
  const feature = decideCheckFeature({ state, told: true }, { request });
  const access = feature.kind === 'wait' ? [feature.why] : problemsOf(feature);
  if (decideRegisterProviders(providers).kind !== 'done') return { found: {}, problems: access };
  const available = await asFinding(async () => {
    const decision = decideCheckAvailability(await observeAvailability(azure, request, signal), { request });
    return { found: {}, problems: problemsOf(decision) };
  });
  return { found: {}, problems: [...access, ...available.problems] };
}

/** What Azure refuses to tell or to take, a job would stop at, too: a finding here, not a failure. */
async function asFinding(look: () => Promise<Look>): Promise<Look> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof StepFailure) || error.problem.kind === 'Transient') throw error;
    return { found: {}, problems: [`${error.problem.tried}: ${wordsOf(error.problem)}`] };
  }
}

async function observe(systems: Systems, job: StepContext, signal: AbortSignal): Promise<WhatIf> {
  const planned = plan(job.request);
  if (!planned.ok) return { changes: [], problems: planned.broken.map(({ path, message }) => `${path}: ${message}`) };
  // What is there must be readable: what cannot be read would be told as what is to be created.
  const network = await lookAtNetwork(systems, job, signal);
  const permissions = asFinding(() => lookAtPermissions(systems, job, signal));
  const made = network.groupThere
    ? [lookAtDeployment(systems, job, network.subnets, signal), ...hostsOf(systems, job).map((host) => lookAtMachine(systems, job, host, signal))]
    : [];
  const looks = [network, ...(await Promise.all([permissions, ...made]))];
  const found: Found = Object.assign({}, ...looks.map((look) => look.found));
  return {
    problems: looks.flatMap(({ problems }) => problems),
    changes: planned.plan.creates
      .filter(({ kind }) => kind !== 'partition')
      .map((thing): WhatIfChange => ({ kind: thing.kind, name: thing.name, effect: 'Create', ...found[keyOf(thing)] })),
  };
}

/** What a request would create, leave and change, as things are now. Reads, validates and asks Azure’s own what-if; sends nothing that changes anything. */
export const whatIf = (systems: Systems) =>
  converge<StepContext, WhatIf, WhatIf, never>({
    observe: (job, { signal }) => observe(systems, job, signal),
    decide: (seen) => done(seen),
    act: {},
  });

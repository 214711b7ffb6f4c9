import type { OSDisk, VirtualMachine, VirtualMachineInstanceView } from '@azure/arm-compute';
import type { NetworkInterface, NetworkSecurityGroup, PublicIPAddress, SecurityRule } from '@azure/arm-network';
import { quoting } from '../domain/failure.ts';
import type { HostWanted } from '../domain/hosts.ts';
import type { ProvisioningRequest } from '../domain/request.ts';
import type { StepContext, VmInfo } from '../domain/results.ts';
import { type Standing, standingOf } from '../stores/record/memory.ts';
import { type ArmFault, innermost } from '../systems/azure/arm-error.ts';
import type { Azure } from '../systems/azure/azure.ts';
import { causeOf } from '../systems/azure/causes.ts';
import { createTag, createTagIn, notOwn, tagsOf } from '../systems/azure/tags.ts';
import { type Attempt, act, converge, done, halt, lasting, refuse, wait } from './converge.ts';
import { enterCreateBegun, enterSecretsGiven, foundMachine, type MachineMemory, nextCreateTag, replacedMachine, vmIdOf } from './machine-record.ts';
import { recordOf } from './record.ts';
import { type Systems, staleReadDelays } from './systems.ts';

/** A virtual machine with its interface, public address and security group, as a step wants it. */
export interface MachinePlan {
  /** Whose record says which machine was created. */
  subject: 'windows' | 'ciphertrust';
  name: string;
  /** What the request that creates it discloses to it, by name. */
  secretsGiven: string[];
  subnetId: string;
  privateAddress: string;
  isPublic: boolean;
  rules: SecurityRule[];
  /** Everything but location, tags and network. */
  machine: Omit<VirtualMachine, 'location' | 'tags' | 'networkProfile'>;
  /** Must the guest agent be ready, too? */
  needsAgent: boolean;
}

type Change = 'create-security-group' | 'open-door' | 'create-public-address' | 'create-interface' | 'create-machine' | 'enter-machine' | 'start-machine';

interface Thing {
  id: string;
  state: string;
  tags?: Record<string, string>;
}
/** A rule of a security group, as far as it can be compared. */
export interface RuleSeen {
  name: string;
  ports: string[];
  sources: string[];
}
export interface MachineSeen {
  group?: Thing & { rules: RuleSeen[] };
  publicAddress?: Thing & { address?: string };
  nic?: Thing & { privateAddress?: string };
  machine?: Thing & {
    /** The ids of its interfaces, in small letters. */
    interfaces: string[];
    power?: string;
    agentReady: boolean;
    /** What the agent’s state is, in Azure’s words. */
    agent?: string;
    /** Why it failed. */
    fault?: ArmFault;
    /** Unchangeable: another machine of the same name has another one. */
    vmId?: string;
    /** The random tag of the request that created it. */
    createTag?: string;
    /** Whose it is by the target record; absent where nobody asked the record. */
    standing?: Standing;
  };
}

type MachineReady = VmInfo & { warnings?: string[] };

/** A guest agent is usually ready within minutes. */
const longestForAgentMs = 30 * 60_000;

export const namesOf = (name: string) => ({ group: `${name}-nsg`, publicAddress: `${name}-ip`, nic: `${name}-nic` });

/** The operating system’s disk; its size is the image’s. */
export const osDisk = ({ type, encryptionSet }: HostWanted['disk']): OSDisk => ({
  createOption: 'FromImage',
  caching: 'ReadWrite',
  managedDisk: { storageAccountType: type, ...(encryptionSet ? { diskEncryptionSet: { id: encryptionSet } } : {}) },
});

interface Allowed {
  name: string;
  ports: string[];
  priority: number;
  protocol?: 'Tcp' | 'Udp';
}

const allow = ({ name, ports, priority, protocol = 'Tcp' }: Allowed) => ({
  name,
  priority,
  protocol,
  access: 'Allow',
  sourcePortRange: '*',
  destinationPortRanges: ports,
  destinationAddressPrefix: '*',
});

/** A rule that lets these sources in. */
export const allowIn = (sources: string[], allowed: Allowed): SecurityRule => ({
  ...allow(allowed),
  direction: 'Inbound',
  sourceAddressPrefixes: sources,
});

/** A rule that lets the machine out to anywhere. */
export const allowOut = (allowed: Allowed): SecurityRule => ({ ...allow(allowed), direction: 'Outbound', sourceAddressPrefix: '*' });

const ruleSeen = ({ name = '', ...rule }: SecurityRule): RuleSeen => {
  const list = (one: string | undefined, many: string[] | undefined) =>
    [...(one ? [one] : []), ...(many ?? [])].map((text) => text.replace(/\/32$/, '')).sort();
  return {
    name,
    ports: list(rule.destinationPortRange, rule.destinationPortRanges),
    sources: list(rule.sourceAddressPrefix, rule.sourceAddressPrefixes),
  };
};

/** The first rule that the group lacks or has otherwise: an earlier run of this job closed its doors, or was reached from elsewhere. Rules of other names are not ours. */
export function missingRule(rules: readonly RuleSeen[], wanted: readonly SecurityRule[]): SecurityRule | undefined {
  const same = (one: RuleSeen, other: RuleSeen) => JSON.stringify([one.ports, one.sources]) === JSON.stringify([other.ports, other.sources]);
  return wanted.find((rule) => !rules.some((there) => there.name === rule.name && same(there, ruleSeen(rule))));
}

const source = 'Azure Resource Manager';

type PlanDecided = Pick<MachinePlan, 'name' | 'isPublic' | 'privateAddress' | 'needsAgent' | 'rules'>;

/** What belongs to a machine, by name. */
function thingsOf({ group, publicAddress, nic, machine }: MachineSeen, name: string): Record<string, Thing | undefined> {
  const names = namesOf(name);
  return { [names.group]: group, [names.publicAddress]: publicAddress, [names.nic]: nic, [name]: machine };
}

/** What is there and is not this job’s, or not what it created, or failed. */
function unusable(seen: MachineSeen, plan: PlanDecided, target: string) {
  const { nic, machine } = seen;
  for (const [name, thing] of Object.entries(thingsOf(seen, plan.name))) {
    const told = { tried: `creating ${name}` };
    const foreign = thing && notOwn(thing.tags, target);
    if (foreign) return halt({ code: 'AZURE_RESOURCE_FOREIGN', ...told, ...foreign });
    const replaced = thing && thing === machine && replacedMachine(machine.standing, name, machine.vmId);
    if (replaced) return halt({ code: 'AZURE_MACHINE_REPLACED', tried: `using ${name}`, ...replaced });
    if (thing?.state === 'Failed') return refuse({ ...told, ...failed(thing) });
  }
  if (machine && !machine.interfaces.includes(nic?.id.toLowerCase() ?? ''))
    return halt({
      code: 'AZURE_RESOURCE_MISMATCH',
      tried: `using ${plan.name}`,
      summary: `its interface is ${machine.interfaces.map((id) => id.split('/').at(-1)).join(', ') || 'not told'}, not ${namesOf(plan.name).nic}`,
      remedy: `Attach ${namesOf(plan.name).nic} to it, then retry; or abort, and send the request again with another name.`,
    });
  return undefined;
}

/** The next thing to be made or opened before the machine can be. */
function missingPart({ group, publicAddress, nic }: MachineSeen, plan: PlanDecided) {
  if (!group) return act('create-security-group');
  if (group.state === 'Succeeded' && missingRule(group.rules, plan.rules)) return act('open-door');
  if (plan.isPublic && !publicAddress) return act('create-public-address');
  if (!nic && group.state === 'Succeeded' && (!plan.isPublic || publicAddress?.state === 'Succeeded')) return act('create-interface');
  return undefined;
}

/** What keeps a machine, or the making of it, from going on: another address than the wanted one, or something that is not ready. */
function unsettled(seen: MachineSeen, plan: PlanDecided) {
  const { nic } = seen;
  if (nic?.privateAddress && nic.privateAddress !== plan.privateAddress)
    return refuse({
      code: 'AZURE_RESOURCE_MISMATCH',
      tried: `creating ${plan.name}`,
      summary: `its interface has the address ${nic.privateAddress}, not ${plan.privateAddress}`,
      remedy: 'Remove the interface, then retry; or retry with an amendment of the host’s address (/lunaClient/address, /cipherTrust/address).',
    });
  const busy = Object.entries(thingsOf(seen, plan.name)).find(([, thing]) => thing && thing.state !== 'Succeeded');
  return busy && wait(`${busy[0]}: ${busy[1]!.state}`);
}

/** A machine that is there must run, with its agent where that is needed. */
function notRunning(machine: NonNullable<MachineSeen['machine']>, plan: PlanDecided, waitedMs: number) {
  if (machine.power === 'deallocated' || machine.power === 'stopped') return act('start-machine');
  if (machine.power !== 'running') return wait(`${plan.name}: ${machine.power ?? 'starting'}`);
  return plan.needsAgent && !machine.agentReady ? waitForAgent(plan.name, machine.agent, waitedMs) : undefined;
}

export function decideMachine(seen: MachineSeen, plan: PlanDecided, target: string, waitedMs = 0) {
  const { publicAddress, machine } = seen;
  const stopped = unusable(seen, plan, target);
  if (stopped) return stopped;
  if (machine?.vmId && (machine.standing?.is === 'begun' || machine.standing?.is === 'unknown')) return act('enter-machine');
  const unfinished = missingPart(seen, plan) ?? unsettled(seen, plan);
  if (unfinished) return unfinished;
  if (!machine) return act('create-machine');
  const idle = notRunning(machine, plan, waitedMs);
  if (idle) return idle;
  const reachable = plan.isPublic ? publicAddress!.address! : plan.privateAddress;
  return done<MachineReady>({
    id: machine.id,
    privateAddress: plan.privateAddress,
    ...(plan.isPublic ? { publicAddress: reachable } : {}),
    reachable,
    ...(machine.standing?.is === 'ours' && machine.standing.found ? { warnings: [foundMachine(plan.name)] } : {}),
  });
}

const failed = ({ fault }: Thing & { fault?: ArmFault }) => ({
  code: 'AZURE_RESOURCE_FAILED' as const,
  summary: 'it is Failed',
  ...quoting(source, fault ? `${fault.code}: ${fault.message}` : ''),
  remedy: `${fault ? `${causeOf(fault).remedy} ` : ''}Fix or delete it in the portal before you retry; until then it stays Failed.`,
});

function waitForAgent(name: string, agent: string | undefined, waitedMs: number) {
  const told = `${name} is running; its agent is not ready`;
  if (waitedMs <= longestForAgentMs) return wait(agent ? `${told}: ${agent}` : told);
  return refuse({
    code: 'AZURE_AGENT_NOT_READY',
    tried: `waiting for the agent of ${name}`,
    summary: `${told} after ${longestForAgentMs / 60_000} minutes`,
    ...quoting(source, agent ?? ''),
    remedy: 'Check the boot diagnostics in the portal; restart the VM, or delete it if it does not come up; then retry.',
  });
}

const thing = (found: NetworkSecurityGroup | PublicIPAddress | NetworkInterface | VirtualMachine): Thing => ({
  id: found.id!,
  state: found.provisioningState ?? '',
  ...(found.tags ? { tags: found.tags } : {}),
});

/** Agent and failure of a machine, from its instance view. */
function stateOf(view: VirtualMachineInstanceView | undefined) {
  const agents = view?.vmAgent?.statuses ?? [];
  const agent = agents.map(({ displayStatus, message }) => [displayStatus, message].filter(Boolean).join(', '))[0];
  const failure = view?.statuses?.find(({ code }) => code?.toLowerCase().startsWith('provisioningstate/failed'));
  const fault = failure && innermost({ code: failure.code?.split('/')[2] ?? 'Failed', message: failure.message ?? failure.displayStatus ?? 'no message' });
  return { agentReady: agents.some(({ displayStatus }) => displayStatus === 'Ready'), ...(agent ? { agent } : {}), ...(fault ? { fault } : {}) };
}

/** A machine with what belongs to it, as far as it is there. */
export async function observeMachine(azure: Azure, request: ProvisioningRequest, name: string, signal: AbortSignal): Promise<MachineSeen> {
  const { network, compute } = await azure.clients(request.azure);
  const { resourceGroup: group } = request.azure;
  const names = namesOf(name);
  const options = { abortSignal: signal };
  const [securityGroup, publicAddress, nic, machine] = await Promise.all([
    azure.look(`reading ${names.group}`, () => network.networkSecurityGroups.get(group, names.group, options)),
    azure.look(`reading ${names.publicAddress}`, () => network.publicIPAddresses.get(group, names.publicAddress, options)),
    azure.look(`reading ${names.nic}`, () => network.networkInterfaces.get(group, names.nic, options)),
    azure.look(`reading ${name}`, () => compute.virtualMachines.get(group, name, options)),
  ]);
  const view = machine && (await azure.look(`reading the state of ${name}`, () => compute.virtualMachines.instanceView(group, name, options)));
  return {
    ...(securityGroup ? { group: { ...thing(securityGroup), rules: (securityGroup.securityRules ?? []).map(ruleSeen) } } : {}),
    ...(publicAddress ? { publicAddress: publicAddressSeen(publicAddress) } : {}),
    ...(nic ? { nic: nicSeen(nic) } : {}),
    ...(machine ? { machine: machineSeen(machine, view) } : {}),
  };
}

const publicAddressSeen = (found: PublicIPAddress): NonNullable<MachineSeen['publicAddress']> => ({
  ...thing(found),
  ...(found.ipAddress ? { address: found.ipAddress } : {}),
});

function nicSeen(found: NetworkInterface): NonNullable<MachineSeen['nic']> {
  const privateAddress = found.ipConfigurations?.[0]?.privateIPAddress;
  return { ...thing(found), ...(privateAddress ? { privateAddress } : {}) };
}

function machineSeen(found: VirtualMachine, view: VirtualMachineInstanceView | undefined): NonNullable<MachineSeen['machine']> {
  const tag = createTagIn(found.tags);
  const power = view?.statuses?.find(({ code }) => code?.startsWith('PowerState/'))?.code?.split('/')[1];
  return {
    ...thing(found),
    ...(found.vmId ? { vmId: found.vmId } : {}),
    ...(tag ? { createTag: tag } : {}),
    interfaces: (found.networkProfile?.networkInterfaces ?? []).map(({ id = '' }) => id.toLowerCase()),
    ...(power ? { power } : {}),
    ...stateOf(view),
  };
}

/** The same, with what the target record says of the machine. The record is read first: whatever is entered after that makes this attempt stale. */
async function observeOwnMachine(systems: Systems, input: StepContext, plan: MachinePlan, attempt: Attempt): Promise<MachineMemory & { seen: MachineSeen }> {
  const record = recordOf(systems, input, attempt, plan.subject);
  const entries = await record.read();
  const seen = await observeMachine(systems.azure, input.request, plan.name, attempt.signal);
  const { machine } = seen;
  if (machine) machine.standing = standingOf(entries, machine.id, { vmId: machine.vmId, tag: machine.createTag });
  return { record, entries, seen };
}

interface MachineLook extends MachineMemory {
  seen: MachineSeen;
  plan: MachinePlan;
  waitedMs: number;
}

/** One change after the other: security group, public address, interface, machine; then it must run. */
export const virtualMachine = <Input extends StepContext>(systems: Systems, planOf: (input: Input) => Promise<MachinePlan> | MachinePlan) => {
  const { azure, settings } = systems;
  const by =
    (change: (making: Making) => Promise<unknown>) =>
    async (input: Input, look: MachineLook, { signal }: Attempt) =>
      void (await change({ ...look, azure, input, signal }));
  return converge<Input, MachineLook, MachineReady, Change>({
    lasting: lasting(settings, 'arm-machine', 'arm-change'),
    async observe(input, attempt) {
      const plan = await planOf(input);
      return { plan, waitedMs: attempt.waitedMs, ...(await observeOwnMachine(systems, input, plan, attempt)) };
    },
    decide: ({ seen, plan, waitedMs }, { target }) => decideMachine(seen, plan, target, waitedMs),
    fingerprint: ({ seen }) => seen,
    staleReadDelaysMs: staleReadDelays({ settings }),
    act: {
      'create-security-group': by(createSecurityGroup),
      'open-door': by(openDoor),
      'create-public-address': by(createPublicAddress),
      'create-interface': by(createInterface),
      'create-machine': by(createMachine),
      'enter-machine': by(enterMachine),
      'start-machine': by(startMachine),
    },
  });
};

/** What a change is made with. */
interface Making extends MachineLook {
  azure: Azure;
  input: StepContext;
  signal: AbortSignal;
}

async function createSecurityGroup({ azure, input, plan, signal }: Making): Promise<void> {
  const { network } = await azure.clients(input.request.azure);
  const { resourceGroup, region } = input.request.azure;
  const name = namesOf(plan.name).group;
  const body = { location: region, tags: tagsOf(input), securityRules: plan.rules };
  await azure.submit(`creating ${name}`, () => network.networkSecurityGroups.createOrUpdate(resourceGroup, name, body, { abortSignal: signal }));
}

async function openDoor({ azure, input, plan, seen, signal }: Making): Promise<void> {
  const { network } = await azure.clients(input.request.azure);
  const { name = '', ...rule } = missingRule(seen.group!.rules, plan.rules)!;
  const group = namesOf(plan.name).group;
  await azure.submit(`opening ${group} again`, () =>
    network.securityRules.createOrUpdate(input.request.azure.resourceGroup, group, name, rule, { abortSignal: signal }),
  );
}

async function createPublicAddress({ azure, input, plan, signal }: Making): Promise<void> {
  const { network } = await azure.clients(input.request.azure);
  const { resourceGroup, region } = input.request.azure;
  const name = namesOf(plan.name).publicAddress;
  const body = { location: region, tags: tagsOf(input), sku: { name: 'Standard' }, publicIPAllocationMethod: 'Static', publicIPAddressVersion: 'IPv4' };
  await azure.submit(`creating ${name}`, () => network.publicIPAddresses.createOrUpdate(resourceGroup, name, body, { abortSignal: signal }));
}

async function createInterface({ azure, input, plan, seen, signal }: Making): Promise<void> {
  const { network } = await azure.clients(input.request.azure);
  const { resourceGroup, region } = input.request.azure;
  const name = namesOf(plan.name).nic;
  const body = {
    location: region,
    tags: tagsOf(input),
    networkSecurityGroup: { id: seen.group!.id },
    ipConfigurations: [
      {
        name: 'ipconfig1',
        primary: true,
        privateIPAllocationMethod: 'Static',
        privateIPAddress: plan.privateAddress,
        subnet: { id: plan.subnetId },
        ...(plan.isPublic ? { publicIPAddress: { id: seen.publicAddress!.id } } : {}),
      },
    ],
  };
  await azure.submit(`creating ${name}`, () => network.networkInterfaces.createOrUpdate(resourceGroup, name, body, { abortSignal: signal }));
}

async function createMachine({ azure, input, plan, seen, record, entries, signal }: Making): Promise<void> {
  const { compute } = await azure.clients(input.request.azure);
  const { resourceGroup, region } = input.request.azure;
  const resourceId = vmIdOf(input.request, plan.name);
  const tag = nextCreateTag(entries, resourceId);
  await enterCreateBegun({ record }, resourceId, tag);
  await enterSecretsGiven({ record }, resourceId, plan.secretsGiven);
  const body: VirtualMachine = {
    ...plan.machine,
    location: region,
    tags: { ...tagsOf(input), ...createTag(tag) },
    networkProfile: { networkInterfaces: [{ id: seen.nic!.id, primary: true }] },
  };
  await azure.submit(`creating ${plan.name}`, () => compute.virtualMachines.createOrUpdate(resourceGroup, plan.name, body, { abortSignal: signal }));
}

async function enterMachine({ seen, record }: Making): Promise<void> {
  const { id, vmId } = seen.machine!;
  await record.append('machine-created', { resourceId: id, vmId: vmId! });
}

async function startMachine({ azure, input: { request }, plan, signal }: Making): Promise<void> {
  const { compute } = await azure.clients(request.azure);
  await azure.submit(`starting ${plan.name}`, () => compute.virtualMachines.start(request.azure.resourceGroup, plan.name, { abortSignal: signal }));
}

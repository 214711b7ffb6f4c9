import { randomBytes } from 'node:crypto';
import { type StepFailure, unsafe } from '../domain/failure.ts';
import type { ProvisioningRequest } from '../domain/request.ts';
import type { StepContext } from '../domain/results.ts';
import type { DataOf, Entry } from '../stores/record/events.ts';
import { openCreateTag, type Standing, secretsGiven, standingOf } from '../stores/record/memory.ts';
import { createTagIn } from '../systems/azure/tags.ts';
import { currentFence } from '../systems/fence.ts';
import { trustAgain } from '../systems/lunash/luna.ts';
import { hsmIdOf, inGroup } from './asked-hsm.ts';
import type { Attempt } from './converge.ts';
import { recordOf } from './record.ts';
import type { Systems } from './systems.ts';

/** The subjects whose records say which machines were created. */
export type MachineSubject = 'windows' | 'ciphertrust' | 'deployment';

export const vmIdOf = (request: ProvisioningRequest, name: string): string => inGroup(request, `Microsoft.Compute/virtualMachines/${name}`);

/** Part of the record as it was read, before the system was looked at: an entry that somebody adds meanwhile then makes this attempt stale. */
export interface MachineMemory {
  record: MachineRecord;
  entries: readonly Entry<MachineSubject>[];
}

/** What can be entered in each of these subjects. */
interface MachineRecord {
  append(event: 'machine-create-begun', data: DataOf<'windows', 'machine-create-begun'>): Promise<unknown>;
  append(event: 'machine-created', data: DataOf<'windows', 'machine-created'>): Promise<unknown>;
  append(event: 'secret-given', data: DataOf<'windows', 'secret-given'>): Promise<unknown>;
}

/** The value of the tag that the next request for something absent must carry. */
export const nextCreateTag = (entries: MachineMemory['entries'], resourceId: string): string =>
  openCreateTag(entries, resourceId) ?? randomBytes(16).toString('hex');

/** Before the request that creates something which is absent, and carries this tag. */
export async function enterCreateBegun({ record }: Pick<MachineMemory, 'record'>, resourceId: string, tag: string): Promise<void> {
  await record.append('machine-create-begun', { resourceId, absent: true, tag });
}

/** Before the request that creates a machine with secrets in it. From then on it counts as having them. */
export async function enterSecretsGiven({ record }: Pick<MachineMemory, 'record'>, machine: string, purposes: readonly string[]): Promise<void> {
  for (const purpose of purposes) await record.append('secret-given', { machine, purpose });
}

/** What stands there is not what this job created or met. Nothing where it is. */
export function replacedMachine(standing: Standing | undefined, name: string, vmId: string | undefined): { summary: string; remedy: string } | undefined {
  if (standing?.is !== 'other') return undefined;
  const { vmId: recorded, tag } = standing.expected;
  if (recorded === undefined)
    return {
      summary: `a machine of this name exists with the vmId ${vmId ?? 'unknown'}, but this job’s request did not create it: it lacks the tag provisioner-create=${tag}`,
      remedy: `Nothing was sent to it. Find out who created ${name}. Delete it, then retry: this job creates its own. To let this job use it, set that tag on it, then retry.`,
    };
  return {
    summary: `the machine was replaced: its vmId is ${vmId ?? 'unknown'}, and the target record has ${recorded}`,
    remedy: `Nothing was sent to it. Find out who replaced ${name}. Delete it, then retry: this job creates a new one. Or abort, and send the request again with another name.`,
  };
}

/** For the report, where a machine was there before the record knew of it. */
export const foundMachine = (name: string): string =>
  `The target record does not show that this service created ${name}. It carries this target’s tag and was used. Check that it is yours.`;

interface Asked {
  subject: 'windows' | 'ciphertrust';
  name: string;
  /** Where the attempt has one of its own. */
  record?: MachineRecord & { read(): Promise<readonly Entry<MachineSubject>[]> };
}

/** An attempt of a step that gives a machine secrets. */
interface Giver {
  systems: Pick<Systems, 'azure' | 'records'>;
  input: StepContext;
  attempt: Attempt;
}

/** A VM as it is there now, and whose it is by the record. */
interface MachineNow extends MachineMemory {
  resourceId: string;
  vmId: string | undefined;
  standing: Standing;
}

/** Reads the record first: whatever is entered after that makes this attempt stale. */
async function machineNow(
  { systems, input, attempt }: Giver,
  { subject, name, record = recordOf(systems, input, attempt, subject) }: Asked,
): Promise<MachineNow> {
  const entries = await record.read();
  const { compute } = await systems.azure.clients(input.request.azure);
  const { vmId, tags } = await systems.azure.ask(`reading ${name}`, () =>
    compute.virtualMachines.get(input.request.azure.resourceGroup, name, { abortSignal: attempt.signal }),
  );
  const resourceId = vmIdOf(input.request, name);
  return { record, entries, resourceId, vmId, standing: standingOf(entries, resourceId, { vmId, tag: createTagIn(tags) }) };
}

/** Does the record show that a request of this service created the VM that is there now? */
export async function isCreatedHere(giver: Giver, asked: Asked): Promise<boolean> {
  const { standing } = await machineNow(giver, asked);
  return standing.is === 'ours' && !standing.found;
}

/** Throws Unsafe unless the VM that is there now is the one in the record. */
async function mustBeOwnMachine(giver: Giver, asked: Asked): Promise<MachineNow> {
  const machine = await machineNow(giver, asked);
  const { record, standing, resourceId, vmId } = machine;
  const replaced = replacedMachine(standing, asked.name, vmId);
  if (replaced) throw unsafe({ code: 'AZURE_MACHINE_REPLACED', tried: `using ${asked.name}`, ...replaced });
  // A job that began before machines were entered, or a step that was retried alone.
  if (vmId && standing.is !== 'ours') await record.append('machine-created', { resourceId, vmId });
  return machine;
}

/**
 * Call it before secrets go to a VM that is there, each time. The VM must be the one in the record, and counts as
 * having them from then on. Azure is read each time: a name and an address stay the same when somebody replaces the
 * machine. What this very VM was given before, also before a wipe, is not entered again.
 */
export async function enterMachineSecrets(giver: Giver, asked: Asked, purposes: readonly string[]): Promise<void> {
  const { record, entries, resourceId: machine, vmId } = await mustBeOwnMachine(giver, asked);
  const given = secretsGiven(entries, machine, vmId);
  const missing = purposes.filter((purpose) => !given.includes(purpose));
  if (missing.length === 0) currentFence().entered?.(`${asked.subject}/secret-given`);
  for (const purpose of missing) await record.append('secret-given', { machine, ...(vmId === undefined ? {} : { vmId }), purpose });
}

/** The same for the Windows host. */
export const enterWindowsSecrets = (giver: Giver, ...purposes: string[]): Promise<void> =>
  enterMachineSecrets(giver, { subject: 'windows', name: giver.input.request.lunaClient.vmName }, purposes);

/**
 * The same for what reaches the Windows host in the commands and scripts of lunacm: passwords of the appliance, the
 * partition and its roles, and the cloning domain. One entry stands for all of them, since the record is read as a
 * whole at each look: a host that gets one of them gets the others within minutes.
 */
export const enterLunacmSecrets = (giver: Giver): Promise<void> => enterWindowsSecrets(giver, 'secrets of the HSM and its partition');

/**
 * Enters the host key of the HSM’s first contact; call it before a password leaves for it. Throws Unsafe where another key was entered, or where a request for the
 * HSM was and nothing shows that it made this one, unless a person has confirmed this key. A key that is known is not entered again.
 */
export async function enterHsmHostKey(
  systems: Pick<Systems, 'records'>,
  input: StepContext,
  attempt: Attempt,
  { hostKey, isConfirmed }: { hostKey: string; isConfirmed: boolean },
): Promise<void> {
  const record = recordOf(systems, input, attempt, 'deployment');
  const resourceId = hsmIdOf(input.request);
  const standing = standingOf(await record.read(), resourceId, { hostKey });
  if (standing.is === 'ours') return;
  if (standing.is === 'other' && !isConfirmed) throw otherHsm(input, hostKey, standing.expected);
  await record.append('machine-created', { resourceId, hostKey });
}

function otherHsm(job: StepContext, hostKey: string, { hostKey: recorded, tag }: { hostKey?: string; tag?: string }): StepFailure {
  const tried = `first contact with the HSM ${job.request.hsm.name}`;
  if (recorded === undefined)
    return unsafe({
      code: 'AZURE_RESOURCE_FOREIGN',
      tried,
      summary: `nothing shows that this job’s request with the tag provisioner-create=${tag} created this HSM`,
      remedy:
        'No password was sent. Find out who created it. To let this job use it, set that tag on it; delete it otherwise. Then abort, and send the request again.',
    });
  return unsafe({
    code: 'SSH_HOST_KEY_CHANGED',
    tried,
    summary: `The host key is ${hostKey}, and the target record has ${recorded}`,
    remedy: `No password was sent. Find out whether the HSM was rebuilt or somebody intercepts the connection. ${trustAgain(job)}`,
  });
}

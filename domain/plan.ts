import { lunaWarnings, rsaPairs } from './luna-warnings.ts';
import type { ProvisioningRequest } from './request.ts';
import { brokenRules } from './rules/broken.ts';
import type { BrokenRule } from './rules/rule.ts';
import { catalogue, type PhaseId, type StepId, step, stepIds } from './steps.ts';

export type { BrokenRule } from './rules/rule.ts';

export interface PlannedThing {
  kind: string;
  name: string;
  detail: string;
}

export interface PlannedStep {
  id: StepId;
  title: string;
  phase: PhaseId;
  usualMinutes: number;
  critical: boolean;
}

/** What a request will do, before anything is done: a pure function of it. */
export interface Plan {
  summary: string;
  creates: PlannedThing[];
  steps: PlannedStep[];
  criticalPath: StepId[];
  /** Along the critical path; the wait for a person is not in it. */
  estimateMinutes: number;
  /** What is erased, in sentences. */
  destroys: string[];
  warnings: string[];
}

export type Planned = { ok: true; plan: Plan } | { ok: false; broken: BrokenRule[] };

/** Plans a request whose shape is right, or names every rule that it breaks. */
export function plan(request: ProvisioningRequest): Planned {
  const broken = brokenRules(request);
  if (broken.length > 0) return { ok: false, broken };
  const ids = stepsOf(request);
  const path = criticalPath((id) => step(id).usualMinutes, ids);
  const { hsm, azure, cipherTrust } = request;
  return {
    ok: true,
    plan: {
      summary: `A CipherTrust Manager (${cipherTrust.vmName}) in ${azure.region} whose root of trust is the partition ${hsm.partition.name} on the Dedicated HSM ${hsm.name}${hsm.fips ? ', in FIPS 140-2 approved operation' : ''}.`,
      creates: creates(request),
      steps: ids.map((id) => ({ id, title: step(id).title, phase: step(id).phase, usualMinutes: step(id).usualMinutes, critical: path.steps.includes(id) })),
      criticalPath: path.steps,
      estimateMinutes: Math.ceil(path.minutes),
      destroys: ids.flatMap((id) => (step(id).destroys ? [`${step(id).title}: ${step(id).destroys}`] : [])),
      warnings: [...warnings(request), ...lunaWarnings(request)],
    },
  };
}

/** The steps that this request asks for. */
export function stepsOf({ hsm, cipherTrust }: ProvisioningRequest): StepId[] {
  const left: StepId[] = [
    ...(hsm.fips ? [] : (['approve-zeroize', 'fips-mode'] as const)),
    ...(wantsOwnFace(cipherTrust) ? [] : (['web-certificate'] as const)),
  ];
  return stepIds.filter((id) => !left.includes(id));
}

/** Is CipherTrust Manager to get a name or a web certificate of its own? */
export const wantsOwnFace = ({ hostName, webCertificate }: ProvisioningRequest['cipherTrust']): boolean => (hostName ?? webCertificate) !== undefined;

/** The longest way through the steps, each taking so many minutes; a predecessor that is not among them is passed through. */
export function criticalPath(minutesOf: (id: StepId) => number, ids: readonly StepId[] = stepIds): { steps: StepId[]; minutes: number } {
  const ways = new Map<StepId, { steps: StepId[]; minutes: number }>();
  for (const id of stepIds) {
    const longest = (catalogue[id].after as readonly StepId[])
      .map((before) => ways.get(before)!)
      .reduce((best, way) => (way.minutes > best.minutes ? way : best), { steps: [] as StepId[], minutes: 0 });
    ways.set(id, ids.includes(id) ? { steps: [...longest.steps, id], minutes: longest.minutes + minutesOf(id) } : longest);
  }
  return [...ways.values()].reduce((best, way) => (way.minutes >= best.minutes ? way : best));
}

function creates({ azure, network, hsm, lunaClient, cipherTrust }: ProvisioningRequest): PlannedThing[] {
  const thing = (kind: string, name: string, detail: string): PlannedThing => ({ kind, name, detail });
  const isPublic = azure.access === 'public';
  const publicIp = (vm: string) => (isPublic ? [thing('public address', `${vm}-ip`, `for ${azure.adminSources.join(', ')} and this service`)] : []);
  return [
    thing('resource group', azure.resourceGroup, azure.region),
    thing('virtual network', network.name, network.addressSpace),
    thing('subnet', network.compute.name ?? 'Compute', network.compute.range),
    thing('subnet', network.hsm.name, `${network.hsm.range}, delegated to Microsoft.HardwareSecurityModules/dedicatedHSMs`),
    thing('subnet', 'GatewaySubnet', network.gateway.range),
    thing('public address', `${hsm.resourcePrefix}-ergwpip`, 'of the gateway'),
    thing('ExpressRoute gateway', `${hsm.resourcePrefix}-ergw`, 'Standard; kept where the network has one'),
    thing('Dedicated HSM', hsm.name, `SafeNet Luna Network HSM A790, ${hsm.stamp ?? 'stamp1'}, ${hsm.address ?? 'first free address'}`),
    thing('partition', hsm.partition.name, `${hsm.partition.sizeBytes} bytes, about ${rsaPairs(hsm.partition.sizeBytes)} RSA-2048 key pairs`),
    thing('virtual machine', lunaClient.vmName, `Windows with the Luna client, ${lunaClient.address}, ${lunaClient.image ?? 'Windows 10 Pro'}`),
    ...publicIp(lunaClient.vmName),
    thing('virtual machine', cipherTrust.vmName, `CipherTrust Manager, ${cipherTrust.address}, ${cipherTrust.image}`),
    ...publicIp(cipherTrust.vmName),
  ];
}

function warnings({ azure, hsm, cipherTrust, closeDoors }: ProvisioningRequest): string[] {
  const unauthenticated = cipherTrust.ntp.filter(({ key }) => !key).map(({ host }) => host);
  return [
    'Azure Dedicated HSM ends on 31 July 2028, and new customers are no longer onboarded.',
    'Gateways with Basic public addresses carry a Dedicated HSM until 31 March 2027 only; the one created here has a Standard address. Never change, delete or re-create the gateway of an HSM.',
    'Never delete a resource group that holds an HSM: the HSM goes on being billed. Apply KB0019789 before any reboot of the appliance.',
    ...(hsm.fips ? [] : ['FIPS 140-2 approved operation stays off.']),
    ...(cipherTrust.licence === 'none' ? ['Without a licence or trial CipherTrust Manager refuses an HSM as root of trust.'] : []),
    ...(cipherTrust.licence === 'trial' ? ['The trial licence ends after 90 days.'] : []),
    ...(cipherTrust.ntp.length === 0 ? ['Without an NTP server clocks drift apart, and the trust link fails.'] : []),
    ...(unauthenticated.length > 0 ? [`Time from ${unauthenticated.join(', ')} is not authenticated.`] : []),
    ...(azure.access === 'public'
      ? ['Both hosts get public addresses; until its password is set, CipherTrust Manager accepts admin/admin from the allowed sources.']
      : []),
    ...((cipherTrust.sshPublicKey ?? cipherTrust.sshKeyInAzure) !== undefined && !cipherTrust.sshPrivateKey
      ? ['The private half of ksadmin’s SSH key is not with this service: without it nobody can upgrade, reset or repair CipherTrust Manager, so keep it.']
      : []),
    ...(closeDoors === false ? ['The temporary rules for SSH and RDP stay open, and the Windows host goes on running.'] : []),
  ];
}

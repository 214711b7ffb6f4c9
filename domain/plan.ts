import type { Static } from 'typebox';
import { cipherTrustHost, diskText, type HostWanted, windowsHost } from './hosts.ts';
import { lunaWarnings, rsaPairs } from './luna-warnings.ts';
import type { ProvisioningRequest } from './request.ts';
import { secretsNamed, throughClient } from './request-parts.ts';
import { brokenRules } from './rules/broken.ts';
import type { BrokenRule } from './rules/rule.ts';
import { addressSkuOf } from './rules/template.ts';
import type * as schemas from './schemas/plan.ts';
import { catalog, firstStep, type StepId, step, stepIds } from './steps.ts';

export type { BrokenRule } from './rules/rule.ts';

export type PlannedThing = Static<typeof schemas.plannedThing>;
/** What a request will do, before anything is done: a pure function of it. */
export type Plan = Static<typeof schemas.plan>;

export type Planned = { ok: true; plan: Plan } | { ok: false; broken: BrokenRule[] };

/** Plans a request whose shape is right, or names every rule that it breaks. */
export function plan(request: ProvisioningRequest): Planned {
  const broken = brokenRules(request);
  if (broken.length > 0) return { ok: false, broken };
  const ids = stepsOf(request);
  const path = criticalPath((id) => step(id).usualMinutes, ids, predecessorsOf(request));
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
      warnings: [...neededBefore(request), ...warnings(request), ...lunaWarnings(request)],
    },
  };
}

/** The steps that this request asks for. */
export const stepsOf = (request: ProvisioningRequest): StepId[] => stepIds.filter((id) => step(id).isFor?.(request) ?? true);

/** The steps whose results a step of this request waits for. */
export const predecessorsOf = (request: ProvisioningRequest) => (id: StepId) =>
  [...step(id).after, ...(step(id).alsoAfter?.(request) ?? [])] as readonly StepId[];

/** The longest way through the steps, each taking so many minutes; a predecessor that is not among them is passed through. */
export function criticalPath(
  minutesOf: (id: StepId) => number,
  ids: readonly StepId[] = stepIds,
  after: (id: StepId) => readonly StepId[] = (id) => catalog[id].after as readonly StepId[],
): { steps: StepId[]; minutes: number } {
  const ways = new Map<StepId, { steps: StepId[]; minutes: number }>();
  for (const id of stepIds) {
    const longest = after(id)
      .map((before) => ways.get(before)!)
      .reduce((best, way) => (way.minutes > best.minutes ? way : best), { steps: [] as StepId[], minutes: 0 });
    ways.set(id, ids.includes(id) ? { steps: [...longest.steps, id], minutes: longest.minutes + minutesOf(id) } : longest);
  }
  return [...ways.values()].reduce((best, way) => (way.minutes >= best.minutes ? way : best));
}

const thing = (kind: string, name: string, detail: string): PlannedThing => ({ kind, name, detail });

const tagTexts = (tags: Record<string, string> = {}): string[] => {
  const texts = Object.entries(tags).map(([name, value]) => `${name}=${value}`);
  return texts.length > 0 ? [texts.join(', ')] : [];
};

/** What the deployment `HSMdeploy` makes. A template of the user’s own says itself what; by the runbook’s parameters these are the names. */
function deployed({ name, resourcePrefix, stamp, address, template }: ProvisioningRequest['hsm']): PlannedThing[] {
  const where = template ? 'as your template says' : `${stamp ?? 'stamp1'}, ${address ?? 'first free address'}`;
  return [
    thing('public address', `${resourcePrefix}-ergwpip`, 'of the gateway'),
    thing('ExpressRoute gateway', `${resourcePrefix}-ergw`, template ? where : 'Standard; an existing gateway of the network is used unchanged'),
    thing('Dedicated HSM', name, `SafeNet Luna Network HSM A790, ${where}`),
  ];
}

const hostText = ({ size, disk }: HostWanted): string => `${size}, ${diskText(disk)}`;

function creates(request: ProvisioningRequest): PlannedThing[] {
  const { azure, network, hsm, lunaClient, cipherTrust } = request;
  const isPublic = azure.access === 'public';
  const managerIsPublic = isPublic && !throughClient(cipherTrust);
  const sources = azure.adminSources.join(', ');
  const host = (name: string, detail: string, isReachable: boolean) => [
    thing('security group', `${name}-nsg`, `for ${sources} and this service`),
    ...(isReachable ? [thing('public address', `${name}-ip`, `for ${sources} and this service`)] : []),
    thing('interface', `${name}-nic`, isReachable ? 'with that public address' : 'without a public address'),
    thing('virtual machine', name, detail),
  ];
  return [
    thing('resource group', azure.resourceGroup, [azure.region, ...tagTexts(azure.tags)].join('; tags for everything: ')),
    thing('virtual network', network.name, network.addressSpace),
    thing('subnet', network.compute.name ?? 'Compute', network.compute.range),
    thing('subnet', network.hsm.name, `${network.hsm.range}, delegated to Microsoft.HardwareSecurityModules/dedicatedHSMs`),
    thing('subnet', 'GatewaySubnet', network.gateway.range),
    ...deployed(hsm),
    thing('partition', hsm.partition.name, `${hsm.partition.sizeBytes} bytes, about ${rsaPairs(hsm.partition.sizeBytes)} RSA-2048 key pairs`),
    ...host(
      lunaClient.vmName,
      `Windows with the Luna client, ${lunaClient.address}, ${lunaClient.image ?? 'Windows 10 Pro'}, ${hostText(windowsHost(request))}`,
      isPublic,
    ),
    ...host(cipherTrust.vmName, `CipherTrust Manager, ${cipherTrust.address}, ${cipherTrust.image}, ${hostText(cipherTrustHost(request))}`, managerIsPublic),
  ];
}

/** The step that finds out early what a field says. */
const titleOfCheck = (field: string): string => stepIds.map(step).find(({ checks }) => checks?.includes(field))?.title ?? '';

/** What somebody must have done before, or the job stops and asks for it. Whether it is done cannot be told from the request. */
function neededBefore(request: ProvisioningRequest): string[] {
  const { acceptTerms, image } = request.cipherTrust;
  const isSold = !image.startsWith('/');
  const secrets = [...new Set(secretsNamed(request).map(({ name }) => name))];
  return [
    ...(isSold && acceptTerms !== true
      ? [
          `The request does not allow this service to accept the marketplace terms of ${image} (cipherTrust.acceptTerms). Accept them for the subscription (az vm image terms accept); otherwise the job stops at “${titleOfCheck('/cipherTrust/acceptTerms')}”, unless the machine already exists.`,
        ]
      : []),
    ...(secrets.length > 0
      ? [
          `Required secrets: ${secrets.join(', ')}. Store each missing one (npm run --silent secret -- --keep NAME < FILE); without them the job stops at “${step(firstStep).title}”.`,
        ]
      : []),
  ];
}

function warnings({ azure, hsm, cipherTrust, removeTemporaryAccess }: ProvisioningRequest): string[] {
  const unauthenticated = cipherTrust.ntp.filter(({ key }) => !key).map(({ host }) => host);
  return [
    'Azure Dedicated HSM ends on 31 July 2028, and new customers are no longer onboarded.',
    `Gateways with Basic public addresses support a Dedicated HSM only until 31 March 2027; ${gatewayAddress(hsm)} Never change, delete or re-create the gateway of an HSM.`,
    'Never delete a resource group that holds an HSM: the HSM continues to be billed. Apply KB0019789 before any reboot of the appliance.',
    ...(hsm.fips ? [] : ['FIPS 140-2 approved operation stays off.']),
    ...(cipherTrust.license === 'none' ? ['Without a license or trial CipherTrust Manager refuses an HSM as root of trust.'] : []),
    ...(cipherTrust.license === 'trial' ? ['The trial license ends after 90 days.'] : []),
    ...(cipherTrust.ntp.length === 0 ? ['Without an NTP server clocks drift apart, and the trust link fails.'] : []),
    ...(unauthenticated.length > 0 ? [`Time from ${unauthenticated.join(', ')} is not authenticated.`] : []),
    ...exposureWarnings(azure, cipherTrust),
    ...((cipherTrust.sshPublicKey ?? cipherTrust.sshKeyInAzure) !== undefined && !cipherTrust.sshPrivateKey
      ? [
          'This service does not have the private part of ksadmin’s SSH key. Store it safely: without it nobody can upgrade, reset or repair CipherTrust Manager.',
        ]
      : []),
    ...(hsm.template && Object.keys(azure.tags ?? {}).length > 0
      ? ['Your template is deployed unchanged, so its resources get only the tags that the template sets.']
      : []),
    ...(azure.access === 'private' ? ['Only the gateway gets a public address: this service must reach the virtual network from inside.'] : []),
    ...(removeTemporaryAccess === false ? ['The temporary rules for SSH and RDP stay open, and the Windows host continues to run.'] : []),
  ];
}

/** What address a gateway gets that is made here. */
function gatewayAddress({ template }: ProvisioningRequest['hsm']): string {
  if (!template) return 'the one created here has a Standard address.';
  const texts = {
    Standard: 'your template creates a Standard one.',
    Basic: 'your template creates a Basic one. Ask Microsoft for another template, or remove it from the request.',
    unknown: 'check which kind your template creates.',
  };
  return texts[addressSkuOf(template.inline)];
}

/** Who can reach a CipherTrust Manager whose first password anybody knows. */
function exposureWarnings({ access }: ProvisioningRequest['azure'], cipherTrust: ProvisioningRequest['cipherTrust']): string[] {
  if (throughClient(cipherTrust))
    return [
      'CipherTrust Manager is set up once the Windows host is ready; until then it accepts admin/admin from inside the virtual network.',
      ...(access === 'public' ? ['The Windows host gets a public address; CipherTrust Manager gets none.'] : []),
    ];
  return access === 'public'
    ? ['Both hosts get public addresses; until its password is set, CipherTrust Manager accepts admin/admin from the allowed sources.']
    : [];
}

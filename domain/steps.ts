import type { ProvisioningRequest } from './request.ts';
import { throughClient, wantsOwnFace } from './request-parts.ts';

/** A phase is a section of the runbook. */
export const phases = {
  permissions: 'Acquire permissions',
  network: 'Create the Azure resources',
  hsm: 'Deploy the Dedicated Luna HSM',
  'luna-client': 'Create the Windows instance',
  ciphertrust: 'Deploy CipherTrust Manager',
  'hsm-setup': 'Configure the Dedicated Luna HSM',
  partition: 'Access and configure the partition',
  'root-of-trust': 'Make the partition the root of trust',
  report: 'Report',
} as const;

export type PhaseId = keyof typeof phases;

export interface StepDefinition {
  phase: PhaseId;
  title: string;
  /** How long it usually takes, in minutes: the plan's estimate. */
  usualMinutes: number;
  /** When polling and retrying ends and a person is asked, counted from the first attempt. */
  deadline: `${number} ${'minutes' | 'hours' | 'days'}`;
  /** Is it part of what this request asks for? It is in every job when absent. */
  isFor?(request: ProvisioningRequest): boolean;
  /** The steps whose results it needs. */
  after: readonly string[];
  /** Further ones that it needs where a request asks for that. */
  alsoAfter?(request: ProvisioningRequest): readonly string[];
  /**
   * The fields of the request that it reads and builds on, as JSON pointers (with all that is in them): fixed once it is done. Those that nobody may change
   * anyway, `fixedFields`, are not listed.
   */
  uses: readonly string[];
  /** Fields that it reads only to find mistakes early: the step that uses one finds them, too. */
  checks?: readonly string[];
  /** May a cancel stop it half-way? Not where it destroys, and not where a script with a password on the Windows host would stay behind. Its deadline still ends it. */
  interruptible: boolean;
  /** May an operator pass over it after a failure? */
  skippable: boolean;
  /** Comes after the step before it even where the job was cancelled meanwhile: what is left open without it is worse. */
  mustFollow?: true;
  /** What it destroys of what a person may miss, in one sentence; absent for most. */
  destroys?: string;
  /** It sends a command that erases data on the HSM or CipherTrust Manager: which data, in one sentence. */
  erases?: string;
  /** It gives a machine a secret that this did not have yet, or access to keys: what to whom, in one sentence. Signing in to a pinned host again does not count. */
  discloses?: string;
  /** It makes a machine with the temporary rules for administration, which stay open until a step says that it removed them. */
  opensDoors?: true;
  /** From here on admin’s initial password may be in force at CipherTrust Manager, until the step named has replaced it. */
  opensManager?: { when: 'first boot' | 'after the wipe'; until: string };
  /** What is certain once it is done, as the subject of “… is verified”. */
  verifies?: string;
  /** What it started in Azure and nobody stops by cancelling the job; absent where nothing is left that takes long or costs. */
  continuesAlone?: ContinuesAlone;
}

export interface ContinuesAlone {
  /** As the subject of a sentence. */
  what: string;
  /** Commands that stop it and delete what it made. `{resourceGroup}`, `{hsm}`, `{windowsHost}` and `{cipherTrust}` stand for the request’s names. */
  stop: string;
}

/** Whose sign-in at the Windows host every connection to the HSM goes through. */
const shell = '/lunaClient/adminUser';
const ksadminKey = ['/cipherTrust/sshPublicKey', '/cipherTrust/sshPrivateKey', '/cipherTrust/sshKeyInAzure'] as const;

const usual = { deadline: '1 hours', interruptible: true, skippable: false } as const;

/**
 * The one list of what a job does. The id is also the name of the activity and of its file, `activities/{phase}/{id}.ts`; `approve-zeroize` alone is no
 * activity: it waits for a person.
 */
export const catalog = {
  'keep-secrets': {
    ...usual,
    phase: 'permissions',
    title: 'Generate and keep every password',
    usualMinutes: 0.1,
    after: [],
    uses: [...ksadminKey],
    checks: [''],
  },
  'check-feature': {
    ...usual,
    phase: 'permissions',
    title: 'Check the access to Dedicated HSM',
    usualMinutes: 0.1,
    deadline: '30 days',
    after: ['keep-secrets'],
    uses: [],
  },
  'register-providers': { ...usual, phase: 'permissions', title: 'Register the resource providers', usualMinutes: 1, after: ['check-feature'], uses: [] },
  'check-availability': {
    ...usual,
    phase: 'permissions',
    title: 'Check region, quota, sizes and images',
    usualMinutes: 0.1,
    after: ['register-providers'],
    uses: ['/lunaClient/image', '/cipherTrust/image', '/cipherTrust/sshKeyInAzure'],
    checks: ['/lunaClient/size', '/lunaClient/disk', '/cipherTrust/size', '/cipherTrust/disk', '/cipherTrust/acceptTerms', '/hsm/stamp', '/hsm/template'],
  },

  'resource-group': { ...usual, phase: 'network', title: 'Create the resource group', usualMinutes: 0.1, after: ['check-availability'], uses: ['/azure/tags'] },
  'virtual-network': {
    ...usual,
    phase: 'network',
    title: 'Create the virtual network and its subnets',
    usualMinutes: 0.3,
    after: ['resource-group'],
    uses: ['/azure/tags', '/network/addressSpace', '/network/compute', '/network/hsm', '/network/gateway'],
  },

  'deploy-hsm': {
    ...usual,
    phase: 'hsm',
    title: 'Deploy the gateway and the HSM',
    usualMinutes: 60,
    deadline: '3 hours',
    after: ['virtual-network'],
    uses: ['/azure/tags', '/hsm/address', '/hsm/stamp', '/hsm/template', '/network/hsm/name'],
    continuesAlone: {
      what: 'The deployment HSMdeploy of the gateway and the HSM',
      stop: 'az deployment group cancel -g {resourceGroup} -n HSMdeploy; then delete in the Azure portal what it created so far, the HSM {hsm} first',
    },
  },
  'verify-hsm': {
    ...usual,
    phase: 'hsm',
    title: 'Verify the HSM resource',
    usualMinutes: 0.1,
    after: ['deploy-hsm'],
    uses: ['/hsm/address', '/hsm/stamp', '/hsm/template', '/network/hsm/name'],
  },

  'windows-vm': {
    ...usual,
    phase: 'luna-client',
    title: 'Create the Windows host',
    usualMinutes: 4,
    opensDoors: true,
    after: ['virtual-network'],
    uses: ['/azure/access', '/azure/adminSources', '/azure/tags', '/lunaClient/address', '/lunaClient/adminUser', '/lunaClient/size', '/lunaClient/disk'],
    discloses: 'Gives Azure the password of the Windows host’s administrator.',
    continuesAlone: {
      what: 'The creation of the Windows host {windowsHost}',
      stop: 'az vm delete -g {resourceGroup} -n {windowsHost}',
    },
  },
  'install-luna-client': {
    ...usual,
    phase: 'luna-client',
    title: 'Install the Luna client',
    usualMinutes: 6,
    deadline: '2 hours',
    after: ['windows-vm'],
    uses: ['/azure/tags', '/lunaClient/installer', '/lunaClient/version', '/lunaClient/certificateClient'],
    discloses: 'Gives the Windows host the addresses of the installers, with any signature in them.',
    continuesAlone: {
      what: 'The installation of the Luna client on {windowsHost}',
      stop: 'az vm deallocate -g {resourceGroup} -n {windowsHost}',
    },
  },

  'accept-terms': {
    ...usual,
    phase: 'ciphertrust',
    title: 'Accept the marketplace terms',
    usualMinutes: 0.1,
    after: ['virtual-network'],
    uses: ['/cipherTrust/acceptTerms'],
  },
  'ciphertrust-vm': {
    ...usual,
    phase: 'ciphertrust',
    title: 'Create the CipherTrust Manager',
    usualMinutes: 4,
    opensDoors: true,
    after: ['accept-terms'],
    uses: ['/azure/access', '/azure/adminSources', '/azure/tags', '/cipherTrust/address', '/cipherTrust/customData', '/cipherTrust/size', '/cipherTrust/disk'],
    discloses: 'Gives Azure the custom data of the CipherTrust Manager, where the request names one.',
    continuesAlone: {
      what: 'The creation of the CipherTrust Manager {cipherTrust}',
      stop: 'az vm delete -g {resourceGroup} -n {cipherTrust}',
    },
  },
  'first-boot': {
    ...usual,
    phase: 'ciphertrust',
    title: 'Wait for the first boot',
    usualMinutes: 5,
    deadline: '30 minutes',
    after: ['ciphertrust-vm'],
    alsoAfter: ({ cipherTrust }) => (throughClient(cipherTrust) ? ['install-luna-client'] : []),
    uses: [],
    opensManager: { when: 'first boot', until: 'admin-password' },
  },
  'admin-password': {
    ...usual,
    phase: 'ciphertrust',
    title: 'Set the admin password',
    usualMinutes: 0.1,
    interruptible: false,
    after: ['first-boot'],
    uses: [...ksadminKey, '/cipherTrust/customData'],
    mustFollow: true,
    discloses: 'Gives CipherTrust Manager the password of its admin.',
  },
  ntp: {
    ...usual,
    phase: 'ciphertrust',
    title: 'Add the NTP servers',
    usualMinutes: 1,
    skippable: true,
    after: ['admin-password'],
    uses: ['/cipherTrust/ntp'],
    discloses: 'Gives CipherTrust Manager the keys of the time servers.',
  },
  license: {
    ...usual,
    phase: 'ciphertrust',
    title: 'Activate the license',
    usualMinutes: 0.1,
    after: ['ntp'],
    uses: ['/cipherTrust/license'],
    discloses: 'Gives CipherTrust Manager the license.',
  },

  'appliance-password': {
    ...usual,
    phase: 'hsm-setup',
    title: 'Replace the default appliance password',
    usualMinutes: 0.2,
    interruptible: false,
    after: ['verify-hsm', 'install-luna-client'],
    uses: [shell],
    discloses: 'Gives the HSM appliance the password of its admin.',
  },
  'inspect-hsm': { ...usual, phase: 'hsm-setup', title: 'Inspect the HSM', usualMinutes: 0.1, after: ['appliance-password'], uses: [shell, '/hsm/label'] },
  'initialize-hsm': {
    ...usual,
    phase: 'hsm-setup',
    title: 'Initialize the HSM',
    usualMinutes: 1,
    interruptible: false,
    after: ['inspect-hsm'],
    uses: [shell, '/hsm/label'],
    erases: 'Initializes the HSM, which erases whatever it holds; only a zeroized one is initialized.',
    discloses: 'Gives the HSM the password of its security officer and its cloning domain.',
  },
  'approve-zeroize': {
    ...usual,
    phase: 'hsm-setup',
    title: 'Wait for the approval to zeroize',
    usualMinutes: 0,
    isFor: ({ hsm }) => hsm.fips,
    after: ['initialize-hsm'],
    uses: ['/hsm/fips'],
  },
  'fips-mode': {
    ...usual,
    phase: 'hsm-setup',
    title: 'Turn on FIPS 140-2 approved operation',
    usualMinutes: 1,
    isFor: ({ hsm }) => hsm.fips,
    interruptible: false,
    after: ['approve-zeroize'],
    uses: [shell, '/hsm/label'],
    destroys: 'Erases every partition of the HSM and all keys in them.',
    erases: 'Changes a policy that zeroizes the HSM, then initializes it again.',
    discloses: 'Gives the HSM the password of its security officer and its cloning domain again.',
  },
  'create-partition': {
    ...usual,
    phase: 'hsm-setup',
    title: 'Create the partition',
    usualMinutes: 0.3,
    interruptible: false,
    after: ['fips-mode'],
    uses: [shell, '/hsm/label', '/hsm/partition'],
  },
  'prepare-ntls': {
    ...usual,
    phase: 'hsm-setup',
    title: 'Prepare the network trust link',
    usualMinutes: 0.6,
    interruptible: false,
    after: ['create-partition'],
    uses: [shell, '/allowClockChange'],
    erases: 'Replaces the certificate and key of the network trust link, only while no client is registered.',
  },

  'connect-client': {
    ...usual,
    phase: 'partition',
    title: 'Connect the Luna client',
    usualMinutes: 2,
    interruptible: false,
    after: ['prepare-ntls'],
    uses: [shell, '/lunaClient/address', '/hsm/partition/name'],
    erases: 'Deletes the registration of the Windows host where it is ours and gives no access, then registers it again.',
    discloses: 'Gives the Windows host the password of the HSM appliance’s admin.',
  },
  'initialize-partition': {
    ...usual,
    phase: 'partition',
    title: 'Initialize the partition',
    usualMinutes: 0.3,
    interruptible: false,
    after: ['connect-client'],
    uses: [shell, '/hsm/partition/name'],
    erases: 'Initializes the partition, which erases whatever it holds; only one without label and objects is initialized.',
    discloses: 'Gives the Windows host the password of the partition’s security officer and the partition’s cloning domain.',
  },
  'crypto-officer': {
    ...usual,
    phase: 'partition',
    title: 'Set up the crypto officer',
    usualMinutes: 0.2,
    interruptible: false,
    after: ['initialize-partition'],
    uses: [shell, '/hsm/partition/name'],
    discloses: 'Gives the Windows host the passwords of the partition’s security officer and crypto officer.',
  },

  'client-certificate': {
    ...usual,
    phase: 'root-of-trust',
    title: 'Make the client certificate',
    usualMinutes: 0.2,
    interruptible: false,
    after: ['crypto-officer', 'license'],
    uses: [shell, '/certificate', '/cipherTrust/address', '/lunaClient/certificateClient', '/lunaClient/certificateDays'],
  },
  'register-client': {
    ...usual,
    phase: 'root-of-trust',
    title: 'Register CipherTrust Manager with the HSM',
    usualMinutes: 0.2,
    interruptible: false,
    after: ['client-certificate'],
    uses: [shell, '/cipherTrust/address', '/hsm/partition/name'],
    erases: 'Deletes the registration of CipherTrust Manager where it is ours with an earlier certificate, then registers it again.',
    discloses: 'Gives whoever holds the key of the client certificate access to the partition.',
  },
  'set-root-of-trust': {
    ...usual,
    phase: 'root-of-trust',
    title: 'Set the HSM as root of trust',
    usualMinutes: 3.5,
    interruptible: false,
    after: ['register-client'],
    uses: [shell, '/hsm/partition/name'],
    opensManager: { when: 'after the wipe', until: 'reset-password' },
    destroys: 'Erases all data of CipherTrust Manager; you are asked first unless this job made it and nothing is in it.',
    erases: 'Erases all data of CipherTrust Manager.',
    discloses: 'Gives CipherTrust Manager the crypto officer’s password and the key of the client certificate.',
  },
  'reset-password': {
    ...usual,
    phase: 'root-of-trust',
    title: 'Set the admin password again',
    usualMinutes: 0.2,
    interruptible: false,
    after: ['set-root-of-trust'],
    uses: [...ksadminKey, '/cipherTrust/customData', '/cipherTrust/ntp', '/cipherTrust/license'],
    mustFollow: true,
    discloses: 'Gives CipherTrust Manager the password of its admin, the keys of the time servers and the license again.',
  },
  'verify-root-of-trust': {
    ...usual,
    phase: 'root-of-trust',
    title: 'Verify the root of trust',
    usualMinutes: 0.1,
    interruptible: false,
    after: ['reset-password'],
    uses: [shell, '/hsm/partition/name'],
    verifies: 'The root of trust',
  },

  'web-certificate': {
    ...usual,
    phase: 'root-of-trust',
    title: 'Set the host name and the web certificate',
    usualMinutes: 0.5,
    isFor: ({ cipherTrust }) => wantsOwnFace(cipherTrust),
    skippable: true,
    after: ['verify-root-of-trust'],
    uses: ['/cipherTrust/hostName', '/cipherTrust/webCertificate', '/cipherTrust/address'],
    discloses: 'Gives CipherTrust Manager the key of its web certificate.',
  },

  'confirm-root-of-trust': {
    ...usual,
    phase: 'report',
    title: 'Check the root of trust once more',
    usualMinutes: 0.1,
    after: ['web-certificate'],
    uses: [shell, '/hsm/label'],
  },
  'remove-temporary-access': {
    ...usual,
    phase: 'report',
    title: 'Remove temporary access',
    usualMinutes: 1,
    skippable: true,
    after: ['confirm-root-of-trust'],
    uses: ['/removeTemporaryAccess'],
  },
  report: { ...usual, phase: 'report', title: 'Store the report', usualMinutes: 0.1, after: ['remove-temporary-access'], uses: [shell, '/hsm/label'] },
} as const satisfies Record<string, StepDefinition>;

export type StepId = keyof typeof catalog;
/** A step that is carried out by an activity of the same name. */
export type ActivityId = Exclude<StepId, 'approve-zeroize'>;

/** A step that waits for a person instead. */
export type WaitingId = Exclude<StepId, ActivityId>;

/** The ids of a catalog, or of a part of it, in its order. */
export const idsOf = <Id extends string>(steps: Readonly<Record<Id, unknown>>): Id[] => Object.keys(steps) as Id[];

export const stepIds: StepId[] = idsOf(catalog);
/** Comes before all others: nothing was touched yet, so here a job is refused whose request breaks a rule or names a secret that is missing. */
export const firstStep: StepId = stepIds[0]!;
/** One of what is made for each step of the catalog. */
export const forAllSteps = <One>(make: (id: StepId) => One): Record<StepId, One> =>
  Object.fromEntries(stepIds.map((id): [StepId, One] => [id, make(id)])) as Record<StepId, One>;
export const step = (id: StepId): StepDefinition => catalog[id];

import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { StepResult } from '../../../domain/results.ts';
import { selfSigned } from '../../../simulator/certificates.ts';
import { type ApplianceState, newCounts, newPartition, type PartitionState } from '../../../simulator/luna/state.ts';
import { clientFolder, type HostState } from '../../../simulator/windows/state.ts';
import { secretName } from '../../../stores/secrets/store.ts';
import { digestOf, type parseHsmShow } from '../../../systems/lunash/parse.ts';
import type { WorldState } from './memory-world.ts';
import { addresses, type Plant, request, type Scenario, secretOf, target } from './plant.ts';

export const server = await selfSigned({ commonName: 'local_host' });
const { label, partition: wanted } = request.hsm;

/** As Azure delivers it, after the first sign-in. */
const delivered = (): ApplianceState => ({
  name: 'kylo-luna-hsm',
  address: addresses.hsm,
  hostname: 'local_host',
  hostKeyPem: '',
  users: [{ name: 'tenantadmin', password: secretOf('appliance-password'), mustChange: false }],
  files: { 'server.pem': server.certificatePem },
  server,
  hsm: { serial: '572413', label: '', zeroized: true, soAttemptsLeft: 3, fips: false, partitions: [] },
  counts: newCounts(),
  clients: [],
  ntls: { device: null, running: true, ipCheck: true },
  clock: { skewMinutes: 0, zone: 'EDT' },
});

const initialized = (partitions: PartitionState[] = []): ApplianceState => {
  const state = delivered();
  Object.assign(state.hsm, { label, zeroized: false, soPassword: secretOf('hsm-so-password'), domain: secretOf('hsm-domain'), partitions });
  return state;
};

const withFips = (partitions: PartitionState[] = []): ApplianceState => {
  const state = initialized(partitions);
  state.hsm.fips = true;
  return state;
};

const theirs = { ...newPartition('theirs', 20_000), label: 'theirs', objects: ['their-key'], poPassword: 'x', coPassword: 'y' };
const ours = () => ({ ...newPartition(wanted.name, wanted.sizeBytes), serial: '1234567890123' });
const rootKeys = ['root-key-1', 'root-key-2'];

/** What an approval of this state is bound to. */
const digestOfHsm = ({ hsm }: ApplianceState): string =>
  digestOf(
    { ...hsm, firmware: '', software: '', bytesInUse: hsm.partitions.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) } as NonNullable<
      ReturnType<typeof parseHsmShow>
    >,
    hsm.partitions.map(({ serial, name, objects }) => ({ serial, name, objects: objects.length, usedBytes: objects.length * 830 })),
  );

const on = (appliance: ApplianceState, host?: HostState) => ({
  appliances: { [addresses.hsm]: appliance },
  ...(host ? { windowsHosts: { [addresses.windows]: host } } : {}),
});

export const unless = (holds: boolean, what: string): string[] => (holds ? [] : [what]);

/** CipherTrust’s root keys come into the partition of the job. */
const rootKeysIn = ({ hsm: { hsm } }: Plant): void => {
  const found = hsm.partitions.find(({ name }) => name === wanted.name);
  if (found) found.objects.push(...rootKeys);
  else hsm.partitions.push({ ...ours(), label: wanted.name, objects: [...rootKeys] });
};

/** What later steps made is there still. */
const laterHolds = ({ hsm: { hsm } }: Plant, later: boolean): string[] =>
  unless(!later || rootKeys.every((key) => hsm.partitions.some(({ objects }) => objects.includes(key))), 'CipherTrust’s root keys are erased');

/** Remembers whether later steps had begun, for what is looked at in the end. */
function withLater(scenario: Scenario, later: (plant: Plant) => void = rootKeysIn): Scenario {
  const began = new WeakSet<Plant>();
  return {
    ...scenario,
    later(plant) {
      later(plant);
      began.add(plant);
    },
    wrong: (plant) => [...scenario.wrong(plant), ...laterHolds(plant, began.has(plant))],
  };
}

/** Which certificate of the appliance clients trust that registered later. */
const trusted = new WeakMap<ApplianceState, string>();

/** An approval is good for one try: whoever takes over from one that used it, and finds the mode off, asks for another approval, and nothing is erased. */
function wrongWithFips({ hsm: { hsm }, actors }: Plant): string[] {
  const result = actors.at(-1)?.ended?.result as { outcome?: string } | undefined;
  if (actors.length === 1 || result?.outcome !== 'approval-used')
    return unless(hsm.fips && result?.outcome === 'on', `FIPS mode is not on: ${result?.outcome}`);
  return unless(!hsm.fips && hsm.partitions.some(({ name }) => name === 'theirs'), 'it was erased, and yet another approval is asked for');
}

const untouched = (): ApplianceState => ({ ...delivered(), users: [{ name: 'tenantadmin', password: 'PASSWORD', mustChange: true }] });

/** The steps at the HSM itself. */
export const lunashScenarios: Scenario[] = [
  {
    step: 'appliance-password',
    world: on(untouched()),
    input: { hsmAddress: addresses.hsm },
    most: { 'lunash:first sign-in': 1 },
    entries: { 'luna-ssh:sign-in': 'appliance-sign-in' },
    wrong: (plant) => [
      ...unless(plant.hsm.users[0]!.password === secretOf('appliance-password'), 'it has not the kept password'),
      ...unless(plant.entered('appliance-password-replace-begun') > 0, 'it has the kept password, and nothing says how'),
    ],
  },
  withLater({
    step: 'initialize-hsm',
    world: on(delivered()),
    most: { 'lunash:hsm init': 1 },
    entries: { 'lunash:hsm init': 'initialize-begun' },
    wrong: ({ hsm: { hsm } }) => [
      ...unless(!hsm.zeroized && hsm.label === label, 'the HSM is not initialized under its label'),
      ...unless(hsm.soPassword === secretOf('hsm-so-password') && hsm.domain === secretOf('hsm-domain'), 'its secrets are not the kept ones'),
      ...unless(hsm.soAttemptsLeft === 3, 'sign-ins of the SO are used up'),
    ],
  }),
  withLater({
    step: 'fips-mode',
    world: on(initialized([theirs])),
    input: { approvedDigest: digestOfHsm(initialized([theirs])), approvalId: 'approval-1' },
    most: { 'lunash:hsm changePolicy': 1 },
    granted: { approvalId: 'approval-1', digest: digestOfHsm(initialized([theirs])) },
    entries: { 'lunash:hsm changePolicy': ['approval-granted', 'erase-begun'] },
    wrong: (plant) => [...wrongWithFips(plant), ...unless(plant.hsm.hsm.soAttemptsLeft === 3, 'sign-ins of the SO are used up')],
  }),
  withLater(
    {
      step: 'create-partition',
      world: on(withFips([theirs])),
      most: { 'lunash:partition create': 1 },
      entries: { 'lunash:partition create': 'partition-create-begun' },
      wrong: ({ hsm: { hsm } }) => [
        ...unless(hsm.partitions.filter(({ name }) => name === wanted.name).length === 1, 'there is not one partition of the name'),
        ...unless(
          hsm.partitions.some(({ name }) => name === 'theirs'),
          'another partition is gone',
        ),
      ],
    },
    rootKeysIn,
  ),
  withLater(
    {
      step: 'prepare-ntls',
      world: on(withFips([ours()])),
      most: { 'lunash:sysconf regenCert': 1 },
      entries: {
        'lunash:sysconf regenCert': 'server-certificate-replace-begun',
        'lunash:ntls bind': 'command-begun',
        'lunash:service restart ntls': 'command-begun',
      },
      wrong: ({ hsm, hsm: { ntls, server: active, clients } }) => [
        ...unless(ntls.running && ntls.active?.certificatePem === active.certificatePem, 'NTLS does not serve the present certificate'),
        ...unless(clients.length === 0 || active.certificatePem === trusted.get(hsm), 'a registered client is cut off'),
      ],
    },
    (plant) => {
      const { hsm } = plant;
      rootKeysIn(plant);
      hsm.clients.push({ name: 'later', ip: addresses.windows, certificatePem: '', partitions: [wanted.name] });
      trusted.set(hsm, hsm.server.certificatePem);
    },
  ),
];

const hostIdentity = await selfSigned({ commonName: addresses.windows });

/** A host with the Luna client, and a link to the HSM where it has an identity. */
function host(linked: boolean): HostState {
  const state: HostState = {
    name: 'lunaclient',
    address: addresses.windows,
    adminUser: 'LunaAdmin',
    adminPassword: secretOf('windows-admin-password'),
    files: {},
    hostKeys: { rsa: '' },
    sshd: { installed: true, running: true },
    lunaClient: { version: '7.4.0' },
  };
  const file = (path: string, text: string) => {
    state.files[path.toLowerCase()] = { path, content: Buffer.from(text).toString('base64') };
  };
  const certificates = `${clientFolder}\\cert\\client\\${addresses.windows}`;
  const linkedTo = linked ? `ServerName00=${addresses.hsm}\r\nClientPrivKeyFile=${certificates}Key.pem\r\nClientCertFile=${certificates}.pem\r\n` : '';
  file(`${clientFolder}\\crystoki.ini`, `[LunaSA Client]\r\n${linkedTo}`);
  if (linked) {
    file(`${certificates}Key.pem`, hostIdentity.privateKeyPem);
    file(`${certificates}.pem`, hostIdentity.certificatePem);
    file(`${clientFolder}\\cert\\server\\CAFile.pem`, server.certificatePem);
  }
  return state;
}

export const served = (partition: PartitionState, linked = true): ApplianceState => {
  const state = withFips([partition]);
  state.ntls = { device: 'eth0', running: true, ipCheck: true, active: { device: 'eth0', certificatePem: server.certificatePem } };
  if (linked) state.clients = [{ name: addresses.windows, ip: addresses.windows, certificatePem: hostIdentity.certificatePem, partitions: [partition.name] }];
  return state;
};

const partitionSerial = ours().serial;
export const initializedPartition = () => ({
  ...ours(),
  label: wanted.name,
  poPassword: secretOf('partition-so-password'),
  domain: secretOf('partition-domain'),
});
const ourPartition = ({ hsm: { hsm } }: Plant): PartitionState => hsm.partitions.find(({ serial }) => serial === partitionSerial)!;

const certificateOf = (pem: string) => ({ pem, fingerprint: '', notAfter: '' });
const { vmName: managerName } = request.cipherTrust;
const managerIdentity = await selfSigned({ commonName: addresses.manager });
const partitionWithRoles = () => ({ ...initializedPartition(), coPassword: secretOf('crypto-officer-password') });

/** The steps at the partition, through the Luna client of the Windows host. */
export const lunacmScenarios: Scenario[] = [
  withLater({
    step: 'initialize-partition',
    world: on(served(ours()), host(true)),
    input: { partitionSerial },
    most: { 'lunacm:partition init': 1 },
    entries: { 'lunacm:partition init': ['partition-initialize-begun', 'secret-given'] },
    wrong: (plant) => [
      ...unless(ourPartition(plant).label === wanted.name, 'the partition has not its label'),
      ...unless(ourPartition(plant).poPassword === secretOf('partition-so-password'), 'its SO has another password than the kept one'),
    ],
  }),
  withLater({
    step: 'crypto-officer',
    world: on(served(initializedPartition()), host(true)),
    input: { partitionSerial },
    most: { 'lunacm:role init': 1 },
    entries: { 'lunacm:role init': ['role-initialize-begun', 'secret-given'], 'lunacm:role login': 'secret-given' },
    wrong: (plant) => {
      const { coPassword, coMustChange, coAttemptsLeft } = ourPartition(plant);
      return [
        ...unless(coPassword === secretOf('crypto-officer-password') && !coMustChange, 'the crypto officer has not the kept password'),
        ...unless(coAttemptsLeft === 10, 'sign-ins of the crypto officer are used up'),
      ];
    },
  }),
  withLater({
    step: 'connect-client',
    world: on(served(ours(), false), host(false)),
    input: { partitionSerial },
    // One that took over after an unheard answer may deploy once more, after it deleted the first.
    most: { 'lunacm:clientconfig deploy': 2 },
    entries: { 'lunacm:clientconfig deploy': ['secret-given', 'client-deploy-begun'] },
    wrong: ({ hsm: { clients } }) => unless(clients.filter(({ ip }) => ip === addresses.windows).length === 1, 'the host is not registered once'),
  }),
  {
    step: 'client-certificate',
    world: on(served(partitionWithRoles()), host(true)),
    input: { partitionSerial },
    withoutSecrets: ['client-certificate-key'],
    most: {},
    entries: { 'vtl:createcert': 'client-certificate-create-begun' },
    wrong: ({ actors, secrets, world }) => {
      const { clientCertificate } = actors.at(-1)!.ended!.result as StepResult<'client-certificate'>;
      const key = secrets.get(secretName(target, 'client-certificate-key'));
      const files = Object.keys((world.state as WorldState).windowsHosts![addresses.windows]!.files);
      return [
        ...unless(
          key !== undefined && new X509Certificate(clientCertificate.pem).checkPrivateKey(createPrivateKey(key)),
          'the kept key is not that of the certificate',
        ),
        ...unless(!files.some((name) => name.includes(`${addresses.manager}key.pem`)), 'its key is still on the host'),
      ];
    },
  },
  {
    step: 'register-client',
    world: on(served(partitionWithRoles()), host(true)),
    input: { partitionSerial, clientCertificate: certificateOf(managerIdentity.certificatePem) },
    most: { 'lunash:client register': 1, 'lunash:client assignPartition': 1 },
    entries: {
      'lunash:client register': ['secret-given', 'client-register-begun'],
      'lunash:client assignPartition': ['secret-given', 'client-assign-begun'],
    },
    wrong: ({ hsm: { clients } }) => {
      const found = clients.filter(({ name }) => name === managerName);
      return unless(found.length === 1 && found[0]!.partitions.includes(wanted.name), 'it is not registered once with its partition');
    },
  },
];

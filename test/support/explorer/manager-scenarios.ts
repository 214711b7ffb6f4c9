import { X509Certificate } from 'node:crypto';
import { selfSigned } from '../../../simulator/certificates.ts';
import { adminOf, type ManagerState, newManager } from '../../../simulator/ciphertrust/state.ts';
import { managerCreated } from '../own-machines.ts';
import { initializedPartition, served, server, unless } from './luna-scenarios.ts';
import { memoryWorld } from './memory-world.ts';
import { addresses, type Plant, request, type Scenario, secretOf } from './plant.ts';

const { vmName } = request.cipherTrust;
const client = await selfSigned({ commonName: vmName });
const delivered = await newManager(
  memoryWorld({}, () => {}),
  { name: vmName, address: addresses.manager, adminUser: 'ksadmin', sshPublicKey: 'ssh-rsa AAAA' },
);
const pin = new X509Certificate(delivered.web.certificatePem).fingerprint256;
const cipherTrust = { address: addresses.manager, pin };

/** Started, with the kept password and a trial. */
const ready = (): ManagerState => {
  const state = structuredClone(delivered);
  Object.assign(adminOf(state), { password: secretOf('ciphertrust-admin-password'), mustChange: false });
  state.data.trial.status = 'activated';
  return state;
};

const partition = () => ({ ...initializedPartition(), coPassword: secretOf('crypto-officer-password') });
const hsm = () => {
  const state = served(partition());
  state.clients = [{ name: vmName, ip: addresses.manager, certificatePem: client.certificatePem, partitions: [partition().name] }];
  return state;
};
const managerOf = ({ world }: Plant): ManagerState => (world.state['cipherTrusts'] as Record<string, ManagerState>)[addresses.manager]!;
const certificate = (pem: string) => ({ pem, fingerprint: '', notAfter: '' });

const replaced = 'ciphertrust:PATCH /v1/auth/changepw';
const addsTimeServer = 'ciphertrust:POST /v1/system/ntp/servers';
const licensed = 'ciphertrust:POST /v1/licensing/licenses';
const certified = 'ciphertrust:PUT /v1/configs/interfaces/{id}/certificate';
const showsPassword = { 'ciphertrust:POST /v1/auth/tokens': 'admin-password-tried' };
const requestWith = (changed: Partial<typeof request.cipherTrust>) => ({ ...request, cipherTrust: { ...request.cipherTrust, ...changed } });
const isOurs = (plant: Plant): string[] =>
  unless(adminOf(managerOf(plant)).password === secretOf('ciphertrust-admin-password'), 'admin has another password than the kept one');
const hasTimeServers = (plant: Plant): string[] =>
  unless(managerOf(plant).data.ntp.length === request.cipherTrust.ntp.length, `it has ${managerOf(plant).data.ntp.length} time servers`);
const web = await selfSigned({ commonName: addresses.manager });

/** The steps at CipherTrust Manager. */
export const managerScenarios: Scenario[] = [
  {
    step: 'admin-password',
    world: { cipherTrusts: { [addresses.manager]: delivered } },
    input: { cipherTrust, openSince: new Date().toISOString() },
    most: { [replaced]: 1 },
    entries: { [replaced]: 'admin-password-replace-begun', ...showsPassword },
    // Where it cannot be recorded that a password was refused, no other one is shown.
    mayStop: 'after a lost answer',
    wrong: isOurs,
  },
  {
    step: 'ntp',
    world: { cipherTrusts: { [addresses.manager]: ready() } },
    input: { cipherTrust },
    secrets: { 'ntp-key': '0123456789abcdef0123456789abcdef01234567' },
    most: { [addsTimeServer]: request.cipherTrust.ntp.length },
    entries: showsPassword,
    wrong: hasTimeServers,
  },
  {
    step: 'license',
    world: { cipherTrusts: { [addresses.manager]: ready() } },
    input: { cipherTrust, request: requestWith({ license: { secret: 'license' } }) },
    secrets: { license: 'a-license' },
    most: { [licensed]: 1 },
    entries: showsPassword,
    wrong: () => [],
  },
  {
    step: 'reset-password',
    world: { cipherTrusts: { [addresses.manager]: delivered } },
    input: { cipherTrust, openSince: new Date().toISOString(), partitionSerial: '1' },
    secrets: { 'ntp-key': '0123456789abcdef0123456789abcdef01234567' },
    most: { [replaced]: 1, [addsTimeServer]: request.cipherTrust.ntp.length },
    entries: { [replaced]: 'admin-password-replace-begun' },
    mayStop: 'after a lost answer',
    wrong: (plant) => [...isOurs(plant), ...hasTimeServers(plant), ...unless(managerOf(plant).data.trial.status === 'activated', 'the trial is not active')],
  },
  {
    step: 'web-certificate',
    world: { cipherTrusts: { [addresses.manager]: ready() } },
    input: { cipherTrust, request: requestWith({ webCertificate: { secret: 'web' }, hostName: 'manager.example.com' }) },
    secrets: { web: `${web.certificatePem}\n${web.privateKeyPem}` },
    most: { [certified]: 1 },
    entries: showsPassword,
    wrong: (plant) => unless(managerOf(plant).web.certificatePem.trim() === web.certificatePem.trim(), 'it presents another certificate'),
  },
  {
    step: 'set-root-of-trust',
    world: { appliances: { [addresses.hsm]: hsm() }, cipherTrusts: { [addresses.manager]: ready() } },
    input: {
      // The look at the HSM has an exploration of its own.
      hsm: undefined,
      windows: undefined,
      cipherTrust,
      hsmAddress: addresses.hsm,
      partitionSerial: partition().serial,
      serverCertificate: certificate(server.certificatePem),
      clientCertificate: certificate(client.certificatePem),
      keySecret: 'client-key',
      fresh: true,
    },
    earlier: managerCreated(request),
    secrets: { 'client-key': client.privateKeyPem },
    most: { 'ciphertrust:POST /v1/system/hsm/setup': 1 },
    entries: { 'ciphertrust:POST /v1/system/hsm/setup': 'setup-sent' },
    // After a request that nobody heard of, a person is asked before another one is sent.
    mayStop: 'always',
    wrong: (plant) => unless(managerOf(plant).data.hsmServers.length === 1 || managerOf(plant).restart !== undefined, 'the HSM is not its root of trust'),
  },
];

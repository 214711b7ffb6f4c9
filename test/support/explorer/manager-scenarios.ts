import { X509Certificate } from 'node:crypto';
import { selfSigned } from '../../../simulator/certificates.ts';
import { adminOf, type ManagerState, newManager } from '../../../simulator/ciphertrust/state.ts';
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

/** The step that wipes CipherTrust Manager. */
export const managerScenarios: Scenario[] = [
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
    secrets: { 'client-key': client.privateKeyPem },
    most: { 'ciphertrust:POST /v1/system/hsm/setup': 1 },
    entries: { 'ciphertrust:POST /v1/system/hsm/setup': 'setup-sent' },
    // After a request that nobody heard of, a person is asked before another one is sent.
    mayStop: true,
    wrong: (plant) => unless(managerOf(plant).data.hsmServers.length === 1 || managerOf(plant).restart !== undefined, 'the HSM is not its root of trust'),
  },
];

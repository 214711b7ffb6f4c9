import type { Activities, HsmState, Inventory, StepTypes } from '../../domain/results.ts';
import type { ActivityId } from '../../domain/steps.ts';

export const zeroizedHsm: HsmState = {
  serial: '572413',
  label: 'LunaHSM',
  firmware: '7.0.3',
  software: '7.2.0-220',
  zeroized: false,
  fips: false,
  soAttemptsLeft: 3,
  partitions: [],
  bytesInUse: 0,
  digest: 'a1b2c3digest-1',
};

const pin = { address: '172.22.0.4', pin: 'SHA256:pin' };
const vm = { id: '/vm', privateAddress: '172.22.0.4', reachable: '172.22.0.4' };
const image = { publisher: 'p', offer: 'o', sku: 's', version: '1' };
const certificate = { pem: 'pem', fingerprint: 'AA', notAfter: '2036-01-01T00:00:00.000Z' };

const results: { [Id in ActivityId]: StepTypes[Id]['gives'] } = {
  'keep-secrets': { names: ['t-hsm-so-password'], windowsPublicKey: 'ssh-rsa A', cipherTrustPublicKey: 'ssh-rsa B' },
  'check-feature': { state: 'Registered' },
  'register-providers': { registered: [] },
  'check-availability': { cipherTrustImage: image, windowsImage: image, termsNeeded: true, warnings: [] },
  'resource-group': { id: '/rg' },
  'virtual-network': { computeSubnetId: '/c', hsmSubnetId: '/h', gatewaySubnetId: '/g' },
  'deploy-hsm': { deploymentId: '/d', templateHash: '1', gatewayWasThere: false },
  'verify-hsm': { hsmId: '/hsm', hsmAddress: '172.22.1.4', tags: {} },
  'windows-vm': vm,
  'install-luna-client': { windows: pin, clientVersion: '7.4.0' },
  'accept-terms': { accepted: true },
  'ciphertrust-vm': vm,
  'first-boot': { cipherTrust: pin },
  'admin-password': {},
  ntp: { servers: [], synchronized: true, warnings: [] },
  license: { kind: 'trial', state: 'activated' },
  'appliance-password': { appliance: pin },
  'inspect-hsm': { hsm: zeroizedHsm, clock: '', warnings: [] },
  'initialize-hsm': { hsm: zeroizedHsm },
  'fips-mode': { outcome: 'on', hsm: { ...zeroizedHsm, fips: true } },
  'create-partition': { partition: { name: 'luna_part', serial: '1', sizeBytes: 10_000 } },
  'prepare-ntls': { serverCertificate: certificate, skewSeconds: 0, warnings: [] },
  'connect-client': { slot: 0 },
  'initialize-partition': { label: 'luna_part' },
  'crypto-officer': {},
  'client-certificate': { clientCertificate: certificate, keySecret: 't-client-certificate-key' },
  'register-client': { client: 'cm', registeredBy: 'ip', serverCertificate: certificate },
  'set-root-of-trust': { cipherTrust: pin },
  'reset-password': { cipherTrust: pin, warnings: [] },
  'verify-root-of-trust': { version: '2.19', entry: { id: '1', host: '172.22.1.4', serial: '1' }, rootKeys: ['a', 'b'], warnings: [] },
  'web-certificate': { cipherTrust: pin, name: 'cm', warnings: [] },
  'confirm-root-of-trust': { hsm: { ...zeroizedHsm, zeroized: false, fips: true }, warnings: [] },
  'remove-temporary-access': { removedRules: [], deallocated: true },
  report: { json: 'r.json', markdown: 'r.md' },
};

export interface StubActivities {
  activities: Activities & Inventory;
  /** The steps that were called, in order, with what they were given. */
  calls: { id: string; input: unknown }[];
}

/** Activities that succeed at once, for tests of the workflow alone; single ones can be replaced. */
export function stubActivities(replaced: Partial<Activities & Inventory> = {}): StubActivities {
  const calls: StubActivities['calls'] = [];
  const all = Object.entries({ ...results, inventory: ['resource group Luna_kylo_rg'] }).map(([id, result]) => [
    id,
    async (input: never) => {
      calls.push({ id, input });
      const own = replaced[id as keyof typeof replaced] as ((input: never) => Promise<unknown>) | undefined;
      return own ? own(input) : result;
    },
  ]);
  // It is no step, and would stand between any two of them.
  return { activities: { 'enter-approval': async () => ({}), ...Object.fromEntries(all) }, calls };
}

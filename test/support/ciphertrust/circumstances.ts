import assert from 'node:assert/strict';
import { wordsOf } from '../../../domain/failure.ts';
import { type Identity, selfSigned } from '../../../simulator/certificates.ts';
import { newUser } from '../../../simulator/ciphertrust/state.ts';
import type { FaultRequest } from '../../../simulator/faults.ts';
import { until } from '../until.ts';
import type { TrustBench } from './trust-bench.ts';

/** What happens during a run: how it begins, what a person sees in the incident, and how that is mended. */
export interface Circumstance {
  /** Before which step it begins; before the first one when absent. */
  before?: string;
  happens: (bench: TrustBench) => unknown;
  /** What the incident says; absent where the run goes on by itself. */
  incident?: RegExp;
  mend?: (bench: TrustBench) => unknown;
  /** How often `hsm/setup` arrives; once when absent. */
  setups?: number;
  /** Must an approval be asked for? */
  asks?: true;
  /** Is the whole of it done twice? */
  twice?: true;
  /** Variants that this needs, or that make it another thing. */
  variants?: Record<string, string>;
}

const setUp = 'ciphertrust:POST /v1/system/hsm/setup';
const fault = (kind: FaultRequest['kind'], operation: string, more: Partial<FaultRequest> = {}) => ({
  happens: (bench: TrustBench) => bench.luna.fault(kind, operation, more),
});
const client = (bench: TrustBench) => {
  const { clients } = bench.luna.world.appliance.state;
  return clients.find(({ name }) => name === bench.luna.request.cipherTrust.vmName)!;
};
/** Kept from what happened until it is mended. */
const aside = new WeakMap<TrustBench, unknown>();
const stranger = await selfSigned({ commonName: 'stranger' });

const changeCertificate = async (bench: TrustBench) => {
  aside.set(bench, bench.manager.web);
  await bench.present(stranger);
};
const putCertificateBack = (bench: TrustBench) => bench.present(aside.get(bench) as Identity);

const skew = ({ luna: { world } }: TrustBench, minutes: string) => Object.assign(world.variants, { 'ciphertrust.clockSkewMinutes': minutes });

const lateSerial: Circumstance = {
  before: 'set-root-of-trust',
  happens(bench) {
    aside.set(bench, { ...bench.side });
    Object.assign(bench.side, { partitionSerial: '999' });
    delete bench.side.windows;
  },
  incident: /999|500/,
  mend: (bench) => Object.assign(bench.side, aside.get(bench)),
  setups: 2,
};

export const circumstances: Record<string, Circumstance> = {
  nothing: { happens: () => {} },
  'the answer to hsm/setup is lost after it was taken': fault('reset-after-accept', setUp),
  'the answer to hsm/setup stops half-way': fault('stall', setUp),
  // A token that ends while the simulator delays a request is refused: there it is looked at last.
  'hsm/setup is answered late': { ...fault('slow', setUp, { amount: 60 }), variants: { 'ciphertrust.tokenSeconds': '300' } },
  'hsm/setup is answered by a proxy with 502 though it was not taken': {
    ...fault('error', setUp, { status: 502 }),
    incident: /502.*nothing has changed/,
    mend: () => {},
    setups: 2,
  },
  'the connection is cut before hsm/setup was taken': { ...fault('reset', setUp), incident: /nothing has changed/, mend: () => {}, setups: 2 },
  // Whoever says that may have passed it on all the same.
  'hsm/setup is throttled': { ...fault('throttle', setUp), incident: /429.*nothing has changed/, mend: () => {}, setups: 2 },
  'a proxy says that nobody took hsm/setup': { ...fault('error', setUp, { status: 503 }), incident: /503.*nothing has changed/, mend: () => {}, setups: 2 },
  'it is set up already: a second run': { happens: () => {}, twice: true },
  'hsm/setup says that it failed': {
    ...fault('fail', setUp, { message: 'HSM setup failed: no shared ciphers' }),
    incident: /500|shared ciphers/,
    mend: () => {},
    setups: 2,
  },
  'pages of a proxy in place of answers while it boots': fault('error', 'ciphertrust:GET /v1/system/services/status', { status: 502, times: 3 }),
  'every kind of question is cut, throttled or answered with a page once': {
    happens(bench) {
      for (const operation of [
        'GET /v1/system/hsm/servers',
        'POST /v1/auth/tokens',
        'POST /v1/system/ntp/servers',
        'GET /v1/licensing/trials',
        'GET /v1/system/mkeks',
      ])
        for (const kind of ['reset', 'throttle', 'error'] as const) bench.luna.fault(kind, `ciphertrust:${operation}`, { status: 502 });
    },
  },
  'the answer to the change of the password is lost': fault('reset-after-accept', 'ciphertrust:PATCH /v1/auth/changepw', { times: 2 }),
  'the crypto officer’s password is another one': {
    before: 'set-root-of-trust',
    happens: (bench) => Object.assign(bench.luna.partition, { coPassword: 'somebody-elses' }),
    incident: /PIN|password|login/i,
    mend: (bench) => Object.assign(bench.luna.partition, { coPassword: bench.luna.kept('crypto-officer-password') }),
  },
  'the serial is another one': {
    before: 'set-root-of-trust',
    happens(bench) {
      aside.set(bench, { ...bench.side });
      Object.assign(bench.side, { partitionSerial: '999' });
    },
    incident: /999/,
    mend: (bench) => Object.assign(bench.side, aside.get(bench)),
  },
  'the serial is another one, and only the manager finds out': lateSerial,
  'the client is not registered any more': {
    before: 'set-root-of-trust',
    happens(bench) {
      const { state } = bench.luna.world.appliance;
      aside.set(bench, state.clients);
      state.clients = state.clients.filter((one) => one !== client(bench));
    },
    incident: /not registered/,
    mend: (bench) => Object.assign(bench.luna.world.appliance.state, { clients: aside.get(bench) }),
  },
  'the partition is not assigned any more': {
    before: 'set-root-of-trust',
    happens: (bench) => Object.assign(client(bench), { partitions: [] }),
    incident: /not assigned/,
    mend: (bench) => Object.assign(client(bench), { partitions: [bench.luna.request.hsm.partition.name] }),
  },
  'the partition holds somebody’s key': {
    before: 'set-root-of-trust',
    happens: (bench) => bench.luna.partition.objects.push('their-key'),
    incident: /their-key/,
    mend: (bench) => Object.assign(bench.luna.partition, { objects: [] }),
  },
  'the HSM’s clock is two hours off': {
    before: 'set-root-of-trust',
    happens: (bench) => Object.assign(bench.luna.world.appliance.state.clock, { skewMinutes: 120 }),
    incident: /minutes apart/,
    mend: (bench) => Object.assign(bench.luna.world.appliance.state.clock, { skewMinutes: 0 }),
  },
  'the manager’s clock is two hours off': {
    before: 'set-root-of-trust',
    happens: (bench) => skew(bench, '-120'),
    incident: /minutes apart/,
    mend: (bench) => skew(bench, '0'),
  },
  'the clocks are far apart, and only the manager finds out': {
    before: 'set-root-of-trust',
    happens(bench) {
      skew(bench, '120');
      aside.set(bench, { ...bench.side });
      delete bench.side.windows;
    },
    incident: /not valid at this time|500/,
    mend(bench) {
      skew(bench, '0');
      Object.assign(bench.side, aside.get(bench));
    },
    setups: 2,
  },
  // A 500 without a word may come from a proxy: what became of it is not known then, and the verification finds it out.
  'hsm/setup fails and wipes all the same': {
    ...lateSerial,
    variants: { 'ciphertrust.failedSetup': 'wipes', 'ciphertrust.errorBody': 'full' },
  },
  'ksadmin’s key does not survive the wipe': { happens: () => {}, variants: { 'ciphertrust.sshKeySurvivesReset': 'no' } },
  'the HSM is away after the wipe, until the manager stops its services': {
    before: 'reset-password',
    async happens(bench) {
      const { ntls } = bench.luna.world.appliance.state;
      ntls.running = false;
      await until('its services to stop', async () => (bench.summary['status'] === 'error' ? true : undefined), { everyMs: 20 });
      assert.deepEqual(bench.summary['alarms'], ['HSM Offline']);
      let looks = 0;
      bench.arrived = ({ system }) => {
        if (system === 'ciphertrust' && ++looks === 3) ntls.running = true;
      };
    },
  },
  'no trial is to be had': {
    before: 'license',
    happens: ({ manager: { data } }) => Object.assign(data.trial, { status: 'expired' }),
    incident: /trial is expired/,
    mend: ({ manager: { data } }) => Object.assign(data.trial, { status: 'available' }),
  },
  'NTLS of the HSM does not run': {
    before: 'set-root-of-trust',
    happens: (bench) => Object.assign(bench.luna.world.appliance.state.ntls, { running: false }),
    incident: /1792|slot|partition/,
    mend: (bench) => Object.assign(bench.luna.world.appliance.state.ntls, { running: true }),
  },
  'checkport says no though the port is open': {
    variants: { 'ciphertrust.checkport': 'wrong' },
    happens: () => {},
    incident: /1792/,
    mend: () => {},
  },
  'the license is gone': {
    before: 'set-root-of-trust',
    happens: (bench) => Object.assign(bench.manager.data.trial, { status: 'deactivated' }),
    incident: /no license and no trial/,
    mend: (bench) => Object.assign(bench.manager.data.trial, { status: 'activated' }),
  },
  'it already has another HSM': {
    before: 'set-root-of-trust',
    happens: (bench) =>
      bench.manager.data.hsmServers.push({
        id: 'theirs',
        type: 'luna',
        config: { host: bench.side.hsmAddress, partition_name: 'theirs', serial: '7', 'server-cert': '' },
      }),
    asks: true,
  },
  'it has a user and keys': {
    before: 'set-root-of-trust',
    happens({ manager: { data } }) {
      data.users.push(newUser('anna', 'Anna-Password-1', false));
      data.keys.push({ id: 'k1', name: 'payroll' }, { id: 'k2', name: 'backup' });
    },
    asks: true,
  },
  'every token ends in the middle of a step': {
    before: 'set-root-of-trust',
    happens(bench) {
      let questions = 0;
      bench.arrived = ({ operation }) => {
        if (operation.endsWith('GET /v1/system/hsm/servers') && ++questions % 2 === 1) bench.manager.data.tokens = {};
      };
    },
  },
  'the certificate changes before hsm/setup': {
    before: 'set-root-of-trust',
    happens: changeCertificate,
    incident: /another certificate/,
    mend: putCertificateBack,
  },
  'the certificate changes before the first password is set': {
    before: 'admin-password',
    happens: changeCertificate,
    incident: /certificate/,
    mend: putCertificateBack,
  },
  'the certificate changes after the wipe was over': {
    before: 'reset-password',
    happens: changeCertificate,
    incident: /certificate/,
    mend: putCertificateBack,
  },
  'the account is locked': {
    before: 'ntp',
    variants: { 'ciphertrust.lockedAnswer': 'told', 'ciphertrust.errorBody': 'full' },
    happens: ({ manager: { data } }) => Object.assign(data.users[0]!, { lockedUntil: Date.now() + 300 }),
  },
  'the account is locked, and that is not told': {
    before: 'admin-password',
    variants: { 'ciphertrust.lockedAnswer': 'plain' },
    happens: ({ manager: { data } }) => Object.assign(data.users[0]!, { lockedUntil: Number.MAX_SAFE_INTEGER }),
    incident: /stored password is refused/,
    mend: ({ manager: { data } }) => Object.assign(data.users[0]!, { lockedUntil: 0 }),
  },
};

/** The run, in these circumstances; what is always true at its end. */
export async function carryOut(bench: TrustBench, { before = 'first-boot', happens, incident, mend, asks, setups = 1, twice }: Circumstance): Promise<void> {
  let happened = false;
  bench.before = async (step) => {
    if (happened || step !== before) return;
    happened = true;
    await happens(bench);
  };
  bench.operator = async ({ step, problem }) => {
    assert.ok(incident && mend, `${step} stopped: ${wordsOf(problem)}`);
    assert.match(`${problem.tried}: ${wordsOf(problem)}`, incident);
    assert.ok(problem.remedy.length > 10, problem.remedy);
    await mend(bench);
  };
  const run = async () => bench.trusted(await bench.deployed());
  const { sealer, entry } = twice ? await run().then(run) : await run();
  assert.ok(happened, `never came to ${before}`);
  assert.equal(bench.stopped.length, incident ? 1 : 0);
  // Keys that are not told may be there: that is asked about before each request.
  if (bench.luna.world.variants['ciphertrust.keysTold'] === 'no') assert.ok(bench.asked.length > 0, 'it was wiped unasked');
  else assert.equal(bench.asked.length, asks ? 1 : 0);
  assert.deepEqual(bench.setups, { arrived: setups, done: 1 });
  assert.equal(bench.probes, 0, 'nobody signs in with an initial password');
  assert.ok(bench.wrongPasswords <= 1, `${bench.wrongPasswords} wrong passwords in one attempt`);
  assert.ok(sealer === undefined || sealer === 'rapido');
  assert.equal(entry.serial, bench.side.partitionSerial);
  const { ntp, trial, passwordIsDefault, hsmServers } = bench.summary;
  assert.deepEqual([ntp, trial, passwordIsDefault], [bench.luna.request.cipherTrust.ntp.map(({ host }) => host), 'activated', false]);
  assert.equal((hsmServers as unknown[]).length, 1);
  assert.deepEqual(bench.luna.partition.objects, ['DARKSTARKEY-mac-key', 'DARKSTARKEY-encryption-key']);
}

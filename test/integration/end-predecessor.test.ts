import assert from 'node:assert/strict';
import { appliancePassword } from '../../activities/hsm-setup/appliance-password.ts';
import { createPartition } from '../../activities/hsm-setup/create-partition.ts';
import { initializeHsm } from '../../activities/hsm-setup/initialize-hsm.ts';
import { inspectHsm } from '../../activities/hsm-setup/inspect-hsm.ts';
import { prepareNtls } from '../../activities/hsm-setup/prepare-ntls.ts';
import { connectClient } from '../../activities/partition/connect-client.ts';
import { cryptoOfficer } from '../../activities/partition/crypto-officer.ts';
import { initializePartition } from '../../activities/partition/initialize-partition.ts';
import { registerClient } from '../../activities/root-of-trust/register-client.ts';
import type { Systems } from '../../activities/systems.ts';
import type { PinnedHost, StepContext } from '../../domain/results.ts';
import { selfSigned } from '../../simulator/certificates.ts';
import { type SecretStore, secretName } from '../../stores/secrets/store.ts';
import { runWithFence } from '../../systems/fence.ts';
import { createOutbound } from '../../systems/outbound.ts';
import { endPredecessor } from '../../systems/windows/end-predecessor.ts';
import { createWindows, type Windows, type WindowsSession } from '../../systems/windows/windows.ts';
import { exampleRequest } from '../support/example.ts';
import { openFence } from '../support/fence.ts';
import { LunaSteps } from '../support/luna/luna-steps.ts';
import { addresses, type LunaWorld, lunaWorld, windowsKey } from '../support/luna/luna-world.ts';
import { until } from '../support/until.ts';

const target = 'kylo-luna-hsm-0123456789';
const marks = { hsmAddress: addresses.hsm, target, certificateName: addresses.cipherTrust };
const client = 'C:\\Program Files\\SafeNet\\LunaClient';

describe('A later attempt and what the one before left on the Windows host', function () {
  this.timeout(60_000);
  let world: LunaWorld;
  let windows: Windows;
  let session: WindowsSession;
  const job: StepContext = { target, runId: 'run-1', request: exampleRequest() };
  let signal: AbortSignal;
  const host = (): PinnedHost => ({ address: addresses.windows, pin: world.windowsPin });
  const inFence = <T>(work: () => Promise<T>) => runWithFence(openFence, work);
  const open = () => inFence(() => windows.open(job, host(), signal));
  const toHsm = () => inFence(() => windows.socket(job, host(), { address: addresses.hsm, port: 22 }, signal));

  beforeEach(async () => {
    signal = AbortSignal.timeout(60_000);
    world = await lunaWorld({});
    const secrets: SecretStore = {
      get: async (name) => (name === secretName(target, 'windows-ssh-key') ? windowsKey : undefined),
      create: () => assert.fail('nothing is kept'),
    };
    windows = createWindows(createOutbound(`socks5://127.0.0.1:${world.socks.port}`), secrets);
    session = await open();
  });
  afterEach(async () => {
    session.end();
    await world.stop();
  });

  it('ends nothing where nothing is at work, and enters nothing', async () => {
    assert.deepEqual(await endPredecessor(session, marks), []);
    assert.equal(world.requestLog.entries.filter(({ operation }) => operation === 'windows:stop-process').length, 0);
  });

  it('resets its sessions with the HSM, and leaves other sessions with the host alone', async () => {
    const [earlier, other] = [await toHsm(), await open()];
    const closed = new Promise<void>((resolve) => earlier.once('close', () => resolve()));
    earlier.resume();
    const ended = await endPredecessor(session, marks);
    assert.match(ended.join(), /^An earlier attempt’s sshd\.exe \(process \d+\) was ended on the Windows host\.$/);
    await closed;
    assert.equal((await other.exec('mkdir C:\\x')).code, 0);
    other.end();
    assert.deepEqual(await endPredecessor(session, marks), [], 'and nothing is left');
  });

  it('ends its vtl, which then makes no certificate, and no other', async () => {
    const earlier = await open();
    for (const name of [addresses.cipherTrust, 'somebody.example.com']) {
      world.faults.add({ kind: 'slow', operation: 'vtl:createcert', amount: 100 });
      earlier.exec(`"${client}\\vtl.exe" createcert -n ${name}`, 'vtl-createcert').catch(() => {});
    }
    const started = () => world.requestLog.entries.filter(({ operation }) => operation === 'vtl:createcert');
    await until('both running', async () => started().length === 2 || undefined);
    assert.match((await endPredecessor(session, marks)).join(), /^An earlier attempt’s vtl\.exe \(process \d+\) was ended on the Windows host\.$/);
    await until('both over', async () => started().every(({ outcome }) => outcome !== 'received') || undefined);
    assert.deepEqual(
      started()
        .map(({ outcome }) => outcome)
        .sort(),
      ['cut', 'done'],
    );
    earlier.end();
  });
});

describe('A step that takes over while an attempt before it is still at work', function () {
  this.timeout(60_000);
  let luna: LunaSteps;
  afterEach(() => luna?.stop());

  type Steps = (systems: Systems) => (input: never) => Promise<unknown>;
  const stopped = () => luna.arrived('windows:stop-process', 'done').length;

  /** The first attempt stands at what it sent, with its connections open, as those of a worker that was stopped. */
  async function takeOver(operation: string, step: Steps, input: object): Promise<{ first: unknown }> {
    luna.fault('hold', operation);
    const first = luna.attempt(step, input as never).catch((error: unknown) => error);
    const held = await until(`${operation} held`, async () => luna.world.faults.held()[0]);
    const second = luna.attempt(step, input as never, 2).catch(() => {});
    await until('the first attempt to be ended on the host', async () => stopped() || undefined);
    const ended = { first: await first };
    luna.world.faults.release(held.id);
    await second;
    return ended;
  }

  const atHsm: [string, Steps, string][] = [
    ['appliance-password', appliancePassword as Steps, 'lunash:my password set'],
    ['initialize-hsm', initializeHsm as Steps, 'lunash:hsm init'],
    ['create-partition', createPartition as Steps, 'lunash:partition create'],
    ['prepare-ntls', prepareNtls as Steps, 'lunash:sysconf regenCert'],
  ];
  for (const [name, step, operation] of atHsm)
    it(`ends the session through the Windows host that ${name} left at ${operation.slice(7)}, which takes effect once`, async () => {
      luna = await LunaSteps.start();
      if (name !== 'appliance-password') luna.setUpHsm();
      if (name === 'initialize-hsm') Object.assign(luna.world.appliance.state.hsm, { zeroized: true, label: '', partitions: [] });
      if (name === 'create-partition') luna.world.appliance.state.hsm.partitions.pop();
      const at = name === 'appliance-password' ? 'lunash:first sign-in' : operation;
      const input = { ...luna.job, ...luna.hosts, hsmAddress: addresses.hsm };
      const { first } = await takeOver(at, step, input);
      assert.match(String(first), /connection/);
      await luna.step(step, input as never);
      // A certificate may be replaced again while no client is registered.
      if (name !== 'prepare-ntls') assert.equal(luna.arrived(at, 'done').length, 1);
    });

  it('ends the lunacm that it left at the partition, whichever step began it', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    const input = { ...luna.job, ...luna.hosts, partitionSerial: luna.partition.serial };
    for (const [step, operation] of [
      [connectClient, 'lunacm:clientconfig deploy'],
      [initializePartition, 'lunacm:partition init'],
      [cryptoOfficer, 'lunacm:role init'],
    ] as const) {
      const before = stopped();
      const { release } = await luna.cutOffAt(operation, step as Steps, input as never);
      await luna.attempt(step as Steps, input as never, 2).catch(() => {});
      assert.equal(stopped(), before + 1, operation);
      release();
      await luna.step(step as Steps, input as never);
    }
  });

  it('ends and waits for what another run left there, though nothing else of that run is heard', async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
    const input = { ...luna.job, ...luna.hosts, partitionSerial: luna.partition.serial };
    const { release } = await luna.cutOffAt('lunacm:clientconfig deploy', connectClient, input);
    const [before, begun] = [stopped(), performance.now()];
    await luna.attempt(connectClient, { ...input, runId: 'run-2' }).catch(() => {});
    assert.equal(stopped(), before + 1);
    // HSM_COMMAND_MS is a second here.
    assert.ok(performance.now() - begun >= 995);
    release();
    assert.ok((await luna.record().read()).some(({ event, runId }) => event === 'left-open-awaited' && runId === 'run-2'));
  });

  for (const [operation, step, begun] of [
    ['lunash:ntls bind', prepareNtls, 'command-begun'],
    ['lunash:service restart ntls', prepareNtls, 'command-begun'],
    ['lunash:client register', registerClient, 'client-register-begun'],
    ['lunash:client assignPartition', registerClient, 'client-assign-begun'],
  ] as [string, Steps, string][])
    it(`waits in another run for ${operation.slice(7)}, which goes on by itself`, async () => {
      luna = await LunaSteps.start();
      luna.setUpHsm();
      const { certificatePem: pem } = await selfSigned({ commonName: addresses.cipherTrust });
      const input = { ...luna.job, ...luna.hosts, partitionSerial: luna.partition.serial, clientCertificate: { pem, fingerprint: '', notAfter: '' } };
      const { release } = await luna.cutOffAt(operation, step, input as never);
      release();
      await luna.attempt(inspectHsm, { ...input, runId: 'run-2' });
      const began = performance.now();
      await luna.attempt(step, { ...input, runId: 'run-2' } as never).catch(() => {});
      assert.ok(performance.now() - began >= 995);
      const entries = await luna.record().read();
      const awaited = entries.flatMap(({ event, data }) => (event === 'left-open-awaited' ? [entries[data.entry - 1]?.event] : []));
      assert.deepEqual(awaited, [begun]);
    });

  it('waits as long for what another run erases as a later attempt of that run, where the HSM is reached directly, and once', async () => {
    luna = await LunaSteps.start({}, { HSM_LUNA_VIA: 'direct' });
    luna.setUpHsm();
    luna.enterEarlier(['erase-begun', { act: 'fips-mode', approvalId: 'a', digest: 'd' }]);
    const took = async (work: () => Promise<unknown>) => {
      const begun = performance.now();
      await work();
      return performance.now() - begun;
    };
    const input = { ...luna.job, ...luna.hosts, hsmAddress: luna.hosts.hsm.address };
    // A look alone waits for nothing, and what it enters ends nothing.
    await luna.attempt(inspectHsm, input);
    const waited = await took(() => luna.attempt(appliancePassword, input));
    assert.ok(waited >= 1_195, `${waited} ms`);
    const again = await took(() => luna.attempt(initializeHsm, input));
    assert.ok(again < 1_000, `${again} ms`);
  });

  it('ends nothing where the HSM is reached directly, and waits longer before it looks at what may be erased', async () => {
    luna = await LunaSteps.start({}, { HSM_LUNA_VIA: 'direct' });
    luna.setUpHsm();
    Object.assign(luna.world.appliance.state.hsm, { zeroized: true, label: '', partitions: [] });
    const begun = performance.now();
    await luna.attempt(initializeHsm, { ...luna.job, ...luna.hosts }, 2);
    // HSM_COMMAND_MS is a second here, and a fifth of it on the way.
    assert.ok(performance.now() - begun >= 1_195);
    assert.deepEqual(luna.arrived('windows:exec'), []);
  });
});

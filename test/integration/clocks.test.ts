import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { connect, type Server } from 'node:net';
import { type Clocks, createClocks } from '../../activities/clocks.ts';
import { prepareNtls } from '../../activities/hsm-setup/prepare-ntls.ts';
import { selfSigned } from '../../simulator/certificates.ts';
import { listenLocally } from '../../simulator/machine.ts';
import type { CipherTrust } from '../../systems/ciphertrust/ciphertrust.ts';
import { readLeaf } from '../../systems/ciphertrust/tls.ts';
import { AzureBench } from '../support/azure-bench.ts';
import { clocksOfWorker } from '../support/clocks.ts';
import { LunaSteps } from '../support/luna/luna-steps.ts';

const hourMs = 3_600_000;

describe('The clock of the HSM', function () {
  this.timeout(60_000);
  let luna: LunaSteps;
  beforeEach(async () => {
    luna = await LunaSteps.start();
    luna.setUpHsm();
  });
  afterEach(() => luna.stop());

  it('is not set by a worker whose own clock is an hour ahead: a person sees all clocks', async () => {
    luna.systems.clocks = clocksOfWorker(3600);
    assert.equal(luna.request.allowClockChange, true);
    const { kind, words: seen, remedy } = await luna.problemOf(luna.step(prepareNtls, { ...luna.job, ...luna.hosts }));
    assert.equal(kind, 'Refused');
    for (const clock of ['worker', 'HSM', 'Azure Resource Manager', 'CipherTrust Manager'])
      assert.match(seen, new RegExp(`${clock} \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC`));
    assert.match(seen, /zone EDT/);
    assert.equal(seen.match(/60 min behind/g)?.length, 3);
    assert.match(remedy, /was not set/);
    assert.deepEqual([luna.arrived('lunash:sysconf time'), luna.world.appliance.state.clock.skewMinutes], [[], 0]);
  });
});

describe('Witnesses of the time', function () {
  this.timeout(60_000);
  let bench: AzureBench;
  let manager: Server;
  let managerDate: (() => string) | undefined;
  let cipherTrust: CipherTrust;
  before(async () => {
    bench = await AzureBench.start();
    const { certificatePem: cert, privateKeyPem: key } = await selfSigned({ commonName: 'web' });
    manager = createServer({ cert, key }, (_, response) => {
      if (managerDate) response.setHeader('date', managerDate());
      response.end('{}');
    }) as unknown as Server;
    const port = await listenLocally(manager);
    cipherTrust = {
      socket: async () => connect(port, '127.0.0.1'),
      leaf: async (_job: unknown, _place: unknown, signal: AbortSignal) => readLeaf(connect(port, '127.0.0.1'), signal),
    } as unknown as CipherTrust;
  });
  after(async () => {
    await new Promise((resolve) => manager.close(resolve));
    await bench.stop();
  });

  const ask = (clocks: Clocks) => {
    const windows = { address: '172.22.0.4', pin: 'x' };
    return clocks.witnesses({ ...bench.job, windows, hsm: { address: '172.22.1.4', pin: 'x' } }, new AbortController().signal);
  };
  const rounded = (witnesses: { name: string; aheadSeconds: number }[]) =>
    witnesses.map(({ name, aheadSeconds }) => [name, Math.round(aheadSeconds / 60) + 0] as const);

  it('are Azure Resource Manager, where the group is not even there, and CipherTrust Manager, by what they answer', async () => {
    managerDate = undefined;
    const { azure } = bench.systems;
    const right = await ask(createClocks({ azure, cipherTrust }));
    assert.deepEqual(rounded(right), [
      ['Azure Resource Manager', 0],
      ['CipherTrust Manager', 0],
    ]);
    managerDate = () => new Date(Date.now() + 2 * hourMs).toUTCString();
    const ahead = await ask(createClocks({ azure, cipherTrust }, () => Date.now() + hourMs));
    assert.deepEqual(rounded(ahead), [
      ['Azure Resource Manager', -60],
      ['CipherTrust Manager', 60],
    ]);
  });

  it('are left out where they do not answer', async () => {
    const nobody = { ...cipherTrust, leaf: async () => undefined };
    assert.deepEqual(rounded(await ask(createClocks({ azure: bench.systems.azure, cipherTrust: nobody }))), [['Azure Resource Manager', 0]]);
  });
});

import assert from 'node:assert/strict';
import { wordsOf } from '../../domain/failure.ts';
import { LunaBench } from '../support/luna/luna-bench.ts';
import { LunaRun } from '../support/luna/luna-run.ts';
import { calm, type Schedule } from '../support/luna/schedule.ts';

const rootKeys = ['DARKSTARKEY-mac-key', 'DARKSTARKEY-encryption-key'];
const changes =
  /hsm (init|changePolicy)|partition (create|init)|regenCert|ntls bind|service restart|client (register|delete)|clientconfig|role (init|changepw)/;

describe('The HSM', function () {
  this.timeout(300_000);
  let bench: LunaBench;
  before(async () => {
    bench = await LunaBench.start();
  });
  after(() => bench?.stop());

  /** Opens a run, lets the test do with it what it wants, and holds everything else against what must never happen. */
  const withRun = async (schedule: Partial<Schedule>, test: (run: LunaRun) => Promise<void>): Promise<void> => {
    const run = await LunaRun.open(bench, { ...calm, ...schedule });
    try {
      await test(run);
      assert.deepEqual(run.watch.violations, []);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${run.log.join('\n')}`, { cause: error });
    } finally {
      await run.close();
    }
  };
  const operations = (run: LunaRun, wanted: RegExp, since = 0) =>
    run.world.requestLog.entries.filter(({ seq, operation }) => seq > since && wanted.test(operation)).map(({ operation }) => operation);
  const onlyIncident = (run: LunaRun) => {
    assert.equal(run.watch.incidents.length, 1, run.log.join('\n'));
    const { step, problem } = run.watch.incidents[0]!;
    return { step, kind: problem.kind, seen: wordsOf(problem), remedy: problem.remedy };
  };

  it('set up by an earlier run of the same target is signed in to and found in order: nothing is changed, the root keys stay', () =>
    withRun({}, async (run) => {
      assert.equal(await run.job(), 'completed');
      const { appliance, requestLog } = run.world;
      appliance.addObjects(appliance.state.hsm.partitions[0]!.serial, rootKeys);
      const [before, since] = [structuredClone(appliance.state), requestLog.entries.at(-1)!.seq];
      assert.equal(await run.job(), 'completed');
      assert.deepEqual(operations(run, changes, since), []);
      assert.ok(operations(run, /hsm login/, since).length > 0, 'the kept SO password was tried');
      assert.deepEqual(appliance.state, before);
      assert.deepEqual(run.watch.incidents, []);
      assert.equal(run.watch.approvals.length, 1, 'the second run asked for no approval');
    }));

  it('initialized by somebody else is an incident with its label and serial, and nothing is tried', () =>
    withRun({}, async (run) => {
      await run.tamper({ what: 'initialize-hsm', label: 'TheirHSM' });
      assert.equal(await run.job({ givesUp: true }), 'aborted');
      const { step, kind, seen } = onlyIncident(run);
      assert.deepEqual([step, kind], ['inspect-hsm', 'Unsafe']);
      assert.match(seen, /TheirHSM/);
      assert.match(run.log.join('\n'), new RegExp(run.world.appliance.serial));
      assert.deepEqual(operations(run, /hsm (login|init)/), []);
    }));

  it('initialized by somebody else under our label costs no sign-in, the first retry one, and further retries none', () =>
    withRun({ moods: ['only retry', 'only retry', 'only retry'] }, async (run) => {
      await run.tamper({ what: 'initialize-hsm', label: run.request.hsm.label });
      assert.equal(await run.job(), 'aborted');
      const { soAttemptsLeft } = run.world.appliance.state.hsm;
      const { soRefused, fewestSoAttempts } = run.world.appliance.state.counts;
      assert.deepEqual({ soAttemptsLeft, soRefused, fewestSoAttempts }, { soAttemptsLeft: 2, soRefused: 1, fewestSoAttempts: 2 });
      assert.match(wordsOf(run.watch.incidents[0]!.problem), /the target record does not show that this service initialized it/);
      assert.ok(run.watch.incidents.length >= 3, 'an operator who only retries is asked again');
    }));

  it('whose SO password somebody mistypes between look and sign-in gets no password at all', () =>
    withRun({ events: [{ beat: { moment: 'arrived', operation: 'lunash:hsm login', occurrence: 1 }, kind: 'mistyped SO password' }] }, async (run) => {
      assert.equal(await run.job({ givesUp: true }), 'aborted');
      assert.match(onlyIncident(run).seen, /few sign-ins are left/);
      assert.deepEqual(run.world.appliance.state.counts.soRefused, 1, 'only theirs');
    }));

  it('in FIPS mode already needs no approval', () =>
    withRun({}, async (run) => {
      await run.tamper({ what: 'turn-on-fips' });
      await run.play();
      assert.deepEqual([run.watch.approvals.length, operations(run, /changePolicy/)], [0, []]);
    }));

  it('that the policy change zeroizes gets its label and the kept passwords again, and the SO signs in', () =>
    withRun({ variants: { 'luna.changePolicy': 'zeroizes' } }, async (run) => {
      await run.play();
      assert.deepEqual(run.watch.incidents, []);
      assert.equal(run.world.appliance.state.counts.inits, 2);
      const after = run.beats.findLastIndex(({ operation }) => operation === 'lunash:hsm init');
      assert.ok(run.beats.slice(after).some(({ step, operation }) => step === 'fips-mode' && operation === 'lunash:hsm login'));
    }));

  it('with another address than Azure says is an incident, and is only looked at', () =>
    withRun({}, async (run) => {
      await run.tamper({ what: 'readdress', eth0: '172.22.1.77' });
      assert.equal(await run.job({ givesUp: true }), 'aborted');
      assert.deepEqual([onlyIncident(run).step, operations(run, changes)], ['inspect-hsm', []]);
      assert.match(onlyIncident(run).seen, /172\.22\.1\.77, not 172\.22\.1\.4/);
    }));

  it('gets no new certificate once a client is registered', () =>
    withRun({}, async (run) => {
      await run.tamper({ what: 'register-client', name: 'theirs', ip: '172.22.0.99' });
      assert.equal(await run.job({ givesUp: true }), 'aborted');
      assert.deepEqual([onlyIncident(run).step, operations(run, /regenCert|ntls bind|service restart/)], ['prepare-ntls', []]);
    }));

  it('on EDT has no skew', () =>
    withRun({ allowClockChange: false, clock: { skewMinutes: 0, zone: 'EDT' } }, async (run) => {
      await run.play();
      assert.deepEqual([run.watch.incidents, operations(run, /sysconf time/)], [[], []]);
    }));

  it('two hours off is set right where the request allows it, zone and all', () =>
    withRun({ clock: { skewMinutes: 120, zone: 'EDT' } }, async (run) => {
      await run.play();
      assert.deepEqual([run.watch.incidents, operations(run, /sysconf time/).length], [[], 1]);
      assert.equal(run.world.appliance.state.clock.zone, 'EDT');
    }));

  it('two hours off is an incident where the request does not allow it', () =>
    withRun({ allowClockChange: false, clock: { skewMinutes: 120, zone: 'UTC' } }, async (run) => {
      assert.equal(await run.job({ givesUp: true }), 'aborted');
      assert.deepEqual([onlyIncident(run).step, operations(run, /sysconf time|regenCert/)], ['prepare-ntls', []]);
    }));

  for (const [what, sizes, seen] of [
    ['ten partitions', Array<number>(10).fill(1_000), /10 partitions exist, 10 are licensed/],
    ['too little room', [33_554_432 - 9_999], /9999 bytes free, .* asks for 10000 bytes/],
  ] as const)
    it(`with ${what} is an incident before anything is created`, () =>
      withRun({ fips: false, events: [] }, async (run) => {
        run.onStep('create-partition', async () => {
          for (const [at, sizeBytes] of sizes.entries()) await run.tamper({ what: 'create-partition', name: `theirs-${at}`, sizeBytes });
        });
        assert.equal(await run.job({ givesUp: true }), 'aborted');
        assert.match(onlyIncident(run).seen, seen);
        assert.deepEqual(operations(run, /partition create/), []);
      }));
});

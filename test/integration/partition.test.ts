import assert from 'node:assert/strict';
import { connectClient } from '../../activities/partition/connect-client.ts';
import { cryptoOfficer } from '../../activities/partition/crypto-officer.ts';
import { initializePartition } from '../../activities/partition/initialize-partition.ts';
import { wordsOf } from '../../domain/failure.ts';
import type { FaultRequest } from '../../simulator/faults.ts';
import { afterEntry } from '../support/after-entry.ts';
import { LunaSteps } from '../support/luna/luna-steps.ts';
import { ownVmId } from '../support/own-machines.ts';
import { until } from '../support/until.ts';

const rootKeys = ['DARKSTARKEY-mac-key', 'DARKSTARKEY-encryption-key'];
/** Nobody tells attempts and state of roles. */
const untold = { 'lunacm.roles': 'untold', 'luna.partitionShow': 'brief' };

/** The steps of “Access and configure the partition”, over real SSH against a simulated Windows host and HSM. */
describe('The partition, from the trust link to its crypto officer', function () {
  this.timeout(60_000);
  let luna: LunaSteps;
  afterEach(async () => {
    if (luna.isRunning) await luna.stop();
    assert.deepEqual(luna.scripts, [], 'no script is left on the host');
  });

  const input = () => ({ ...luna.job, ...luna.hosts, partitionSerial: luna.partition.serial });

  /** A host that sees the partition. */
  async function connected(variants: Record<string, string> = {}): Promise<void> {
    luna = await LunaSteps.start({ variants });
    luna.setUpHsm();
    await luna.step(connectClient, input());
  }

  const allSteps = async () => [
    await luna.step(connectClient, input()),
    await luna.step(initializePartition, input()),
    await luna.step(cryptoOfficer, input()),
  ];

  function isSetUp(): void {
    const { label, poPassword, coPassword, coMustChange, poAttemptsLeft, coAttemptsLeft } = luna.partition;
    assert.deepEqual(
      [label, poPassword, coPassword, coMustChange],
      ['luna_part', luna.kept('partition-so-password'), luna.kept('crypto-officer-password'), false],
    );
    assert.deepEqual([poAttemptsLeft, coAttemptsLeft], [10, 10]);
  }

  it('is connected, initialized and gets its crypto officer; a second run on a working root of trust changes nothing', async () => {
    await connected();
    assert.deepEqual(await allSteps(), [{ slot: 0 }, { label: 'luna_part' }, { attemptsLeft: 10 }]);
    isSetUp();
    luna.partition.objects.push(...rootKeys);
    const before = structuredClone(luna.partition);
    assert.deepEqual(await allSteps(), [{ slot: 0 }, { label: 'luna_part' }, { attemptsLeft: 10 }]);
    assert.deepEqual(luna.partition, before);
    for (const operation of ['clientconfig deploy', 'partition init', 'role init', 'role changepw'])
      assert.equal(luna.arrived(`lunacm:${operation}`).length, 1, operation);
  });

  it('is connected once, though NTLS takes its time to notice who was registered', async () => {
    await connected({ 'luna.ntlsLate': '4' });
    assert.equal(luna.arrived('lunacm:clientconfig deploy').length, 1);
    assert.deepEqual(luna.arrived('lunash:client delete'), []);
    assert.equal(luna.world.appliance.state.clients[0]!.unnoticed, 0, 'it was late');
  });

  it('has on record that the Windows host got its passwords, once, under the vmId of that host', async () => {
    await connected();
    await allSteps();
    await allSteps();
    const writer = { jobId: luna.target, runId: 'run-1', execution: 'look', attempt: 1, retry: 1 };
    const entries = await luna.systems.records.of(luna.target, 'windows', writer).read();
    assert.deepEqual(
      entries.flatMap(({ event, data }) => (event === 'secret-given' ? [[data.purpose, data.vmId]] : [])),
      [['secrets of the HSM and its partition', luna.vmId]],
    );
  });

  describe('gives nothing to a Windows host that somebody replaced since the record was made:', () => {
    const stopsAt = async (step: typeof connectClient | typeof initializePartition | typeof cryptoOfficer) => {
      luna.vmId = 'another';
      luna.world.requestLog.clear();
      const { kind, code, remedy } = await luna.problemOf(luna.step<ReturnType<typeof input>, unknown>(step, input()));
      assert.deepEqual([kind, code], ['Unsafe', 'AZURE_MACHINE_REPLACED']);
      assert.match(remedy, /Nothing was sent to it/);
      for (const operation of ['clientconfig deploy', 'partition init', 'role login', 'role init', 'role changepw'])
        assert.deepEqual(luna.arrived(`lunacm:${operation}`), []);
    };

    it('not the password of the appliance', async () => {
      await connected();
      luna.world.appliance.state.clients[0]!.partitions = [];
      await stopsAt(connectClient);
    });

    it('not the passwords of the partition', async () => {
      await connected();
      await stopsAt(initializePartition);
    });

    it('not those of its roles, whatever the crypto officer has', async () => {
      await connected();
      await luna.step(initializePartition, input());
      await stopsAt(cryptoOfficer);
      luna.vmId = ownVmId;
      await luna.step(cryptoOfficer, input());
      await stopsAt(cryptoOfficer);
    });
  });

  describe('among other slots', () => {
    for (const order of ['others-first', 'moving'])
      for (const variants of [{}, untold])
        it(`is found by its serial: ${order}${variants === untold ? ', and nothing is told of roles' : ''}`, async () => {
          await connected({ 'lunacm.slots': order, ...variants });
          await allSteps();
          isSetUp();
          const { label, objects, poPassword, poAttemptsLeft, coAttemptsLeft } = luna.host.token!;
          assert.deepEqual([label, objects, poPassword, poAttemptsLeft, coAttemptsLeft], ['backup', ['their-key'], 'their-po-password', 10, 10]);
        });

    it('is not typed to at all while their numbers change from one start of lunacm to the next', async () => {
      await connected({ 'lunacm.slots': 'unsteady' });
      for (const step of [initializePartition, cryptoOfficer]) {
        const { kind, words: seen } = await luna.problemOf(luna.step<ReturnType<typeof input>, unknown>(step, input()));
        assert.equal(kind, 'Unsafe');
        assert.match(seen, /^it was slot \d and a moment later slot \d$/);
      }
      for (const operation of ['partition init', 'role login', 'role init']) assert.deepEqual(luna.arrived(`lunacm:${operation}`), []);
    });

    it('that has gone is not looked for in another slot', async () => {
      await connected({ 'lunacm.slots': 'others-first' });
      luna.world.appliance.state.clients[0]!.partitions = [];
      assert.match((await luna.problemOf(luna.step(initializePartition, input()))).words, /^slot list shows 1\d+$/);
      assert.deepEqual(luna.arrived('lunacm:partition init'), []);
    });
  });

  describe('is not initialized', () => {
    const rows: [what: string, change: () => void, seen: RegExp][] = [
      ['where it has somebody’s label', () => Object.assign(luna.partition, { label: 'theirs', poPassword: 'theirs' }), /initialized, has the label “theirs”/],
      ['where it has objects', () => void luna.partition.objects.push('their-key'), /1 objects/],
      ['where it was initialized without a label', () => void (luna.partition.poPassword = 'theirs'), /is initialized/],
    ];
    for (const [what, change, seen] of rows)
      it(what, async () => {
        await connected();
        change();
        const before = structuredClone(luna.partition);
        const problem = await luna.problemOf(luna.step(initializePartition, input()));
        assert.equal(problem.kind, 'Unsafe');
        assert.match(wordsOf(problem), seen);
        assert.deepEqual([luna.partition, luna.arrived('lunacm:partition init')], [before, []]);
      });

    it('where somebody initializes it after the look', async () => {
      await connected();
      luna.fault('hold', 'lunash:partition list');
      const stopped = luna.problemOf(luna.step(initializePartition, input()));
      const held = await until('the look', async () => luna.world.faults.held()[0]?.id);
      Object.assign(luna.partition, { label: 'theirs', poPassword: 'theirs' });
      luna.world.faults.release(held);
      assert.match((await stopped).words, /initialized, has the label “theirs”/);
      assert.deepEqual([luna.partition.poPassword, luna.arrived('lunacm:partition init')], ['theirs', []]);
    });

    for (const [what, change] of [
      ['initializes it', () => Object.assign(luna.partition, { label: 'theirs', poPassword: 'theirs' })],
      ['puts an object in', () => luna.partition.objects.push('their-key')],
    ] as const)
      it(`where somebody ${what} while its entry is made`, async () => {
        await connected();
        luna.systems.records = afterEntry(luna.systems.records, 'partition-initialize-begun', change);
        const { kind, code } = await luna.problemOf(luna.step(initializePartition, input()));
        assert.deepEqual([kind, code, luna.arrived('lunacm:partition init')], ['Unsafe', 'HSM_PARTITION_FOREIGN', []]);
      });

    it('a second time when its sender dies while lunacm is at work: the next attempt waits for that', async () => {
      await connected();
      const { release } = await luna.cutOffAt('lunacm:partition init', initializePartition, input());
      const [script, ...others] = luna.scripts;
      assert.deepEqual([script?.acl, others], [['LunaAdmin'], []], 'the script of the dead one is still there, for its owner alone');
      assert.equal((await luna.problemOf(luna.attempt(initializePartition, input(), 2))).kind, 'NotReady');
      release();
      assert.deepEqual(await luna.step(initializePartition, input()), { label: 'luna_part' });
      assert.equal(luna.arrived('lunacm:partition init').length, 1);
    });
  });

  it('loses no script with passwords to a connection that dies between its upload and its removal', async () => {
    // The first command closes the script to others, the second one runs it.
    for (const [at, skip] of [
      ['windows:exec', 0],
      ['windows:exec', 1],
      ['windows:sftp remove', 0],
    ] as const) {
      await connected();
      luna.fault('reset', at, { skip });
      assert.equal((await luna.problemOf(luna.attempt(initializePartition, input()))).kind, 'Transient');
      await allSteps();
      isSetUp();
      assert.deepEqual(luna.scripts, []);
      await luna.stop();
    }
  });

  it('believes what lunacm says, not how it ended', async () => {
    await connected();
    luna.fault('fail', 'lunacm:partition init', { message: 'no room' });
    const { code, tried, evidence } = await luna.problemOf(luna.step(initializePartition, input()));
    assert.equal(code, 'LUNACM_COMMAND_FAILED');
    assert.deepEqual(evidence, { source: 'lunacm', text: '0x30 (CKR_DEVICE_ERROR) Error in execution: no room' });
    assert.match(tried, /^partition init -label luna_part -password \*{8} -domain \*{8} -force$/);
  });

  describe('Its crypto officer', () => {
    const initialized = async (variants: Record<string, string> = {}) => {
      await connected(variants);
      await luna.step(initializePartition, input());
    };
    /** A password that works is always in the store. */
    const inStore = () => {
      const { coPassword } = luna.partition;
      assert.ok(coPassword === undefined || [luna.kept('crypto-officer-password'), luna.kept('crypto-officer-temporary-password')].includes(coPassword));
    };

    const cuts: FaultRequest['kind'][] = ['reset', 'reset-after-accept', 'slow'];
    for (const variants of [{}, untold])
      for (const operation of ['lunacm:role init', 'lunacm:role changepw'])
        for (const kind of cuts)
          it(`is set up once, ${variants === untold ? 'with nothing told of roles, ' : ''}with ${kind} at ${operation}`, async () => {
            await initialized(variants);
            luna.fault(kind, operation);
            await luna.attempt(cryptoOfficer, input()).catch(inStore);
            await luna.step(cryptoOfficer, input());
            isSetUp();
            assert.equal(luna.arrived('lunacm:role changepw', 'done').length, 1);
            assert.equal(luna.arrived('lunacm:role init', 'done').length, 1);
          });

    for (const operation of ['lunacm:role init', 'lunacm:role changepw'])
      it(`is set up once when its sender dies at ${operation}`, async () => {
        await initialized();
        const { release } = await luna.cutOffAt(operation, cryptoOfficer, input());
        inStore();
        release();
        await luna.step(cryptoOfficer, input());
        isSetUp();
        assert.equal(luna.arrived(operation).length, 1);
      });

    it('is set up where its sender died before the first password was changed, and the HSM does not tell that it must be', async () => {
      await initialized();
      luna.fault('reset-after-accept', 'lunacm:role init');
      await luna.attempt(cryptoOfficer, input()).catch(inStore);
      luna.partition.coMustChange = false;
      await luna.step(cryptoOfficer, input());
      isSetUp();
      assert.equal(luna.arrived('lunacm:role init', 'done').length, 1);
    });

    it('is set up by a retry where its first password was taken and could not be changed, and the HSM does not tell that it must be', async () => {
      await initialized();
      luna.fault('fail', 'lunacm:role changepw', { message: 'no room' });
      assert.equal((await luna.problemOf(luna.step(cryptoOfficer, input()))).kind, 'Refused');
      luna.partition.coMustChange = false;
      await luna.step(cryptoOfficer, input());
      isSetUp();
      assert.equal(luna.arrived('lunacm:role init', 'done').length, 1);
    });

    const states: [what: string, change: object, seen: RegExp][] = [
      ['has four attempts left', { coAttemptsLeft: 4 }, /only 4 attempts of co are left/],
      ['is locked', { coAttemptsLeft: 0 }, /co is locked out/],
      ['is not there, and the partition SO has four attempts left', { coPassword: undefined, poAttemptsLeft: 4 }, /only 4 attempts of po are left/],
    ];
    for (const [what, change, seen] of states)
      it(`is an incident and not tried where it ${what}`, async () => {
        await initialized();
        await luna.step(cryptoOfficer, input());
        Object.assign(luna.partition, change);
        const before = luna.arrived('lunacm:role login').length;
        const problem = await luna.problemOf(luna.step(cryptoOfficer, input()));
        assert.equal(problem.kind, 'Unsafe');
        assert.match(wordsOf(problem), seen);
        assert.equal(luna.arrived('lunacm:role login').length, before);
      });

    const wrong: [what: string, variants: Record<string, string>, change: object, tries: number, kind: string][] = [
      ['somebody’s password', {}, { coPassword: 'theirs' }, 1, 'Unsafe'],
      ['somebody’s first password', {}, { coPassword: 'theirs', coMustChange: true }, 1, 'Unsafe'],
      ['somebody’s password, and nothing is told', untold, { coPassword: 'theirs' }, 2, 'Unsafe'],
      ['our password as its first one', {}, { coMustChange: true }, 1, 'Unsafe'],
    ];
    for (const [what, variants, change, tries, kind] of wrong)
      it(`with ${what} costs ${tries === 1 ? 'one attempt' : 'two attempts'} and asks`, async () => {
        await initialized(variants);
        await luna.step(cryptoOfficer, input());
        Object.assign(luna.partition, change);
        assert.equal((await luna.problemOf(luna.step(cryptoOfficer, input()))).kind, kind);
        assert.equal(luna.partition.coAttemptsLeft, 10 - tries);
      });

    it('with somebody’s password loses no more than two attempts to any number of orders, where nothing is told', async () => {
      await initialized(untold);
      await luna.step(cryptoOfficer, input());
      luna.partition.coPassword = 'theirs';
      const contents = () => luna.contents();
      for (let order = 1; order <= 3; order++) {
        assert.equal((await luna.problemOf(luna.step(cryptoOfficer, input()))).kind, 'Unsafe');
        await assert.rejects(contents(), /nothing tells how many attempts of co are left/);
      }
      assert.equal(luna.partition.coAttemptsLeft, 8);
    });

    it('is seen into by its kept password, and a refused one is not tried again out of habit', async () => {
      await initialized();
      await luna.step(cryptoOfficer, input());
      luna.partition.objects.push(...rootKeys);
      const contents = () => luna.contents();
      assert.deepEqual(await contents(), rootKeys);
      luna.partition.coPassword = 'theirs';
      await assert.rejects(contents(), /Do not retry: each retry uses an attempt, and ten wrong ones lock/);
      luna.partition.coAttemptsLeft = 4;
      await assert.rejects(contents(), /only 4 attempts of co are left/);
      assert.equal(luna.partition.coAttemptsLeft, 4);
    });

    it('is not set up with a refused password of the partition SO', async () => {
      await initialized();
      luna.partition.poPassword = 'theirs';
      const { kind, words: seen, remedy } = await luna.problemOf(luna.step(cryptoOfficer, input()));
      assert.equal(kind, 'Unsafe');
      assert.match(seen, /the stored password is refused/);
      assert.match(remedy, /^Do not retry: each retry uses an attempt, and ten wrong ones erase the partition/);
      assert.deepEqual([luna.partition.poAttemptsLeft, luna.arrived('lunacm:role init', 'done')], [9, []]);
    });
  });
});

import assert from 'node:assert/strict';
import { createPartition } from '../../activities/hsm-setup/create-partition.ts';
import { newPartition } from '../../simulator/luna/state.ts';
import { afterEntry } from '../support/after-entry.ts';
import { LunaSteps } from '../support/luna/luna-steps.ts';

describe('A partition whose size the HSM rounds', function () {
  this.timeout(60_000);
  let luna: LunaSteps;
  afterEach(() => luna?.stop());
  const input = () => ({ ...luna.job, ...luna.hosts });
  /** An HSM of ours without a partition. */
  async function begin(how = 'rounded') {
    luna = await LunaSteps.start({ variants: { 'luna.partitionSize': how } });
    luna.setUpHsm();
    luna.world.appliance.state.hsm.partitions = [];
  }

  it('is known by its serial in a later run, also with keys in it, and is not created again', async () => {
    await begin();
    const { partition } = await luna.step(createPartition, input());
    assert.deepEqual([partition.sizeBytes, luna.partition.sizeBytes], [10_240, 10_240]);
    luna.partition.objects.push('root-key-1', 'root-key-2');
    assert.deepEqual(await luna.step(createPartition, { ...input(), runId: 'run-2' }), { partition });
    assert.equal(luna.arrived('lunash:partition create').length, 1);
  });

  for (const [how, sizeBytes] of [
    ['rounded-down', 9_216],
    ['coarse', 65_536],
  ] as const)
    it(`is ours where it was created, however the HSM rounds: ${how}`, async () => {
      await begin(how);
      assert.equal((await luna.step(createPartition, input())).partition.sizeBytes, sizeBytes);
    });

  it('is recognized after a crash before its serial was kept', async () => {
    for (const kind of ['reset-after-accept', 'reset'] as const) {
      await begin();
      luna.fault(kind, 'lunash:partition create');
      await luna.problemOf(luna.attempt(createPartition, input()));
      assert.ok(![...luna.values.keys()].some((name) => /-partition-\d+$/.test(name)));
      assert.equal((await luna.step(createPartition, input())).partition.serial, luna.partition.serial);
      assert.equal(luna.world.appliance.state.hsm.partitions.length, 1);
      await luna.stop();
    }
  });

  const theirs = (objects: string[] = []) => ({ ...newPartition(luna.request.hsm.partition.name, 10_000), objects });
  const created = async () => (await luna.record().read()).filter(({ event, runId }) => event === 'partition-created' && runId === 'run-1').length;

  for (const objects of [[], ['their-key']])
    it(`that no entry shows as ours, with ${objects.length} objects, is not entered as created here before a person who was told orders a retry`, async () => {
      await begin('exact');
      luna.world.appliance.state.hsm.partitions.push(theirs(objects));
      for (const attempt of [1, 2]) {
        const { kind, words, remedy } = await luna.problemOf(luna.step(createPartition, input()));
        assert.deepEqual({ attempt, kind, created: await created() }, { attempt, kind: 'Unsafe', created: 0 });
        assert.match(
          `${words} ${remedy}`,
          new RegExp(`10000 bytes and ${objects.length} objects, .*does not show that this service created it.*root of trust, retry\\. Otherwise`),
        );
      }
      await luna.step(createPartition, { ...input(), order: 2 });
      assert.equal(await created(), 1);
    });

  it('that somebody creates while ours is entered as begun is not taken for ours, by no later run either', async () => {
    await begin('exact');
    const { records } = luna.systems;
    luna.systems.records = afterEntry(records, 'partition-create-begun', () => luna.world.appliance.state.hsm.partitions.push(theirs()));
    for (const runId of ['run-1', 'run-2']) {
      const { kind, code } = await luna.problemOf(luna.step(createPartition, { ...input(), runId }));
      assert.deepEqual([kind, code, await created()], ['Unsafe', 'HSM_PARTITION_FOREIGN', 0]);
    }
    assert.deepEqual(luna.arrived('lunash:partition create'), []);
  });

  it('that somebody creates right before ours, which the HSM then refuses, is not taken for ours by a retry', async () => {
    luna = await LunaSteps.start({
      arrived: ({ operation }) => {
        if (operation === 'lunash:partition create') luna.world.appliance.state.hsm.partitions.push(theirs());
      },
    });
    luna.setUpHsm();
    luna.world.appliance.state.hsm.partitions = [];
    assert.equal((await luna.problemOf(luna.step(createPartition, input()))).code, 'HSM_COMMAND_FAILED');
    assert.equal((await luna.problemOf(luna.step(createPartition, { ...input(), order: 2 }))).code, 'HSM_PARTITION_FOREIGN');
    assert.equal(await created(), 0);
  });

  it('is another one where its serial is: nobody is told to delete what holds keys', async () => {
    await begin();
    await luna.step(createPartition, input());
    Object.assign(luna.partition, { serial: '1999999999999', objects: ['their-key'] });
    const { kind, words: seen, remedy } = await luna.problemOf(luna.step(createPartition, { ...input(), runId: 'run-2' }));
    assert.deepEqual([kind, /serial 1999999999999; .*does not show/.test(seen), /do not delete it/.test(remedy)], ['Unsafe', true, true]);
    assert.match(remedy, /retry with an amendment of \/hsm\/partition\/sizeBytes to 10240/);
    luna.partition.objects = [];
    assert.doesNotMatch((await luna.problemOf(luna.step(createPartition, { ...input(), runId: 'run-3' }))).remedy, /delete/);
  });
});

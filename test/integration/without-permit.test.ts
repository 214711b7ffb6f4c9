import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { adminPassword } from '../../activities/ciphertrust/admin-password.ts';
import { appliancePassword } from '../../activities/hsm-setup/appliance-password.ts';
import { createPartition } from '../../activities/hsm-setup/create-partition.ts';
import { fipsMode } from '../../activities/hsm-setup/fips-mode.ts';
import { initializeHsm } from '../../activities/hsm-setup/initialize-hsm.ts';
import { connectClient } from '../../activities/partition/connect-client.ts';
import type { Systems } from '../../activities/systems.ts';
import type { Entry } from '../../simulator/request-log.ts';
import { AzureBench } from '../support/azure-bench.ts';
import { ManagerBench } from '../support/ciphertrust/manager-bench.ts';
import { MemoryFence } from '../support/fence.ts';
import { LunaSteps } from '../support/luna/luna-steps.ts';

const operations = (entries: readonly Entry[]): string[] => [...new Set(entries.map(({ operation }) => operation))].sort();

const ends = (attempt: Promise<unknown>) =>
  assert.rejects(attempt, (error: unknown) => error instanceof ApplicationFailure && error.type === 'Transient' && /Nothing more was sent/.test(error.message));

describe('Without a permit', function () {
  this.timeout(120_000);

  describe('nothing is typed or run on the HSM and its client', () => {
    let luna: LunaSteps;
    beforeEach(async () => {
      luna = await LunaSteps.start();
    });
    afterEach(() => luna.stop());

    /** Runs a step whose fence refuses from the given permit on; what arrived after that. */
    async function refusedAt<Input, Result>(
      activity: (systems: Systems) => (input: Input) => Promise<Result>,
      input: Input,
      at: number,
    ): Promise<string[] | 'done'> {
      let before = Number.POSITIVE_INFINITY;
      luna.fence = () =>
        new MemoryFence((asked) => {
          if (asked < at) return false;
          before = luna.world.requestLog.entries.length;
          return true;
        });
      const ended = await luna.attempt(activity, input).then(
        () => 'done' as const,
        (error: unknown) => error,
      );
      if (ended === 'done') return ended;
      assert.ok(ended instanceof ApplicationFailure && ended.type === 'Transient', String(ended));
      return operations(luna.world.requestLog.entries.slice(before));
    }

    it('not even a sign-in with a password', async () => {
      const { windows, hsm } = luna.hosts;
      assert.deepEqual(await refusedAt(appliancePassword, { ...luna.job, windows, hsmAddress: hsm.address }, 1), []);
      assert.deepEqual(luna.arrived('luna-ssh:sign-in'), []);
    });

    it('at whichever permit it is refused, while the HSM is initialized, FIPS mode is turned on and a partition is made', async () => {
      Object.assign(luna.world.appliance.state.users[0]!, { password: luna.kept('appliance-password'), mustChange: false });
      luna.enterEarlier(['appliance-sign-in', { password: 'kept', outcome: 'accepted' }]);
      const input = { ...luna.job, ...luna.hosts };
      const initialized = await untilDone((at) => refusedAt(initializeHsm, input, at));
      luna.fence = () => new MemoryFence();
      const { hsm } = await luna.attempt(initializeHsm, input);
      const erased = await untilDone(async (at) => refusedAt(fipsMode, { ...input, ...(await luna.granted(`approval-${at}`, hsm.digest)) }, at));
      const created = await untilDone((at) => refusedAt(createPartition, input, at));
      assert.ok(Math.min(initialized, erased, created) > 5, 'every line and every answer had a permit of its own');
      const { counts } = luna.world.appliance.state;
      assert.equal(counts.policyChanges, 1);
    });

    /** Refuses at the first permit, at the second …, until the step is done before that; how many that were. Nothing may arrive after a refusal. */
    async function untilDone(refused: (at: number) => Promise<string[] | 'done'>): Promise<number> {
      for (let at = 1; ; at++) {
        const after = await refused(at);
        if (after === 'done') return at - 1;
        assert.deepEqual(after, [], `after the refusal of permit ${at}`);
      }
    }

    it('nor on the Windows host: no script is written and no program started', async () => {
      luna.setUpHsm();
      const partitionSerial = luna.partition.serial;
      const input = { ...luna.job, ...luna.hosts, partitionSerial };
      for (let at = 1; at <= 12; at++) {
        const after = await refusedAt(connectClient, input, at);
        assert.ok(after !== 'done', 'it is refused before it is done');
        // What lunacm answered is written down although its script could not be removed: a connection may be opened before the next refusal.
        const more = after.filter((operation) => operation !== 'windows:sign-in');
        assert.deepEqual(more, [], `after the refusal of permit ${at}`);
      }
    });

    it('nor is a program started there whose script was written under permits', async () => {
      luna.setUpHsm();
      const isWritten = () => luna.scripts.some(({ content }) => Buffer.from(content, 'base64').includes('clientconfig deploy'));
      luna.fence = () => new MemoryFence((_, act) => act === 'clientconfig-deploy' && isWritten());
      await ends(luna.attempt(connectClient, { ...luna.job, ...luna.hosts, partitionSerial: luna.partition.serial }));
      assert.deepEqual(luna.arrived('lunacm:clientconfig deploy'), []);
      assert.ok(isWritten(), 'it was about to be run');
    });
  });

  it('nothing is sent to CipherTrust Manager but plain reads', async () => {
    const manager = new ManagerBench();
    await manager.switchOn();
    try {
      const cipherTrust = await manager.booted();
      const fence = new MemoryFence();
      fence.refuse();
      const before = manager.world.requestLog.entries.length;
      await ends(manager.attemptUnder(fence, adminPassword(manager.systems), { ...manager.job(), cipherTrust }));
      const sent = operations(manager.world.requestLog.entries.slice(before)).filter((operation) => operation.startsWith('ciphertrust:'));
      assert.deepEqual(
        sent.filter((operation) => !operation.startsWith('ciphertrust:GET ')),
        [],
      );
    } finally {
      await manager.stop();
    }
  });

  it('nothing is sent to Azure but plain reads and sign-ins', async () => {
    const azure = await AzureBench.start();
    try {
      const fence = new MemoryFence();
      fence.refuse();
      await ends(azure.attemptUnder(fence, 'resource-group'));
      assert.deepEqual(
        operations(azure.world.requestLog.entries).filter((operation) => !/^(arm:GET |authority:)/.test(operation)),
        [],
      );
      assert.ok(azure.arrived('arm:GET *').length > 0);
    } finally {
      await azure.stop();
    }
  });
});

import assert from 'node:assert/strict';
import { connectClient } from '../../activities/partition/connect-client.ts';
import { cryptoOfficer } from '../../activities/partition/crypto-officer.ts';
import { initializePartition } from '../../activities/partition/initialize-partition.ts';
import { LunaSteps } from '../support/luna/luna-steps.ts';

/** The steps of “Access and configure the partition”, over real SSH against a simulated Windows host and HSM. */
describe('The partition, from the trust link to its crypto officer', function () {
  this.timeout(60_000);
  let luna: LunaSteps;
  afterEach(() => luna?.stop());

  const connected = async () => {
    const { serial: partitionSerial } = luna.partition;
    const { slot } = await luna.step(connectClient, { ...luna.job, ...luna.hosts, partitionSerial });
    return { ...luna.job, ...luna.hosts, slot, partitionSerial };
  };

  it('is connected, initialised and gets its crypto officer', async () => {
    luna = await LunaSteps.start();
    const partition = luna.setUpHsm();
    const input = await connected();
    assert.deepEqual(await luna.step(initializePartition, input), { label: 'luna_part' });
    assert.deepEqual(await luna.step(cryptoOfficer, input), { attemptsLeft: 10 });
    assert.deepEqual([partition.label, partition.coPassword, partition.coMustChange], ['luna_part', luna.kept('crypto-officer-password'), false]);
  });
});

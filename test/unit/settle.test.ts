import assert from 'node:assert/strict';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { converge, done } from '../../activities/converge.ts';
import { commandSettleMs, usualPatience } from '../../systems/lunash/session.ts';
import { readSettings } from '../../worker/settings.ts';

const settleMs = 200;
/** How long an attempt waited before it looked. */
async function waited(attempt: number, input: { order?: number }): Promise<number> {
  const begun = Date.now();
  const step = converge<{ order?: number }, number, number, never>({ settleMs, observe: async () => Date.now(), decide: (seen) => done(seen), act: {} });
  const environment = new MockActivityEnvironment({ attempt }, { logger: new DefaultLogger('ERROR') });
  return Number(await environment.run(step, input)) - begun;
}

describe('What was sent before is given its time', () => {
  /** A timer may be early by a millisecond. */
  const longEnough = settleMs - 5;

  it('before a later attempt looks, and before the first one of a later order does', async () => {
    assert.ok((await waited(2, {})) >= longEnough);
    assert.ok((await waited(1, { order: 2 })) >= longEnough);
  });

  it('and nothing is waited for where nothing was sent yet', async () => {
    assert.ok(Math.min(await waited(1, {}), await waited(1, {}), await waited(1, {})) < longEnough);
  });

  it('as long as a LunaSH command may take', () => assert.ok(commandSettleMs(readSettings({})) >= usualPatience.commandMs));
});

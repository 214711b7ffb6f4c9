import assert from 'node:assert/strict';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { act, converge, done, halt, wait } from '../../activities/converge.ts';
import { withOutcome } from '../../activities/outcome.ts';
import { hasOutcome } from '../../domain/step-outcome.ts';
import { runStep } from '../support/fence.ts';

const logger = new DefaultLogger('ERROR', () => {});
type Look = 'there' | 'missing' | 'coming' | 'wrong';

interface Attempted {
  attempt?: number;
  detail?: unknown;
  order?: number;
}

/** One attempt that sees these looks, one after the other: what it tells, and the last detail that it leaves. */
async function attempted(looks: Look[], { attempt = 1, detail, order = 1 }: Attempted = {}) {
  const environment = new MockActivityEnvironment({ attempt, heartbeatDetails: detail }, { logger });
  let left: unknown;
  environment.on('heartbeat', (sent) => {
    left = sent;
  });
  const rest = [...looks];
  const step = converge<{ order?: number }, Look, string, 'make'>({
    observe: async () => rest.shift() ?? 'there',
    decide: (seen) => {
      if (seen === 'there') return done('it');
      if (seen === 'missing') return act('make');
      return seen === 'coming' ? wait('not yet') : halt({ code: 'HSM_UNREADABLE', tried: 'it', summary: 'wrong', remedy: 'Fix it.' });
    },
    act: { make: async () => {} },
  });
  const told = await withOutcome(() => runStep(environment, step, { order })).catch(() => undefined);
  return { outcome: told !== undefined && hasOutcome(told) ? told.stepOutcome : undefined, left };
}

describe('A step that is done', () => {
  it('is unchanged where everything was there, and changed where it acted', async () => {
    assert.equal((await attempted(['there'])).outcome, 'unchanged');
    assert.equal((await attempted(['missing', 'there'])).outcome, 'changed');
  });

  it('is what all of its attempts did, as far as each of them said so', async () => {
    const waited = await attempted(['coming']);
    assert.equal((await attempted(['there'], { attempt: 2, detail: waited.left })).outcome, 'unchanged');
    const acted = await attempted(['missing', 'coming']);
    assert.equal((await attempted(['there'], { attempt: 2, detail: acted.left })).outcome, 'changed');
    const failed = await attempted(['wrong']);
    assert.equal((await attempted(['there'], { attempt: 2, detail: failed.left })).outcome, 'unchanged');
    const actedAndFailed = await attempted(['missing', 'wrong']);
    assert.equal((await attempted(['there'], { attempt: 2, detail: actedAndFailed.left })).outcome, 'changed');
  });

  it('counts as changed after an attempt that was lost, and after a person’s retry', async () => {
    assert.equal((await attempted(['there'], { attempt: 2 })).outcome, 'changed');
    assert.equal((await attempted(['there'], { order: 2 })).outcome, 'changed');
  });

  it('gives its result alone where it tells no outcome', async () => {
    assert.equal(await withOutcome(async () => 'result'), 'result');
  });
});

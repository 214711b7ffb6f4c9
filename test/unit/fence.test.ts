import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { Context } from '@temporalio/activity';
import { ActivityCancelledError, ActivityCompletionError, ActivityNotFoundError, ActivityPausedError, ActivityResetError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { currentFence, NoPermit, noPermitIn, runWithFence, usualGraceMs } from '../../systems/fence.ts';
import { AttemptFence, type Clocks } from '../../worker/attempt-fence.ts';
import { openFence } from '../support/fence.ts';

interface Heartbeat {
  token: Uint8Array;
  detail: unknown;
  options: unknown;
}

const taskToken = Buffer.from('token');

/** The context of an attempt whose server answers as a test wants; the clocks go on by what the test says while it is asked. */
function attempt({ answer = async () => {}, passes = {} }: { answer?: () => Promise<void>; passes?: Partial<Record<keyof Clocks, number>> } = {}) {
  const sent: Heartbeat[] = [];
  const periodic: unknown[] = [];
  const cancellation = new AbortController();
  let asked = 0;
  const time = { steady: 5_000, up: 90_000, wall: 1_764_500_000_000 };
  const activity = {
    async heartbeat(token: Uint8Array, detail: unknown, options: unknown) {
      sent.push({ token, detail, options });
      for (const clock of Object.keys(passes) as (keyof Clocks)[]) time[clock] += passes[clock]!;
      await answer();
    },
  };
  const client = {
    activity,
    withDeadline: async (_: number, work: () => Promise<void>) => {
      asked++;
      await work();
    },
  };
  const context = {
    client,
    cancellationSignal: cancellation.signal,
    heartbeat: (detail: unknown) => periodic.push(detail),
    info: { taskToken, activityId: 'fips-mode-1', namespace: 'default', workflowExecution: { workflowId: 'kylo-hsm', runId: 'run' } },
  };
  const clocks: Clocks = { steady: () => time.steady, up: () => time.up, wall: () => time.wall };
  return { fence: new AttemptFence(context as unknown as Context, clocks), sent, periodic, cancellation, times: () => asked };
}

const refuses = (fence: AttemptFence, why: RegExp) =>
  assert.rejects(fence.permit(), (error: unknown) => {
    assert.ok(error instanceof NoPermit, String(error));
    assert.match(error.message, why);
    return true;
  });

describe('The permit of an attempt', () => {
  it('is a heartbeat by task token, with the serialization context of the activity', async () => {
    const { fence, sent } = attempt();
    await fence.permit();
    assert.deepEqual(sent, [
      {
        token: taskToken,
        detail: undefined,
        options: { serializationContext: { type: 'activity', namespace: 'default', workflowId: 'kylo-hsm', activityId: 'fips-mode-1', isLocal: false } },
      },
    ]);
  });

  it('carries the detail that was remembered last, and so does every periodic heartbeat', async () => {
    const { fence, sent, periodic } = attempt();
    fence.beat();
    fence.remember({ fact: 1 });
    await fence.permit();
    fence.beat();
    fence.remember(undefined);
    await fence.permit();
    assert.deepEqual(periodic, [undefined, { fact: 1 }, { fact: 1 }, undefined]);
    assert.deepEqual(
      sent.map(({ detail }) => detail),
      [{ fact: 1 }, undefined],
    );
  });

  const errors = [
    new ActivityNotFoundError('Not found'),
    new ActivityCancelledError('cancelled'),
    new ActivityResetError('reset'),
    new ActivityPausedError('paused'),
    new ActivityCompletionError('Unavailable'),
    new TypeError('whatever'),
  ];
  for (const error of errors)
    it(`is refused where Temporal answers ${error.name}, and stays refused without another question`, async () => {
      const { fence, times } = attempt({ answer: () => Promise.reject(error) });
      await refuses(fence, new RegExp(error.name));
      await refuses(fence, new RegExp(error.name));
      assert.equal(times(), 1);
    });

  it('is refused where Temporal does not answer within the lease', async () => {
    const { fence } = attempt({ answer: () => new Promise(() => {}) });
    await refuses(fence, /no answer within 2 s/);
  }).timeout(10_000);

  it('is refused without a question where the attempt is cancelled already', async () => {
    const { fence, cancellation, times } = attempt();
    cancellation.abort(new CancelledFailure('CANCELLED'));
    await refuses(fence, /CancelledFailure/);
    assert.equal(times(), 0);
  });

  const ages: [what: string, passes: Partial<Record<keyof Clocks, number>>, good: boolean][] = [
    ['an answer at once', {}, true],
    ['2 s by every clock', { steady: 2_000, up: 2_000, wall: 2_000 }, true],
    ['more than 2 s by the steady clock alone', { steady: 2_001 }, false],
    ['more than 2 s by the machine’s uptime alone: it slept', { up: 2_010 }, false],
    ['more than 2 s by the wall clock alone', { wall: 2_001 }, false],
    ['a wall clock that was slewed back a little', { wall: -20 }, true],
    ['a wall clock that was set back', { wall: -21 }, false],
    ['a clock that was set back an hour', { steady: 3, up: 0, wall: -3_600_000 }, false],
  ];
  for (const [what, passes, good] of ages)
    it(`is ${good ? 'given' : 'refused'} after ${what}`, async () => {
      const { fence } = attempt({ passes });
      if (good) await fence.permit();
      else await refuses(fence, /too late, or a clock was set/);
    });

  it('is refused to all who asked at the same time as the one that was refused', async () => {
    let asked = 0;
    const others = Promise.withResolvers<void>();
    const { fence } = attempt({ answer: () => (++asked === 2 ? Promise.reject(new ActivityNotFoundError('gone')) : others.promise) });
    const permits = [fence.permit(), fence.permit(), fence.permit()];
    const answers = Promise.allSettled(permits);
    await assert.rejects(permits[1]!, NoPermit);
    others.resolve();
    assert.deepEqual(
      (await answers).map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
  });
});

describe('The fence of the present attempt', () => {
  it('refuses outside an attempt', () => assert.rejects(currentFence().permit(), NoPermit));

  it('is the one that the attempt runs with, after any wait', () =>
    runWithFence(openFence, async () => {
      await setImmediate();
      assert.equal(currentFence(), openFence);
    }));

  it('gives a successor the time of a permit with a margin', () => assert.equal(usualGraceMs, 3_000));

  it('finds a refusal in what a client made of it', () => {
    const refusal = new NoPermit('gone');
    assert.equal(noPermitIn(new Error('socket', { cause: new Error('agent', { cause: refusal }) })), refusal);
    assert.equal(noPermitIn(new Error('socket')), undefined);
  });
});

import assert from 'node:assert/strict';
import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { converge, wait } from '../../activities/converge.ts';
import { notReady, refused, transient } from '../../domain/failure.ts';
import { ActivityInterceptor } from '../../worker/activity-interceptor.ts';

const logger = new DefaultLogger('ERROR');
const busy = () => transient({ code: 'SSH_CONNECTION_FAILED', tried: 'connecting', summary: 'no route', remedy: 'It is tried again by itself.' });

describe('The next attempt of a step', () => {
  /** When it is made after one that ended so, in milliseconds. */
  async function delayAfter(attempt: number, observe: () => Promise<object>): Promise<unknown> {
    const environment = new MockActivityEnvironment({ attempt }, { logger });
    const interceptor = new ActivityInterceptor(environment.context as Context, 10_000);
    const step = converge<object, object, void, never>({ observe, decide: () => wait('not yet'), act: {} });
    const next = () => environment.run(step, {});
    const failure = await interceptor.execute({ args: [{}], headers: {} }, next).then(
      () => assert.fail('it is done'),
      (error: unknown) => error,
    );
    assert.ok(failure instanceof ApplicationFailure);
    return failure.nextRetryDelay;
  }

  it('is made soon where it is not time yet, and later from one to the next', async () => {
    assert.equal(await delayAfter(1, async () => ({})), 1_250);
  });

  it('comes with the usual interval where nothing tells how long it was waited', async () => {
    assert.equal(await delayAfter(1, () => Promise.reject(notReady('a file is in use'))), 10_000);
    assert.equal(await delayAfter(1, () => Promise.reject(notReady('locked', 300_000))), 300_000);
  });

  it('comes later and later where something passing is in the way, half a minute at most', async () => {
    const delays = await Promise.all([1, 2, 5, 6, 60].map((attempt) => delayAfter(attempt, () => Promise.reject(busy()))));
    assert.deepEqual(delays, [1_000, 2_000, 16_000, 30_000, 30_000]);
  });

  it('is not made where a person must act', async () => {
    const forPerson = refused({ code: 'LUNACM_COMMAND_FAILED', tried: 'a command', summary: 'it failed', remedy: 'Retry.' });
    assert.equal(await delayAfter(1, () => Promise.reject(forPerson)), undefined);
  });
});

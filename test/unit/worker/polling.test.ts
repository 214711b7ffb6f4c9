import assert from 'node:assert/strict';
import { OwnPolling } from '../../../worker/polling.ts';

/** A worker of ours whose pollers the test names, or a Temporal that does not answer. */
function polling() {
  const world = { state: 'RUNNING', seconds: 0, pollers: undefined as string[] | undefined };
  const worker = { options: { identity: '1@host', namespace: 'default', taskQueue: 'q' }, getState: () => world.state };
  const workflowService = {
    listTaskQueuePartitions: (): Promise<object> => Promise.reject(new Error('unimplemented')),
    describeTaskQueue: async () => {
      if (!world.pollers) throw new Error('connection refused');
      return { pollers: world.pollers.map((identity) => ({ identity, lastAccessTime: { seconds: Date.now() / 1000, nanos: 0 } })) };
    },
  };
  const connection = { workflowService, withDeadline: <T>(_: number, question: () => Promise<T>) => question() };
  return { world, polling: new OwnPolling(worker, connection, () => world.seconds * 1000) };
}

describe('A worker is ready', () => {
  it('when Temporal lists it, and for 30 s after it was last seen polling', async () => {
    const its = polling();
    assert.equal(its.polling.readiness().ready, false);
    its.world.pollers = ['2@host', '1@host'];
    await its.polling.look();
    assert.deepEqual(its.polling.readiness(), { ready: true });
    its.world.pollers = undefined;
    its.world.seconds = 30;
    await its.polling.look();
    assert.deepEqual(its.polling.readiness(), { ready: true });
    its.world.seconds = 31;
    assert.deepEqual(its.polling.readiness(), {
      ready: false,
      detail: 'This worker has not been seen polling for 31 s. Temporal does not answer: connection refused',
    });
    its.world.pollers = ['1@host'];
    await its.polling.look();
    assert.equal(its.polling.readiness().ready, true);
  });

  it('not while Temporal lists others alone', async () => {
    const its = polling();
    its.world.pollers = ['2@host'];
    await its.polling.look();
    assert.deepEqual(its.polling.readiness(), {
      ready: false,
      detail: 'This worker has not been seen polling for 0 s. Temporal answers, but does not list it.',
    });
  });

  it('not when it is leaving', async () => {
    const its = polling();
    its.world.pollers = ['1@host'];
    await its.polling.look();
    its.world.state = 'DRAINING';
    assert.deepEqual(its.polling.readiness(), { ready: false, detail: "The worker's state is DRAINING." });
  });
});

import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { Workers } from '../../../api/workers.ts';

/** A Temporal whose pollers the test names, and which counts what it is asked. */
function temporal() {
  const world = { seconds: 0, asked: 0, answers: true, polledAt: undefined as Date | undefined };
  const client = {
    options: { namespace: 'default' },
    withDeadline: <T>(_: number, question: () => Promise<T>) => question(),
    workflowService: {
      listTaskQueuePartitions: () => Promise.reject(new Error('unimplemented')),
      async describeTaskQueue() {
        world.asked++;
        if (!world.answers) throw new Error('not allowed');
        return { pollers: world.polledAt ? [{ identity: '1@host', lastAccessTime: { seconds: world.polledAt.getTime() / 1000, nanos: 0 } }] : [] };
      },
    },
  };
  // Only what is used of it.
  return { world, workers: new Workers(client as unknown as Client, 'q', () => world.seconds * 1000) };
}

describe('The workers of an installation', () => {
  it('are asked for once in 3 s, however many want to know', async () => {
    const { world, workers } = temporal();
    await Promise.all([workers.view(), workers.view(), workers.missing()]);
    world.seconds = 3;
    await workers.view();
    assert.equal(world.asked, 2, 'once for workflows, once for activities');
    world.seconds = 4;
    await workers.view();
    assert.equal(world.asked, 4);
  });

  it('are missing since this API started, where none was ever seen', async () => {
    const view = await temporal().workers.missing();
    assert.equal(view?.count, 0);
    assert.match(view?.detail ?? '', /^No worker has polled the task queue q since this API started at \S+\. Start a worker: jobs continue then\.$/);
  });

  it('are missing since the last one was seen', async () => {
    const { world, workers } = temporal();
    world.polledAt = new Date(Math.floor(Date.now() / 1000) * 1000);
    assert.deepEqual(await workers.view(), { count: 1 });
    assert.equal(await workers.missing(), undefined);
    const since = world.polledAt.toISOString();
    world.polledAt = undefined;
    world.seconds = 4;
    assert.deepEqual(await workers.missing(), {
      count: 0,
      since,
      detail: `No worker polls the task queue q; the last one was seen at ${since}. Start a worker: jobs continue then.`,
    });
  });

  it('are neither there nor missing where Temporal does not tell', async () => {
    const { world, workers } = temporal();
    world.answers = false;
    assert.deepEqual([await workers.view(), await workers.missing()], [undefined, undefined]);
  });
});

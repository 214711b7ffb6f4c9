import assert from 'node:assert/strict';
import { Pollers } from '../../../temporal/pollers.ts';

const began = Date.UTC(2026, 10, 30, 21);

/** A task queue whose pollers the test sets, seconds after the beginning; the server's clock is `aheadMs` ahead of ours. */
function taskQueue(aheadMs = 0) {
  let seconds = 0;
  const lists: Record<number, Record<string, number>> = { 1: {}, 2: {} };
  const service = {
    listTaskQueuePartitions: (): Promise<object> => Promise.reject(new Error('unimplemented')),
    describeTaskQueue: async ({ taskQueueType }: { taskQueueType: number }) => ({
      pollers: Object.entries(lists[taskQueueType] ?? {}).map(([identity, at]) => ({
        identity,
        lastAccessTime: { seconds: (began + aheadMs) / 1000 + at, nanos: 0 },
      })),
    }),
  };
  const clock = { wallMs: () => began + seconds * 1000, monotonicMs: () => seconds * 1000 };
  const pollers = new Pollers({ service, namespace: 'default', taskQueue: 'q', clock });
  return {
    lists,
    async at(now: number) {
      seconds = now;
      const { identities, lastSeen } = await pollers.look();
      return { identities, lastSeen: lastSeen && (lastSeen.getTime() - began - aheadMs) / 1000 };
    },
    polls(identity: string, at: number) {
      lists[1]![identity] = lists[2]![identity] = at;
    },
  };
}

describe('The pollers of a task queue', () => {
  it('are none where nobody ever polled', async () => {
    assert.deepEqual(await taskQueue().at(0), { identities: [], lastSeen: undefined });
  });

  it('count as long as an idle poll may last', async () => {
    const queue = taskQueue();
    queue.polls('1@host', 0);
    assert.deepEqual(await queue.at(1), { identities: ['1@host'], lastSeen: 0 });
    assert.deepEqual(await queue.at(59), { identities: ['1@host'], lastSeen: 0 });
    queue.polls('1@host', 60);
    assert.deepEqual(await queue.at(61), { identities: ['1@host'], lastSeen: 60 });
    assert.deepEqual(await queue.at(140), { identities: [], lastSeen: 60 });
  });

  it('remember when the last one was seen after the server has forgotten it', async () => {
    const queue = taskQueue();
    queue.polls('1@host', 0);
    await queue.at(1);
    queue.lists[1] = queue.lists[2] = {};
    assert.deepEqual(await queue.at(400), { identities: [], lastSeen: 0 });
  });

  it('are those that poll for workflows and for activities, no others', async () => {
    const queue = taskQueue();
    queue.polls('1@host', 0);
    queue.lists[1]!['workflows@host'] = 0;
    queue.lists[2]!['activities@host'] = 0;
    assert.deepEqual((await queue.at(1)).identities, ['1@host']);
  });

  it('do not count at the first look where they stopped minutes ago', async () => {
    const queue = taskQueue();
    queue.polls('1@host', 0);
    assert.deepEqual(await queue.at(200), { identities: [], lastSeen: 0 });
  });

  for (const aheadMs of [3_600_000, -3_600_000])
    it(`are judged rightly by a machine whose clock differs by ${aheadMs / 3_600_000} h`, async () => {
      const queue = taskQueue(aheadMs);
      queue.polls('1@host', 0);
      assert.deepEqual((await queue.at(1)).identities, ['1@host']);
      assert.deepEqual((await queue.at(70)).identities, ['1@host']);
      assert.deepEqual((await queue.at(100)).identities, []);
    });

  it('are those of all partitions, each with its latest poll', async () => {
    let seconds = 1;
    const polls: Record<string, Record<string, number>> = { q: { 'first@host': 0, 'moved@host': 0 }, '/_sys/q/1': { 'second@host': 0 } };
    const partitions = Object.keys(polls).map((key) => ({ key }));
    let listed = 0;
    const service = {
      async listTaskQueuePartitions() {
        listed++;
        return { workflowTaskQueuePartitions: partitions, activityTaskQueuePartitions: partitions };
      },
      describeTaskQueue: async ({ taskQueue: { name } }: { taskQueue: { name: string } }) => ({
        pollers: Object.entries(polls[name] ?? {}).map(([identity, at]) => ({ identity, lastAccessTime: { seconds: began / 1000 + at, nanos: 0 } })),
      }),
    };
    const clock = { wallMs: () => began + seconds * 1000, monotonicMs: () => seconds * 1000 };
    const pollers = new Pollers({ service, namespace: 'default', taskQueue: 'q', clock });
    assert.deepEqual([...(await pollers.look()).identities].sort(), ['first@host', 'moved@host', 'second@host']);
    seconds = 101;
    polls['/_sys/q/1'] = { 'second@host': 0, 'moved@host': 100 };
    assert.deepEqual((await pollers.look()).identities, ['moved@host']);
    seconds = 102;
    await pollers.look();
    assert.equal(listed, 2, 'not at each look');
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { StepFailure } from '../../../domain/failure.ts';
import { NoPermit } from '../../../systems/fence.ts';
import { Way } from '../../../systems/ssh/way.ts';
import { MemoryFence } from '../../support/fence.ts';
import { until } from '../../support/until.ts';

/** A hop that takes what it is given only when the test says so, and counts how often somebody looked whether it has. */
class Slow extends Duplex {
  looks = 0;
  #taken: (() => void)[] = [];

  constructor() {
    super();
    const get = (): unknown => {
      this.looks++;
      return Reflect.get(Duplex.prototype, 'writableLength', this);
    };
    Object.defineProperty(this, 'writableLength', { get });
  }

  override _write(_chunk: Buffer, _encoding: BufferEncoding, taken: () => void): void {
    this.#taken.push(taken);
  }

  override _read(): void {}

  accept(): void {
    for (const taken of this.#taken.splice(0)) taken();
  }
}

async function connected(): Promise<{ socket: Socket; other: Socket; stop(): Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[other]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [[Socket], unknown[]];
  const stop = async () => {
    socket.destroy();
    other.destroy();
    server.close();
    await once(server, 'close');
  };
  return { socket, other, stop };
}

describe('The way of an SSH connection', () => {
  for (const [which, between] of [
    ['its own socket', (slow: Slow, fence: MemoryFence) => new Way(slow, fence)],
    [
      'the way to the host in between',
      (slow: Slow, fence: MemoryFence) => {
        const channel = new Slow();
        new Way(slow, fence).carries(channel);
        return new Way(channel, fence);
      },
    ],
    [
      'a channel on it',
      (slow: Slow, fence: MemoryFence) => {
        const way = new Way(new Slow(), fence);
        way.includes(slow);
        return way;
      },
    ],
  ] as const)
    it(`asks for no permit while ${which} has a backlog`, async () => {
      const [slow, fence] = [new Slow(), new MemoryFence()];
      const way = between(slow, fence);
      slow.write('before');
      const permit = way.permit('lunash-command');
      await until('some looks at the backlog', async () => slow.looks >= 5 || undefined);
      assert.deepEqual(fence.asked, []);
      slow.accept();
      await permit;
      assert.deepEqual(fence.asked, ['lunash-command']);
    });

  it('asks for another permit where a backlog came while it asked', async () => {
    const slow = new Slow();
    const fence = new MemoryFence((asked) => {
      if (asked === 1) slow.write('meanwhile');
      return false;
    });
    const way = new Way(slow, fence);
    const permit = way.permit();
    await until('the first permit', async () => fence.asked.length > 0 || undefined);
    slow.accept();
    await permit;
    assert.equal(fence.asked.length, 2);
  });

  it('is reset where the permit is refused, through the host in between, and stays refused', async () => {
    const { socket, other, stop } = await connected();
    try {
      const errors: (string | undefined)[] = [];
      other.on('error', ({ code }: NodeJS.ErrnoException) => errors.push(code)).resume();
      const closed = once(other, 'close');
      const channel = new Slow();
      const fence = new MemoryFence(() => true);
      new Way(socket, fence).carries(channel);
      const way = new Way(channel, fence);
      await assert.rejects(way.permit(), NoPermit);
      assert.ok(channel.destroyed && socket.destroyed && way.refusal);
      await closed.catch(() => {});
      assert.deepEqual(errors, ['ECONNRESET'], 'what lies at a hop is not delivered later');
    } finally {
      await stop();
    }
  });

  it('that is closed already is a failure of the connection, not a refusal', async () => {
    const { socket, stop } = await connected();
    try {
      const fence = new MemoryFence();
      const way = new Way(socket, fence);
      socket.destroy();
      await until('the socket to be closed', async () => socket.destroyed || undefined);
      await assert.rejects(way.permit(), (error: unknown) => error instanceof StepFailure && error.problem.kind === 'Transient');
      assert.deepEqual([fence.asked, way.refusal], [[], undefined]);
    } finally {
      await stop();
    }
  });
});

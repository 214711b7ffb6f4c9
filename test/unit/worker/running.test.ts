import assert from 'node:assert/strict';
import { runUntil } from '../../../worker/running.ts';

/** A worker that ends as it is told to, or fails. */
function parts({ fails, closes = async () => {} }: { fails?: Error; closes?: () => Promise<void> }) {
  const told: string[] = [];
  const ended = Promise.withResolvers<void>();
  if (fails) ended.reject(fails);
  const worker = {
    run: () => ended.promise,
    getState: () => 'RUNNING',
    shutdown: () => {
      told.push('shutdown');
      ended.resolve();
    },
  };
  const connection = {
    close: () => {
      told.push('close');
      return closes();
    },
  };
  const polling = { start: async () => void told.push('start'), stop: () => void told.push('stop') };
  return { told, worker, connection, polling };
}

describe('A worker that runs', () => {
  it('is shut down by the signal, and its connection is closed after that', async () => {
    const leaving = new AbortController();
    const all = parts({});
    const running = runUntil(leaving.signal, all);
    leaving.abort();
    await running;
    assert.deepEqual(all.told, ['start', 'shutdown', 'stop', 'close']);
  });

  it('tells why it failed, though its connection cannot be closed while it is still held', async () => {
    const fails = new Error('the poll was refused');
    const closes = async () => {
      throw new Error('Cannot close connection while Workers hold a reference to it');
    };
    const all = parts({ fails, closes });
    await assert.rejects(runUntil(new AbortController().signal, all), fails);
    assert.deepEqual(all.told, ['start', 'stop', 'close']);
  });

  it('does not hide that its connection could not be closed where nothing else went wrong', async () => {
    const all = parts({ closes: async () => assert.fail('it is gone') });
    await assert.rejects(runUntil(AbortSignal.abort(), all), /it is gone/);
  });
});

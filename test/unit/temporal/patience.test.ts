import assert from 'node:assert/strict';
import { untilItSucceeds } from '../../../temporal/patience.ts';

describe('Waiting until something succeeds', () => {
  const pauses = { firstMs: 1, longestMs: 4 };
  const never = new AbortController().signal;

  it('says at each try what is awaited and why, with longer pauses up to the longest', async () => {
    const lines: string[] = [];
    let tries = 0;
    const attempt = async () => {
      if (++tries < 6) throw new Error('connection refused');
      return 'there';
    };
    assert.equal(
      await untilItSucceeds(attempt, { what: 'Temporal at a:1', passes: () => true, log: (line) => lines.push(line), signal: never, pauses }),
      'there',
    );
    const waits = [1, 2, 4, 4, 4].map((ms) => `Waiting for Temporal at a:1: connection refused. Next attempt in ${ms / 1000} s.`);
    assert.deepEqual(lines, waits);
  });

  it('ends with what does not pass by itself', async () => {
    const attempt = () => Promise.reject(new TypeError('no address'));
    await assert.rejects(untilItSucceeds(attempt, { what: 'x', passes: () => false, log: () => {}, signal: never, pauses }), /no address/);
  });

  it('ends with nothing when it is told to, in a pause as well as in a try that never ends', async () => {
    for (const attempt of [() => Promise.reject(new Error('not yet')), () => new Promise<never>(() => {})]) {
      const leaving = new AbortController();
      const waiting = untilItSucceeds(attempt, {
        what: 'x',
        passes: () => true,
        log: () => {},
        signal: leaving.signal,
        pauses: { firstMs: 3_600_000, longestMs: 3_600_000 },
      });
      setImmediate(() => leaving.abort());
      assert.equal(await waiting, undefined);
    }
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describeUncaught, isBroken, mostMistakesAMinute, uncaughtJudge } from '../../../temporal/uncaught.ts';

const withCode = (message: string, code: string) => Object.assign(new Error(message), { code });

describe('The policy for uncaught errors', () => {
  for (const error of [
    withCode('read ECONNRESET', 'ECONNRESET'),
    withCode('write EPIPE', 'EPIPE'),
    withCode('connect ETIMEDOUT', 'ETIMEDOUT'),
    withCode('Client network socket disconnected before secure TLS connection was established', 'ECONNRESET'),
    withCode('unable to verify the first certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    new TypeError("Cannot read properties of undefined (reading 'length')"),
    new RangeError('Maximum call stack size exceeded'),
    'a string',
  ])
    it(`goes on after ${error}`, () => assert.equal(isBroken(error), false));

  for (const error of [
    new RangeError('Array buffer allocation failed'),
    withCode('Worker terminated due to reaching memory limit', 'ERR_WORKER_OUT_OF_MEMORY'),
    withCode('spawn ENOMEM', 'ENOMEM'),
    withCode('This is caused by a bug in Node.js', 'ERR_INTERNAL_ASSERTION'),
    Object.assign(new Error('Workflow thread exited'), { name: 'UnexpectedError' }),
  ])
    it(`ends the process after ${error}`, () => assert.equal(isBroken(error), true));

  const judged = () => {
    const told: boolean[] = [];
    const clock = { ms: 0 };
    const judge = uncaughtJudge({ report: (_, goesOn) => told.push(goesOn), end: () => told.push(false), now: () => clock.ms });
    return { told, clock, judge };
  };

  it('ends the process when mistakes of ours come in a flood, and not when they come one by one', () => {
    const { told, clock, judge } = judged();
    for (let count = 0; count < 3 * mostMistakesAMinute; count++) {
      clock.ms += 10_000;
      judge(new TypeError('now and then'));
    }
    assert.ok(told.every(Boolean));
    for (let count = 0; count <= mostMistakesAMinute; count++) judge(new TypeError('again and again'));
    assert.equal(told.at(-1), false);
  });

  it('goes on however many connections fail at once', () => {
    const { told, judge } = judged();
    for (let count = 0; count < 500; count++) judge(withCode('read ECONNRESET', 'ECONNRESET'));
    assert.ok(told.every(Boolean));
  });

  it('ends a broken process even where it cannot be reported', () => {
    let ended = false;
    const judge = uncaughtJudge({
      report: () => {
        throw new Error('the disk is full');
      },
      end: () => {
        ended = true;
      },
    });
    assert.throws(() => judge(new RangeError('Array buffer allocation failed')), /disk is full/);
    assert.ok(ended);
  });

  it('writes down name, message and stack, and nothing that hangs on the error', () => {
    const error = Object.assign(new Error('refused'), { config: { headers: { authorization: 'Bearer secret' } } });
    assert.deepEqual(Object.keys(describeUncaught(error)), ['name', 'message', 'stack']);
    assert.deepEqual(describeUncaught({ password: 'secret' }), { name: 'Error', message: 'something of type object was thrown', stack: '' });
  });

  it('does not report for ever that nobody reads its reports', async () => {
    const module = new URL('../../../temporal/uncaught.ts', import.meta.url).href;
    const script = `
      import { surviveUncaught } from '${module}';
      let [reports, lost] = [0, 0];
      const next = () => {
        if (lost === 1) throw new Error('second');
        process.exit(reports);
      };
      const report = () => {
        reports++;
        process.stderr.write('an uncaught error\\n', (error) => {
          if (error) lost++;
          setImmediate(next);
        });
      };
      surviveUncaught({ report, end: () => process.exit(1) });
      process.on('SIGUSR2', () => setImmediate(() => { throw new Error('first'); }));
      process.stdout.write('ready');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    await once(child.stdout, 'data');
    const closed = once(child.stderr, 'close');
    child.stderr.destroy();
    await closed;
    child.kill('SIGUSR2');
    const [code] = await once(child, 'exit');
    assert.equal(code, 2);
  });
});

import assert from 'node:assert/strict';
import { StackError } from '../../../scripts/stack/ready.ts';
import { Supervisor } from '../../../scripts/stack/supervisor.ts';
import { until } from '../../support/until.ts';

const limits = { firstPauseMs: 1, longestPauseMs: 3, mostRestarts: 3, withinMs: 60_000 };
const died = new StackError('The worker ended by itself (SIGKILL). Its log is w.log; the last lines:\nout of memory');

/** A supervisor whose restarts fail so many times, and what it did. */
function supervised(failures: number, of = limits) {
  const said: string[] = [];
  let given: StackError | undefined;
  let restarts = 0;
  let done = () => {};
  const settled = new Promise<void>((resolve) => {
    done = resolve;
  });
  const supervisor = new Supervisor<'worker'>({
    async restart() {
      restarts++;
      if (restarts <= failures) throw new StackError(`failed ${restarts}`);
      setImmediate(done);
    },
    say: (text) => said.push(text),
    giveUp(error) {
      given = error;
      done();
    },
    limits: of,
  });
  return { supervisor, said, settled, restarts: () => restarts, given: () => given };
}

describe('The supervisor of the stack', () => {
  it('starts a part again that ended by itself, and says how it ended', async () => {
    const { supervisor, said, settled, restarts } = supervised(0);
    supervisor.ended('worker', died);
    await settled;
    assert.equal(restarts(), 1);
    assert.deepEqual(said, [`${died.message}\nRestarting the worker in 0.001 s.`, 'The worker runs again.']);
  });

  it('waits longer each time, and gives up a part that ends again and again', async () => {
    const { supervisor, said, settled, restarts, given } = supervised(99);
    supervisor.ended('worker', died);
    await settled;
    assert.equal(restarts(), 3);
    assert.deepEqual(
      said.map((text) => /in (\S+) s/.exec(text)?.[1]),
      ['0.001', '0.002', '0.003'],
    );
    assert.equal(given()?.message, 'The worker was restarted 3 times and ended again. failed 3');
  });

  it('gives up, too, where each restart succeeds and the part ends soon after', async () => {
    const { supervisor, settled, given, restarts } = supervised(0);
    for (let time = 1; time <= 4; time++) {
      supervisor.ended('worker', died);
      if (time <= 3) await until(`restart ${time}`, async () => restarts() === time || undefined);
    }
    await until('given up', async () => given());
    await settled;
    assert.equal(restarts(), 3);
    assert.match(given()?.message ?? '', /restarted 3 times.*ended by itself \(SIGKILL\)/);
  });

  it('starts nothing once the stack is being stopped', async () => {
    const { supervisor, restarts } = supervised(0, { ...limits, firstPauseMs: 3_600_000, longestPauseMs: 3_600_000 });
    supervisor.ended('worker', died);
    await supervisor.stop();
    supervisor.ended('worker', died);
    await supervisor.stop();
    assert.equal(restarts(), 0);
  });
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Child } from '../../../scripts/stack/child.ts';
import { interventions } from '../../support/interventions.ts';
import { JobDriver } from '../../support/job-driver.ts';
import { secondWorker } from '../../support/second-worker.ts';
import { StackBench } from '../../support/stack-bench.ts';
import { loadWorld } from '../../support/stored-world.ts';
import { type TcpProxy, tcpProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { type Act, type Reference, reference } from '../../support/zombie-cases.ts';
import { beginNear, byPid, isOver, playZombie, stopAt, tidy } from '../../support/zombies.ts';

const start = 'awaiting-approval';
const shiftedClock = fileURLToPath(new URL('../../support/shifted-clock.ts', import.meta.url));

describe('A job whose attempts somebody tampers with', function () {
  this.timeout(300_000);
  let clean: Reference;
  let bench: StackBench;
  const workers: Child[] = [];
  before(async () => {
    clean = await reference(start);
    bench = await StackBench.start();
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.kill('SIGKILL')));
    await tidy(bench);
  });
  after(() => bench?.stop());

  const act = (step: string, operation: string): Act => {
    const found = clean.acts.find((one) => one.step === step && one.operation === operation);
    assert.ok(found, `${step} does ${operation}`);
    return found;
  };
  const worker = async (...options: Parameters<typeof secondWorker> extends [StackBench, ...infer More] ? More : never): Promise<Child> => {
    const child = await secondWorker(bench, ...options);
    workers.push(child);
    return child;
  };
  const erased = async () => (await bench.requestLog('lunash:hsm changePolicy')).filter(({ outcome }) => outcome === 'done').length;

  it('by an activity reset between two stalled attempts, erases once: neither of them goes on', async () => {
    const changePolicy = act('fips-mode', 'lunash:hsm changePolicy');
    const driver = await beginNear(bench, changePolicy);
    const point = { act: changePolicy, point: 'question' } as const;
    const first = byPid(bench.stack.pid('worker')!);
    const one = await stopAt(bench, driver, point, first);
    const second = byPid((await worker('second')).pid);
    const two = await stopAt(bench, driver, point, second);
    await interventions.resetActivity(bench, driver.id, 'fips-mode');
    await worker('third');
    await driver.ended();
    second.thaw();
    first.thaw();
    await isOver(bench, driver, [...one.old, ...two.old]);
    assert.equal(await erased(), 1);
  });

  it('by a reset to before a step that erased, erases once', async () => {
    const driver = await beginNear(bench, act('fips-mode', 'lunash:hsm changePolicy'));
    await driver.done('create-partition');
    const runId = await interventions.resetBefore(bench, driver.id, 'fips-mode');
    await driver.meanwhile('the new run', async () => (((await bench.job(driver.id)) as { runId?: string }).runId === runId ? true : undefined));
    const { job } = await driver.ended();
    assert.deepEqual({ state: job.state, erased: await erased() }, { state: 'completed', erased: 1 });
  });

  it('by a termination, with a second job after it, erases once: the attempt of the first does not go on', async () => {
    const changePolicy = act('fips-mode', 'lunash:hsm changePolicy');
    const driver = await beginNear(bench, changePolicy);
    const first = byPid(bench.stack.pid('worker')!);
    const { old } = await stopAt(bench, driver, { act: changePolicy, point: 'question' }, first);
    await interventions.terminate(bench, driver.id);
    await worker('second');
    const again = await JobDriver.begin(bench, driver.request);
    await again.ended();
    first.thaw();
    await isOver(bench, again, old);
    assert.equal(await erased(), 1);
  });

  it('by a network that cuts its worker off from Temporal, but not from the HSM, erases once', async () => {
    const proxy: TcpProxy = await tcpProxy(bench.stack.temporal);
    try {
      await bench.stack.kill('worker', 'SIGKILL');
      await worker('cut-off', { temporal: proxy.address });
      const cut = { isAwake: true, freeze: () => proxy.cutOff(), thaw: () => proxy.joinAgain() };
      const zombie = { act: act('fips-mode', 'lunash:hsm changePolicy'), point: 'before', resume: 'after the job' } as const;
      const { violations } = await playZombie(bench, zombie, clean, cut);
      assert.deepEqual(violations, []);
    } finally {
      await proxy.stop();
    }
  });

  it('by a worker whose clock is an hour ahead, leaves the HSM’s clock right', async () => {
    const file = join(bench.folder, 'clock');
    writeFileSync(file, `${3_600_000}`);
    await bench.stack.kill('worker', 'SIGKILL');
    await worker('ahead', { env: { HSM_TEST_CLOCK_FILE: file }, preload: [shiftedClock] });
    const { request } = await loadWorld(bench, start, { rename: { 'kylo-luna-hsm': 'hour-ahead' } });
    const driver = await JobDriver.begin(bench, request);
    await until(
      'the step over, or stopped',
      async () => {
        const { steps, incidents } = await driver.meanwhile('a look', () => bench.job(driver.id));
        return steps['prepare-ntls'].state === 'done' || incidents.some(({ step }) => step === 'prepare-ntls') ? true : undefined;
      },
      { timeoutMs: 120_000 },
    );
    const { body } = await bench.control<{ appliances: Record<string, { clock: { skewMinutes: number } }> }>('GET', '/world/state');
    const [appliance] = Object.values(body.appliances);
    assert.ok(Math.abs(appliance!.clock.skewMinutes) <= 5, `the HSM’s clock is ${appliance!.clock.skewMinutes} minutes off`);
  });
});

import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { StackBench } from '../support/stack-bench.ts';
import { until } from '../support/until.ts';

describe('A stack whose parts die', function () {
  this.timeout(240_000);
  let bench: StackBench;
  const folders: string[] = [];
  const die = (name: 'worker' | 'api' | 'temporal') => process.kill(bench.stack.pid(name)!, 'SIGKILL');
  afterEach(async () => {
    await bench?.stop();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  it('fails a test at once, with the log of the part, the pending activities and where everything is', async () => {
    bench = await StackBench.start({ isAlone: true });
    folders.push(bench.folder);
    const id = await bench.provision();
    await bench.reaches(id, 'a first step', ({ steps }) => steps['keep-secrets'].state !== 'pending');
    die('worker');
    const { message } = await bench.ended(id).then(
      () => assert.fail('the job ended without a worker'),
      (error: Error) => error,
    );
    assert.match(message, /^The worker ended by itself \(SIGKILL\)\. Its log is \S+worker\.log; the last lines:\n/);
    assert.match(message, new RegExp(`StepContext ${id}, run \\S+, RUNNING; pending:\n  `));
    for (const part of ['temporal', 'simulator', 'worker', 'api']) assert.match(message, new RegExp(`The end of \\S+/${part}\\.log:`));
    assert.match(message, new RegExp(`The stack's data stays in ${bench.folder}`));
    await bench.stop();
    assert.ok(existsSync(bench.folder));
  });

  it('is put right by its supervisor, who says why, and reports what cannot be put right', async () => {
    const said: string[] = [];
    bench = await StackBench.start({ isAlone: true, supervise: (text) => said.push(text) });
    const before = bench.stack.pid('worker');
    die('worker');
    await until('the worker runs again', async () => said.find((text) => text === 'The worker runs again.'), { timeoutMs: 60_000 });
    assert.match(said[0]!, /^The worker ended by itself \(SIGKILL\)\. Its log is .*\n[\s\S]*\nRestarting the worker in 0\.5 s\.$/);
    assert.notEqual(bench.stack.pid('worker'), before);
    die('api');
    await until('the API runs again', async () => said.find((text) => text === 'The api runs again.'), { timeoutMs: 60_000 });
    const id = await bench.provision();
    await bench.reaches(id, 'a first step', ({ steps }) => steps['keep-secrets'].state === 'done');
    die('temporal');
    assert.match((await bench.stack.broken).message, /^The temporal ended by itself \(SIGKILL\)/);
  });
});

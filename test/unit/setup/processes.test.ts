import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '../../../scripts/stack/child.ts';
import { freePort, StackError, untilReady } from '../../../scripts/stack/ready.ts';
import { clearLeftovers, keepRegister, startTimeFromPs } from '../../../scripts/stack/register.ts';

describe('the processes of the stack', () => {
  let folder: string;
  const children: Child[] = [];
  const start = (name: string, script: string): Child => {
    const child = new Child({ name, file: process.execPath, args: ['-e', script], env: process.env, logFile: join(folder, `${name}.log`) });
    children.push(child);
    return child;
  };
  const runs = 'setInterval(() => {}, 1000)';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-processes-'));
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.kill('SIGKILL')));
    rmSync(folder, { recursive: true });
  });

  it('tell how they ended', async () => {
    assert.deepEqual(await start('worker', runs).kill('SIGKILL'), { code: null, signal: 'SIGKILL' });
    assert.deepEqual(await start('api', 'process.exit(3)').ended, { code: 3, signal: null });
  });

  it('are ended after a grace when they do not end by themselves', async () => {
    const deaf = start('deaf', `process.on('SIGTERM', () => {}); console.log('ready'); ${runs}`);
    await untilReady(deaf, 10_000, () => deaf.lastLines().includes('ready') || undefined);
    assert.deepEqual(await deaf.stop(100), { code: null, signal: 'SIGKILL' });
  });

  it('that end while starting are named with the end of their log', async () => {
    const worker = start('worker', `console.error('HSM_CA_FILE names a file that cannot be read'); process.exit(1)`);
    await assert.rejects(
      untilReady(worker, 10_000, () => undefined),
      (error) => error instanceof StackError && /^The worker ended while starting \(exit 1\)\..*\nHSM_CA_FILE names a file/.test(error.message),
    );
  });

  it('that are never ready are given up', async () => {
    await assert.rejects(
      untilReady(start('api', runs), 100, () => undefined),
      /The api was not ready after 0\.1 s/,
    );
  });

  it('are ended with the process that started them, whatever ends that', async () => {
    const guard = new URL('../../../scripts/stack/guard.ts', import.meta.url).href;
    const owner = (name: string, how: string) =>
      start(name, `import('${guard}').then(({ guard }) => { guard(() => console.log('ended all')); console.log('ready'); ${runs}; ${how} })`);
    const exiting = owner('exiting', 'process.exit(4)');
    assert.deepEqual(await exiting.ended, { code: 4, signal: null });
    assert.match(exiting.lastLines(), /ended all/);
    const killed = owner('killed', '');
    await untilReady(killed, 10_000, () => killed.lastLines().includes('ready') || undefined);
    assert.deepEqual(await killed.kill('SIGTERM'), { code: null, signal: 'SIGTERM' });
    assert.equal(killed.lastLines(1), 'ended all');
  });

  it('of a stack that was killed are ended by the next one, and only those', async function () {
    if (process.platform === 'win32') this.skip();
    const [left, another] = [start('worker', runs), start('another', runs)];
    keepRegister(folder, [left]);
    // As if the owner had died: the process with its id is another one, started at another time.
    const file = join(folder, 'run', 'processes.json');
    const register = JSON.parse(readFileSync(file, 'utf8')) as { owner: { startTime: string } };
    writeFileSync(file, JSON.stringify({ ...register, owner: { ...register.owner, startTime: '1' } }));
    assert.deepEqual(await clearLeftovers(folder), [`worker (${left.pid})`]);
    assert.equal((await left.ended).signal, 'SIGKILL');
    assert.ok(another.alive);
  });

  it('are told from others by when they started, on systems without /proc, too', async function () {
    if (process.platform === 'win32') this.skip();
    const child = start('worker', runs);
    const began = startTimeFromPs(child.pid);
    assert.ok(Math.abs(Date.parse(`${began} UTC`) - Date.now()) < 60_000, began);
    assert.notEqual(startTimeFromPs(process.ppid), began);
    await child.kill('SIGKILL');
    assert.equal(startTimeFromPs(child.pid), undefined);
  });

  it('of a stack that lives keep a second one off its data', async function () {
    if (process.platform === 'win32') this.skip();
    keepRegister(folder, []);
    await assert.rejects(clearLeftovers(folder), new RegExp(`already running on ${folder} \\(process ${process.pid}\\)`));
  });

  it('say in one sentence that a port is taken, and how to choose another', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      await assert.rejects(freePort(port, 'the API', 'HSM_API_PORT'), {
        message: `Port ${port} (the API) is taken: end what listens there, or set HSM_API_PORT to another port, or to 0 for any.`,
      });
    } finally {
      server.close();
    }
  });

  it('say in one sentence that no browser would connect to a port, which no health check would either', async () => {
    for (const port of [6000, 10_080])
      await assert.rejects(freePort(port, 'the API', 'HSM_API_PORT'), {
        message: `Port ${port} (the API) is one that browsers and fetch never connect to: set HSM_API_PORT to another port, or to 0 for any.`,
      });
  });

  it('get a port that no system hands out by itself, where any will do', async () => {
    const port = await freePort(0, 'the API', 'HSM_API_PORT');
    assert.ok(port >= 10_000 && port < 32_000, `${port}`);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
  });
});

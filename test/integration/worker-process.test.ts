import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { freePort } from '../../scripts/stack/ready.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { type TestTemporal, temporalServer } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const saboteur = new URL('../support/late-errors.mjs', import.meta.url).href;

const listening = async (): Promise<Server> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describe('A worker process', function () {
  this.timeout(180_000);
  let worker: ServiceProcess | undefined;
  let server: TestTemporal | undefined;
  const start = (env: NodeJS.ProcessEnv, nodeArguments: readonly string[] = []) => (worker = new ServiceProcess('worker/main.ts', env, nodeArguments));
  afterEach(async () => {
    await worker?.stop();
    await server?.stop();
    worker = server = undefined;
  });

  it('waits for Temporal, says so, and works when it is there', async () => {
    const port = await freePort(0, 'Temporal', 'HSM_TEMPORAL_PORT');
    const waiting = start({ TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
    await waiting.says(/Waiting for Temporal at 127\.0\.0\.1:\d+, namespace default.*refused.*Next attempt in 1 s/);
    assert.equal((await waiting.ask('/livez')).status, 200);
    const { status, body } = await waiting.ask('/readyz');
    assert.equal(status, 503);
    assert.match(String(body.detail), /Waiting for Temporal at 127/);
    server = await temporalServer(port);
    await waiting.ready();
    assert.equal(await waiting.ends('SIGTERM'), 0, waiting.log);
  });

  it('waits for a namespace that is not there yet', async () => {
    server = await temporalServer();
    const waiting = start({ TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: 'not-yet' });
    await waiting.says(/Waiting for Temporal.*namespace not-yet/);
    assert.equal(await waiting.ends('SIGTERM'), 0, waiting.log);
  });

  it('ends in order when it is told to while it waits', async () => {
    const waiting = start({ TEMPORAL_ADDRESS: `127.0.0.1:${await freePort(0, 'Temporal', 'HSM_TEMPORAL_PORT')}` });
    await waiting.says(/Waiting for Temporal/);
    assert.equal(await waiting.ends('SIGTERM'), 0, waiting.log);
  });

  it('ends at once, in one line, where waiting does not help', async () => {
    const wrong = start({ TEMPORAL_ADDRESS: 'http://no address' });
    assert.equal(await wrong.ends(), 1);
    assert.match(wrong.log, /Invalid address for Temporal/);
    assert.doesNotMatch(wrong.log, /\n\s+at /);
  });

  it('works without metrics where their port is taken, and says so', async () => {
    server = await temporalServer();
    const other = await listening();
    try {
      const without = start({ TEMPORAL_ADDRESS: server.address, HSM_METRICS_ADDRESS: `127.0.0.1:${portOf(other)}` });
      await without.ready();
      assert.match(without.log, /"level":"WARN","message":"No metrics.*HSM_METRICS_ADDRESS/);
    } finally {
      other.close();
    }
  });

  it('shows its health elsewhere where that port is taken, and says where', async () => {
    server = await temporalServer();
    const other = await listening();
    try {
      const elsewhere = start({ TEMPORAL_ADDRESS: server.address, HSM_WORKER_HEALTH_ADDRESS: `127.0.0.1:${portOf(other)}` });
      await elsewhere.ready();
      assert.match(elsewhere.log, /"level":"WARN".*HSM_WORKER_HEALTH_ADDRESS/);
    } finally {
      other.close();
    }
  });

  it('goes on after errors that nobody caught, logs and counts them, and ends where the process itself is broken', async () => {
    server = await temporalServer();
    const metricsPort = await freePort(0, 'metrics', 'HSM_METRICS_ADDRESS');
    const env = { TEMPORAL_ADDRESS: server.address, HSM_METRICS_ADDRESS: `127.0.0.1:${metricsPort}` };
    const worker = start(env, ['--import', saboteur]);
    await worker.ready();
    worker.send('SIGUSR2');
    await worker.says(/"level":"ERROR","message":"Uncaught error; this worker goes on.".*read ECONNRESET.*"stack":"Error: read ECONNRESET\\n/);
    worker.send('SIGPIPE');
    await worker.says(/a mistake in a callback/);
    assert.doesNotMatch(worker.log, /hush/);
    await worker.ready();
    await until('both counted', async () => {
      const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      return /hsm_uncaught_errors_total\S* 2$/m.test(text) || undefined;
    });
    worker.send('SIGHUP');
    assert.equal(await worker.ends(), 70, worker.log);
    assert.match(worker.log, /Uncaught error; this worker ends.*memory limit/);
  });
});

describe('An API process', function () {
  this.timeout(60_000);
  let api: ServiceProcess | undefined;
  afterEach(async () => {
    await api?.stop();
    api = undefined;
  });

  it('starts without Temporal, goes on after errors that nobody caught, and ends where the process itself is broken', async () => {
    const port = await freePort(0, 'the API', 'HSM_API_PORT');
    const env = { HSM_API_PORT: `${port}`, TEMPORAL_ADDRESS: `127.0.0.1:${await freePort(0, 'Temporal', 'HSM_TEMPORAL_PORT')}` };
    const started = new ServiceProcess('api/server.ts', env, ['--import', saboteur]);
    api = started;
    await started.says(/Server listening/);
    assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 503);
    started.send('SIGUSR2');
    await started.says(/read ECONNRESET.*Uncaught error\. The API continues\./);
    assert.doesNotMatch(started.log, /hush/);
    assert.match(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), /^hsm_uncaught_errors_total 1$/m);
    started.send('SIGHUP');
    assert.equal(await started.ends(), 70, started.log);
  });

  it('ends in one line where its port is taken', async () => {
    const other = await listening();
    try {
      const started = new ServiceProcess('api/server.ts', { HSM_API_PORT: `${portOf(other)}` });
      api = started;
      assert.equal(await started.ends(), 1);
      assert.match(started.log, /^The API cannot listen on 127\.0\.0\.1, port \d+: .*EADDRINUSE.*Set HSM_API_HOST or HSM_API_PORT\.$/m);
      assert.doesNotMatch(started.log, /\n\s+at /);
    } finally {
      other.close();
    }
  });
});

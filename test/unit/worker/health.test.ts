import assert from 'node:assert/strict';
import { addressMistakes, parseAddress } from '../../../worker/addresses.ts';
import { type HealthServer, type Readiness, serveHealth } from '../../../worker/health.ts';

describe('The health of a worker', () => {
  let health: HealthServer;
  let now: Readiness = { ready: true };
  before(async () => {
    health = await serveHealth({ host: '127.0.0.1', port: 0 }, () => now);
  });
  after(() => health.close());
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(health.url + path, { method });
    return { status: response.status, text: await response.text() };
  };

  it('is told at /livez and /readyz, and nothing else is', async () => {
    assert.deepEqual(await ask('/livez'), { status: 200, text: '{"status":"alive"}' });
    assert.deepEqual(await ask('/readyz?verbose'), { status: 200, text: '{"status":"ready"}' });
    now = { ready: false, detail: 'Waiting.' };
    assert.deepEqual(await ask('/readyz'), { status: 503, text: '{"status":"not ready","detail":"Waiting."}' });
    assert.deepEqual(await ask('/readyz', 'HEAD'), { status: 503, text: '' });
    assert.equal((await ask('/metrics')).status, 404);
    assert.equal((await ask('/livez', 'POST')).status, 405);
  });

  it('is served on an IP address with a port, and a mistake in that is named', () => {
    assert.deepEqual(parseAddress('127.0.0.1:8081'), { host: '127.0.0.1', port: 8081 });
    assert.deepEqual(parseAddress('[::1]:0'), { host: '::1', port: 0 });
    for (const wrong of ['8081', 'localhost:8081', '127.0.0.1', '127.0.0.1:65536', '127.0.0.1:x']) assert.equal(parseAddress(wrong), undefined, wrong);
    assert.deepEqual(addressMistakes({ HSM_METRICS_ADDRESS: ':9000', HSM_WORKER_HEALTH_ADDRESS: '127.0.0.1:0' }), [
      'HSM_METRICS_ADDRESS must be an IP address with a port, such as 127.0.0.1:8081, it is ":9000"',
    ]);
  });
});

import assert from 'node:assert/strict';
import { Client, Connection } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../api/app.ts';
import { folderReports } from '../../stores/reports/report-store.ts';
import { exampleRequest } from '../support/example.ts';
import { ServiceProcess } from '../support/service-process.ts';
import { type TestTemporal, temporalServer } from '../support/temporal.ts';
import { until } from '../support/until.ts';

interface Shown {
  workers?: { count: number; since?: string; detail?: string };
}

const tokens = { operator: 'the-operators-token', approver: 'the-approvers-token' };
const headers = { authorization: `Bearer ${tokens.operator}` };
const taskQueue = 'hsm-provisioning';

describe('An installation without a worker', function () {
  this.timeout(180_000);
  let server: TestTemporal;
  let client: Client;
  let app: FastifyInstance;
  let worker: ServiceProcess | undefined;
  before(async () => {
    server = await temporalServer();
    client = new Client({ connection: await Connection.connect({ address: server.address }) });
    app = await buildApp({ client, taskQueue, tokens, reports: folderReports('/nowhere') });
  });
  after(async () => {
    await worker?.stop();
    await app?.close();
    await client?.connection.close();
    await server?.stop();
  });
  const get = async <T>(url: string): Promise<T> => {
    const answer = await app.inject({ url, headers });
    assert.equal(answer.statusCode, 200, answer.body);
    return answer.json() as T;
  };
  const metric = async () => /^hsm_workers (\S+)$/m.exec((await app.inject({ url: '/metrics' })).body)?.[1];

  it('says so at /readyz, in the job, in the list and as a metric, and no more once a worker polls', async () => {
    const { status, workers } = await get<Shown & { status: string }>('/readyz');
    assert.equal(status, 'ready', 'Temporal answers');
    assert.equal(workers?.count, 0);
    assert.match(workers?.detail ?? '', /^No worker has polled the task queue hsm-provisioning since this API started at 20/);
    assert.equal(await metric(), '0');

    const posted = await app.inject({ method: 'POST', url: '/v1/provisionings', headers, payload: exampleRequest() });
    const { id } = posted.json<{ id: string }>();
    assert.deepEqual((await get<Shown>(`/v1/jobs/${id}`)).workers, workers);
    const listed = await until('the job listed', async () => (await get<{ jobs: Shown[] }>('/v1/jobs')).jobs[0]);
    assert.deepEqual(listed.workers, workers);

    worker = new ServiceProcess('worker/main.ts', { TEMPORAL_ADDRESS: server.address, HSM_TASK_QUEUE: taskQueue });
    await worker.ready();
    const seen = await until('a worker', async () => {
      const { workers: now } = await get<Shown>('/readyz');
      return now?.count === 1 ? now : undefined;
    });
    assert.deepEqual(seen, { count: 1 });
    assert.equal(await metric(), '1');
    assert.equal((await get<Shown>(`/v1/jobs/${id}`)).workers, undefined);
  });

  it('says nothing of it about a job that is over', async () => {
    const away = await buildApp({ client, taskQueue: 'nobody-polls-this', tokens, reports: folderReports('/nowhere') });
    const posted = await away.inject({
      method: 'POST',
      url: '/v1/provisionings',
      headers,
      payload: { ...exampleRequest(), hsm: { ...exampleRequest().hsm, name: 'other-hsm' } },
    });
    const { id } = posted.json<{ id: string }>();
    assert.equal((await away.inject({ url: `/v1/jobs/${id}`, headers })).json<Shown>().workers?.count, 0);
    await client.workflow.getHandle(id).terminate();
    assert.equal((await away.inject({ url: `/v1/jobs/${id}`, headers })).json<Shown>().workers, undefined);
    await away.close();
  });
});

import assert from 'node:assert/strict';
import { Client, Connection } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../api/app.ts';
import { unfinishedJobs } from '../../scripts/demo/world.ts';
import { folderReports } from '../../stores/reports/report-store.ts';
import { exampleRequest } from '../support/example.ts';
import { StackBench } from '../support/stack-bench.ts';
import { type TestTemporal, temporalServer } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const tokens = { operator: 'the-operators-token', approver: 'the-approvers-token' };
const headers = { authorization: `Bearer ${tokens.operator}`, 'idempotency-key': 'the-key' };
const taskQueue = 'hsm-provisioning';

/** Real jobs in a Temporal server; none of their workers runs. */
describe('A Temporal that others use, too', function () {
  this.timeout(240_000);
  let server: TestTemporal;
  let client: Client;
  let app: FastifyInstance;
  let id: string;
  const appOn = (queue: string, of = client) => buildApp({ client: of, taskQueue: queue, tokens, reports: folderReports('/nowhere') });
  const post = (api = app) => api.inject({ method: 'POST', url: '/v1/provisionings', headers, payload: exampleRequest() });
  before(async () => {
    server = await temporalServer();
    client = new Client({ connection: await Connection.connect({ address: server.address }) });
    app = await appOn(taskQueue);
    id = (await post()).json().id;
  });
  after(async () => {
    await app?.close();
    await client?.connection.close();
    await server?.stop();
  });

  it('has each installation see and touch its own jobs alone', async () => {
    const other = await appOn('another');
    const ask = async (method: 'GET' | 'POST', path: string, payload?: object) =>
      (await other.inject({ method, url: `/v1/jobs${path}`, headers, ...(payload ? { payload } : {}) })).statusCode;
    assert.equal(await ask('GET', `/${id}`), 404);
    assert.equal(await ask('POST', `/${id}/cancel`), 404);
    assert.equal(await ask('POST', `/${id}/incidents/incident-1-abcdef`, { action: 'abort' }), 404);
    const refused = await post(other);
    assert.equal(refused.statusCode, 409);
    assert.match(refused.json().detail, /Another installation/);
    await until('the job listed', async () => (await app.inject({ url: '/v1/jobs', headers })).json().jobs[0]);
    assert.deepEqual((await other.inject({ url: '/v1/jobs', headers })).json().jobs, []);
    assert.deepEqual([await unfinishedJobs(server.address, 'another'), await unfinishedJobs(server.address, taskQueue)], [[], [id]]);
    await other.close();
  });

  it('has the simulated stack’s worker take none of the real steps, whatever the environment says', async () => {
    const bench = await StackBench.start({ env: { TEMPORAL_ADDRESS: server.address, HSM_TASK_QUEUE: taskQueue } });
    try {
      const request = exampleRequest();
      request.hsm.name = 'simulated-hsm';
      const simulated = await bench.provision(request);
      await bench.reaches(simulated, 'its first steps', ({ steps }) => steps['resource-group'].state === 'done');
      assert.notEqual((await client.workflow.getHandle(simulated).describe()).taskQueue, taskQueue);
      const real = await client.workflow.getHandle(id).describe();
      assert.deepEqual([real.taskQueue, real.status.name, real.historyLength], [taskQueue, 'RUNNING', 2]);
    } finally {
      await bench.stop();
    }
  });

  it('tells that a job is over where it ends between a look and what is sent', async () => {
    const { workflow } = client;
    const ending = Object.assign(Object.create(workflow), {
      getHandle: (...of: Parameters<typeof workflow.getHandle>) => {
        const handle = workflow.getHandle(...of);
        const describe = async () => {
          const seen = await handle.describe();
          if (seen.status.name === 'RUNNING') await workflow.getHandle(id).terminate('just then');
          return seen;
        };
        return { ...handle, describe };
      },
    });
    const late = await appOn(taskQueue, Object.create(client, { workflow: { value: ending } }));
    const answer = await late.inject({
      method: 'POST',
      url: `/v1/jobs/${id}/incidents/incident-1-abcdef`,
      headers,
      payload: { action: 'abort' },
    });
    assert.deepEqual([answer.statusCode, answer.json().title], [409, 'The job is over'], answer.body);
    await late.close();
  });

  it('gives one job to the same request that is sent several times at once, on a target that is finished', async () => {
    const again = () =>
      app.inject({ method: 'POST', url: '/v1/provisionings', headers: { ...headers, 'idempotency-key': 'at-once' }, payload: exampleRequest() });
    const sent = await Promise.all([again(), again(), again(), again()]);
    assert.deepEqual(
      sent.map(({ statusCode }) => statusCode),
      [202, 202, 202, 202],
      sent.map(({ body }) => body).join(),
    );
    assert.equal(new Set(sent.map((answer) => answer.json().runId)).size, 1);
  });
});

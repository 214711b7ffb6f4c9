import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { buildApp } from '../../api/app.ts';
import type { WhatIf } from '../../domain/what-if.ts';
import { exampleRequest } from '../support/example.ts';
import { StackBench } from '../support/stack-bench.ts';
import { until } from '../support/until.ts';

interface Refusal {
  title: string;
  detail: string;
}
interface OpenApi {
  paths: Record<string, Record<string, { responses: Record<string, { content: Record<string, { schema: object }> }> }>>;
  components: object;
}
interface Listed {
  jobs: { id: string; runId: string; state: string }[];
}

interface Started {
  runId: string;
  state: string;
}

const key = (name: string = randomUUID()) => ({ 'idempotency-key': name });

describe('The API beside Temporal', function () {
  this.timeout(240_000);
  let bench: StackBench;
  let id: string;
  const firstKey = key();
  before(async () => {
    bench = await StackBench.start({ isAlone: true });
  });
  after(() => bench?.stop());

  /** Is an answer what the OpenAPI text says of it? */
  async function described(method: string, path: string, status: number, answer: unknown): Promise<void> {
    const { body } = await bench.api<OpenApi>('GET', '/openapi.json');
    const { content } = body.paths[path]![method]!.responses[status]!;
    const ajv = new Ajv({ strict: false, allErrors: true });
    (formats as unknown as (ajv: Ajv) => void)(ajv);
    ajv.addSchema({ $id: 'api', ...body });
    const check = ajv.compile(JSON.parse(JSON.stringify(Object.values(content)[0]!.schema).replaceAll('"#/', '"api#/')));
    assert.ok(check(answer), JSON.stringify(check.errors));
  }
  const temporal = async <T>(use: (client: Client) => Promise<T>): Promise<T> => {
    const connection = await Connection.connect({ address: bench.stack.temporal });
    try {
      return await use(new Client({ connection }));
    } finally {
      await connection.close();
    }
  };

  it('plans with a look at what is there, changing nothing', async () => {
    const { status, body } = await bench.api<{ whatIf: WhatIf }>('POST', '/v1/plans?whatIf=true', exampleRequest());
    assert.equal(status, 200, JSON.stringify(body));
    assert.ok(body.whatIf.changes.length > 10 && body.whatIf.changes.every(({ effect }) => effect === 'Create'));
    await described('post', '/v1/plans', 200, body);
    const sent = await bench.requestLog('arm:*');
    assert.ok(sent.length > 0 && sent.every(({ operation }) => /^arm:GET /.test(operation)), JSON.stringify(sent));
    assert.deepEqual((await bench.api<Listed>('GET', '/v1/jobs')).body.jobs, [], 'a plan is no job');
  });

  it('says so where no worker looks, and leaves nothing behind', async () => {
    await bench.stack.kill('worker', 'SIGKILL');
    await temporal(async (client) => {
      const app = await buildApp({
        client,
        taskQueue: bench.stack.taskQueue,
        tokens: bench.stack.tokens,
        reports: bench.reports,
        whatIfPatienceMs: 1_000,
      });
      const answer = await app.inject({
        method: 'POST',
        url: '/v1/plans?whatIf=true',
        headers: { authorization: `Bearer ${bench.stack.tokens.operator}` },
        payload: exampleRequest(),
      });
      await app.close();
      assert.equal(answer.statusCode, 503);
      assert.match(answer.json().detail, /No worker started the what-if within 1 s.*Nothing was changed/);
      await until('nothing waiting for a worker', async () => {
        for await (const { workflowId } of client.workflow.list({ query: "ExecutionStatus = 'Running'" })) if (workflowId.startsWith('plan-')) return undefined;
        return true;
      });
    });
    await bench.stack.restart('worker');
  });

  it('takes a decision once: the same key with the same decision gives its verdict again, with another one 422', async () => {
    await bench.fault('hold', 'arm:GET Microsoft.Resources/providers');
    id = (await bench.api<{ id: string }>('POST', '/v1/provisionings', exampleRequest(), firstKey)).body.id;
    const decide = (body: object, name: object) => bench.api<Refusal>('POST', `/v1/jobs/${id}/incidents/incident-1`, body, name as Record<string, string>);
    const name = key();
    assert.equal((await decide({ action: 'retry', actor: 'otto' }, name)).status, 409, 'there is no incident');
    assert.notEqual((await decide({ action: 'retry', actor: 'otto' }, name)).status, 422);
    assert.equal((await decide({ action: 'abort', actor: 'otto' }, name)).status, 422);
    assert.equal((await decide({ action: 'retry', actor: 'anna' }, name)).status, 422);
    const { decisions } = await bench.job(id);
    assert.equal(decisions.length, 1);
  });

  it('shows jobs, lists and problems as it describes them', async () => {
    await described('get', '/v1/jobs/{id}', 200, await bench.job(id));
    await described('get', '/v1/jobs', 200, (await bench.api('GET', '/v1/jobs')).body);
    const { status, body } = await bench.api('POST', '/v1/provisionings', exampleRequest(), key());
    assert.equal(status, 409);
    await described('post', '/v1/provisionings', 409, body);
  });

  it('knows a request again, whatever the order of its fields', async () => {
    const turned = Object.fromEntries(
      Object.entries(exampleRequest())
        .reverse()
        .map(([name, value]) => [name, typeof value === 'object' && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).reverse()) : value]),
    );
    const { status, body } = await bench.api<{ id: string }>('POST', '/v1/provisionings', turned, firstKey);
    assert.deepEqual([status, body.id], [202, id]);
  });

  it('lists a job that was ended by force as failed, and no longer as running', async () => {
    const inState = async (state: string) => (await bench.api<Listed>('GET', `/v1/jobs?state=${state}`)).body.jobs.map((job) => job.id);
    await until('the job listed as running', async () => ((await inState('running')).includes(id) ? true : undefined));
    await temporal((client) => client.workflow.getHandle(id).terminate('by force'));
    await until('the job listed as failed', async () => ((await inState('failed')).includes(id) ? true : undefined));
    assert.deepEqual(await inState('running'), []);
    assert.equal((await bench.job(id)).job.state, 'failed');
  });

  it('knows the keys of a target’s earlier runs', async () => {
    const first = (await bench.api<Listed>('GET', '/v1/jobs')).body.jobs[0]!.runId;
    await bench.control('DELETE', '/faults');
    const second = await bench.api<Started>('POST', '/v1/provisionings', exampleRequest(), key());
    assert.equal(second.status, 202);
    assert.notEqual(second.body.runId, first);
    assert.equal(second.body.state, 'running');
    const again = await bench.api<Started>('POST', '/v1/provisionings', exampleRequest(), firstKey);
    assert.deepEqual([again.status, again.body.runId, again.body.state], [202, first, 'failed'], 'the first run, which is over, though another one is active');
    await described('post', '/v1/provisionings', 202, again.body);
    assert.equal((await bench.api('POST', '/v1/provisionings', { ...exampleRequest(), removeTemporaryAccess: false }, firstKey)).status, 422);
  });

  it('answers a quick 503 while Temporal is down, and is ready again after it', async () => {
    await bench.stack.kill('temporal', 'SIGKILL');
    const asked = [
      ['GET', '/readyz', undefined],
      ['GET', '/v1/jobs', undefined],
      ['GET', `/v1/jobs/${id}`, undefined],
      ['POST', '/v1/provisionings', exampleRequest()],
      ['POST', `/v1/jobs/${id}/cancel`, undefined],
    ] as const;
    const from = Date.now();
    await Promise.all(
      asked.map(async ([method, path, body]) => {
        const answer = await bench.api<Refusal>(method, path, body);
        assert.equal(answer.status, 503, `${method} ${path}: ${JSON.stringify(answer.body)}`);
        assert.match(answer.body.detail, /Temporal/);
        assert.ok(Date.now() - from < 20_000, `${method} ${path} took ${Date.now() - from} ms`);
      }),
    );
    assert.equal((await bench.api('POST', '/v1/plans', exampleRequest())).status, 200, 'a plan needs nobody');
    await bench.stack.restart('temporal');
    await until('readiness', async () => ((await bench.api('GET', '/readyz')).status === 200 ? true : undefined), { timeoutMs: 60_000 });
  });
});

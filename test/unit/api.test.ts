import assert from 'node:assert/strict';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { Client } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../api/app.ts';
import { exampleRequest } from '../support/example.ts';

const tokens = { operator: 'the-operators-token', approver: 'the-approvers-token' };
const as = (role: keyof typeof tokens) => ({ authorization: `Bearer ${tokens[role]}` });
/** Whoever reaches Temporal in these tests has gone too far. */
const noTemporal = new Proxy({}, { get: (_, name) => assert.fail(`Temporal was asked for ${String(name)}`) }) as Client;

describe('The API', () => {
  let app: FastifyInstance;
  before(async () => {
    app = await buildApp({ client: noTemporal, taskQueue: 'any', tokens, reportsFolder: '/nowhere' });
  });
  after(() => app.close());

  it('describes itself in valid OpenAPI 3.1, with the request by name', async () => {
    const { json } = await app.inject({ url: '/openapi.json' }).then((answer) => ({ json: answer.json() }));
    const { valid, errors } = await new Validator().validate(json);
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(json.openapi, '3.1.0');
    assert.ok(json.components.schemas.ProvisioningRequest);
    for (const path of [
      '/v1/plans',
      '/v1/provisionings',
      '/v1/provisionings/{id}',
      '/v1/provisionings/{id}/events',
      '/v1/provisionings/{id}/approvals/{approvalId}',
      '/v1/provisionings/{id}/incidents/{incidentId}',
      '/v1/provisionings/{id}/cancel',
      '/v1/provisionings/{id}/report',
    ])
      assert.ok(json.paths[path], path);
  });

  it('plans without touching anything', async () => {
    const answer = await app.inject({ method: 'POST', url: '/v1/plans', headers: as('approver'), payload: exampleRequest() });
    assert.equal(answer.statusCode, 200);
    assert.match(answer.json().summary, /kylo-luna-hsm/);
  });

  it('logs a request in one line, once it is answered, without the token', async () => {
    const lines: string[] = [];
    const logger = { level: 'info', stream: { write: (line: string) => void lines.push(line) } };
    const logging = await buildApp({ client: noTemporal, taskQueue: 'any', tokens, reportsFolder: '/nowhere', logger });
    await logging.inject({ method: 'POST', url: '/v1/plans', headers: as('operator'), payload: exampleRequest() });
    await logging.close();
    assert.equal(lines.length, 1, lines.join(''));
    const { req, res } = JSON.parse(lines[0]!);
    assert.deepEqual([req.method, req.url, res.statusCode], ['POST', '/v1/plans', 200]);
    assert.ok(!lines[0]!.includes(tokens.operator));
  });

  it('takes no path to a template: what is on the worker’s disk is nobody’s affair', async () => {
    const request = exampleRequest();
    const payload = { ...request, hsm: { ...request.hsm, template: { path: '/etc/passwd' } } };
    for (const url of ['/v1/plans', '/v1/provisionings']) {
      const answer = await app.inject({ method: 'POST', url, headers: { ...as('operator'), 'idempotency-key': 'k' }, payload });
      assert.equal(answer.statusCode, 400, url);
      assert.ok(
        answer.json().errors.some(({ pointer }: { pointer: string }) => pointer === '/hsm/template/path'),
        answer.body,
      );
    }
  });

  it('lets nobody in without a token, and each role only where it belongs', async () => {
    const status = async (method: 'GET' | 'POST', url: string, headers: Record<string, string>, payload: object = {}) =>
      (await app.inject({ method, url, headers, ...(method === 'POST' ? { payload } : {}) })).statusCode;
    assert.equal(await status('GET', '/v1/provisionings', {}), 401);
    assert.equal(await status('GET', '/v1/provisionings', { authorization: 'Bearer wrong' }), 401);
    assert.equal(await status('POST', '/v1/provisionings', as('approver'), exampleRequest()), 403);
    assert.equal(await status('POST', '/v1/provisionings/some-job/approvals/approve-zeroize-1', as('operator'), { decision: 'approve' }), 403);
    assert.equal(await status('GET', '/healthz', {}), 200);
    assert.equal(await status('GET', '/docs/', {}), 200);
    assert.equal(await status('GET', '/metrics', {}), 200);
  });

  it('tells every mistake of a decision and of a query', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/provisionings/some-job/approvals/approve-zeroize-1',
      headers: as('approver'),
      payload: { decision: 'maybe', colour: 'red' },
    });
    assert.equal(answer.statusCode, 400);
    assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8');
    assert.deepEqual(
      answer
        .json()
        .errors.map(({ pointer }: { pointer: string }) => pointer)
        .sort(),
      ['/colour', '/decision'],
    );
    assert.equal((await app.inject({ url: '/v1/provisionings?state=asleep', headers: as('operator') })).statusCode, 400);
    assert.equal((await app.inject({ url: '/v1/provisionings/..%2f..%2fetc', headers: as('operator') })).statusCode, 400);
  });
});

import assert from 'node:assert/strict';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { Client } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../api/app.ts';
import { folderReports } from '../../stores/reports/report-store.ts';
import { exampleRequest } from '../support/example.ts';

const tokens = { operator: 'the-operators-token', approver: 'the-approvers-token' };
const people = [
  { name: 'olga', roles: ['operator', 'approver'], token: 'olgas-very-own-token' },
  { name: 'anna', roles: ['approver'], token: 'annas-very-own-token' },
] as const;
const as = (role: keyof typeof tokens) => ({ authorization: `Bearer ${tokens[role]}` });
/** Whoever reaches Temporal in these tests has gone too far. */
const noTemporal = new Proxy({}, { get: (_, name) => assert.fail(`Temporal was asked for ${String(name)}`) }) as Client;

describe('The API', () => {
  let app: FastifyInstance;
  before(async () => {
    app = await buildApp({ client: noTemporal, taskQueue: 'any', tokens, reports: folderReports('/nowhere') });
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
      '/v1/jobs',
      '/v1/jobs/{id}',
      '/v1/jobs/{id}/events',
      '/v1/jobs/{id}/approvals/{approvalId}',
      '/v1/jobs/{id}/incidents/{incidentId}',
      '/v1/jobs/{id}/cancel',
      '/v1/jobs/{id}/report',
    ])
      assert.ok(json.paths[path], path);
  });

  it('offers a request to try that can be carried out, since nobody fills in so many fields by hand', async () => {
    const { components } = (await app.inject({ url: '/openapi.json' })).json();
    const [payload] = components.schemas.ProvisioningRequest.examples;
    const answer = await app.inject({ method: 'POST', url: '/v1/plans', headers: as('operator'), payload });
    assert.equal(answer.statusCode, 200, answer.body);
  });

  it('says of each route who may call it', async () => {
    const { paths } = (await app.inject({ url: '/openapi.json' })).json();
    const needs = (method: string, path: string) => [paths[path][method].security, paths[path][method].description];
    const signedIn = undefined;
    assert.deepEqual(needs('post', '/v1/provisionings'), [signedIn, 'For the role operator.']);
    assert.deepEqual(needs('post', '/v1/jobs/{id}/cancel'), [signedIn, 'For the role operator.']);
    assert.deepEqual(needs('post', '/v1/jobs/{id}/incidents/{incidentId}'), [signedIn, 'For the role operator.']);
    assert.deepEqual(needs('post', '/v1/jobs/{id}/approvals/{approvalId}'), [signedIn, 'For the role approver.']);
    for (const path of ['/v1/jobs', '/v1/jobs/{id}', '/v1/jobs/{id}/events', '/v1/jobs/{id}/report'])
      assert.deepEqual(needs('get', path), [signedIn, 'For everybody who is signed in.'], path);
    for (const path of ['/healthz', '/readyz', '/metrics']) assert.deepEqual(needs('get', path), [[], 'Needs no token.'], path);
  });

  it('answers HEAD wherever it answers GET, at once and without a body', async () => {
    const { paths } = (await app.inject({ url: '/openapi.json' })).json();
    const readable = Object.keys(paths).filter((path) => paths[path].get);
    assert.ok(readable.length >= 6);
    for (const path of [...readable, '/openapi.json', '/docs/']) {
      const url = path.replaceAll(/\{\w+\}/g, 'some-job');
      const [head, get] = await Promise.all((['HEAD', 'GET'] as const).map((method) => app.inject({ method, url, headers: as('operator') })));
      assert.equal(head!.statusCode, get!.statusCode, url);
      assert.equal(head!.body, '', url);
    }
  });

  it('says how to send what is not sent as JSON', async () => {
    const headers = { ...as('operator'), 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await app.inject({ method: 'POST', url: '/v1/plans', headers, payload: JSON.stringify(exampleRequest()) });
    assert.equal(answer.statusCode, 415);
    assert.match(answer.json().detail, /Content-Type: application\/json/);
  });

  it('plans without touching anything', async () => {
    const answer = await app.inject({ method: 'POST', url: '/v1/plans', headers: as('approver'), payload: exampleRequest() });
    assert.equal(answer.statusCode, 200);
    assert.match(answer.json().summary, /kylo-luna-hsm/);
  });

  it('logs a request in one line, once it is answered, without the token', async () => {
    const lines: string[] = [];
    const logger = { level: 'info', stream: { write: (line: string) => void lines.push(line) } };
    const logging = await buildApp({ client: noTemporal, taskQueue: 'any', tokens, reports: folderReports('/nowhere'), logger });
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

  it('names every mistake of a request at once, of shape and of rules, in words of its own', async () => {
    const { license, ...cipherTrust } = exampleRequest().cipherTrust;
    const payload = { ...exampleRequest(), hsm: { ...exampleRequest().hsm, label: '1st' }, cipherTrust: { ...cipherTrust, licence: license } };
    for (const url of ['/v1/plans', '/v1/provisionings']) {
      const answer = await app.inject({ method: 'POST', url, headers: as('operator'), payload });
      assert.equal(answer.statusCode, 400, answer.body);
      assert.deepEqual(answer.json().errors, [
        { pointer: '/cipherTrust/licence', detail: 'Unknown field /cipherTrust/licence. Did you mean license?' },
        { pointer: '/hsm/label', detail: 'A label starts with a letter and has at most 32 letters, digits, - _ and dots.' },
      ]);
    }
  });

  it('takes a $schema, which editors use, and makes it no part of the request', async () => {
    const payload = { $schema: '../docs/request.schema.json', ...exampleRequest() };
    const [bare, named] = await Promise.all(
      [exampleRequest(), payload].map((body) => app.inject({ method: 'POST', url: '/v1/plans', headers: as('operator'), payload: body })),
    );
    assert.equal(named!.statusCode, 200, named!.body);
    assert.deepEqual(named!.json(), bare!.json());
    const other = await app.inject({ method: 'POST', url: '/v1/plans', headers: as('operator'), payload: { ...payload, $schema: 5 } });
    assert.deepEqual(
      other.json().errors.map(({ pointer }: { pointer: string }) => pointer),
      ['/$schema'],
    );
  });

  it('refuses a template that is nested without end, as a mistake of the request', async () => {
    const { address: _, stamp: __, ...hsm } = exampleRequest().hsm;
    const text = JSON.stringify({ ...exampleRequest(), hsm: { ...hsm, template: { inline: { resources: ['deep'] } } } });
    const payload = text.replace('"deep"', `${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}`);
    for (const url of ['/v1/plans', '/v1/provisionings']) {
      const answer = await app.inject({ method: 'POST', url, headers: { ...as('operator'), 'content-type': 'application/json' }, payload });
      assert.equal(answer.statusCode, 422, answer.body);
      assert.deepEqual(answer.json().errors, [{ pointer: '/hsm/template/inline', detail: 'A template is at most 200 levels deep.' }]);
    }
  });

  it('lets nobody in without a token, and each role only where it belongs', async () => {
    const status = async (method: 'GET' | 'POST', url: string, headers: Record<string, string>, payload: object = {}) =>
      (await app.inject({ method, url, headers, ...(method === 'POST' ? { payload } : {}) })).statusCode;
    assert.equal(await status('GET', '/v1/jobs', {}), 401);
    assert.equal(await status('GET', '/v1/jobs', { authorization: 'Bearer wrong' }), 401);
    assert.equal(await status('POST', '/v1/provisionings', as('approver'), exampleRequest()), 403);
    assert.equal(await status('POST', '/v1/jobs/some-job/approvals/approve-zeroize-1', as('operator'), { decision: 'approve' }), 403);
    assert.equal(await status('GET', '/healthz', {}), 200);
    assert.equal(await status('GET', '/docs/', {}), 200);
    assert.equal(await status('GET', '/metrics', {}), 200);
  });

  it('takes a request for a second person only from people who sign in by name, and their decisions under no other one', async () => {
    const named = await buildApp({ client: noTemporal, taskQueue: 'any', tokens: { ...tokens, people }, reports: folderReports('/nowhere') });
    const payload = { ...exampleRequest(), approval: { secondPerson: true } };
    const refused = await named.inject({ method: 'POST', url: '/v1/provisionings', headers: as('operator'), payload });
    assert.equal(refused.statusCode, 422);
    assert.equal(refused.json().errors[0].pointer, '/approval/secondPerson');
    assert.match(refused.json().errors[0].detail, /"people": \[/);
    const by = (token: string) => ({ authorization: `Bearer ${token}` });
    assert.equal((await named.inject({ method: 'POST', url: '/v1/provisionings', headers: by(people[1].token), payload })).statusCode, 403);
    const decide = { method: 'POST', url: '/v1/jobs/some-job/approvals/approve-zeroize-1-abcdef', headers: by(people[1].token) } as const;
    const other = await named.inject({ ...decide, payload: { decision: 'approve', actor: 'otto' } });
    assert.deepEqual([other.statusCode, other.json().title], [422, 'Not your name']);
    await named.close();
  });

  it('tells every mistake of a decision and of a query', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/jobs/some-job/approvals/approve-zeroize-1',
      headers: as('approver'),
      payload: { decision: 'maybe', color: 'red' },
    });
    assert.equal(answer.statusCode, 400);
    assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8');
    assert.deepEqual(
      answer
        .json()
        .errors.map(({ pointer }: { pointer: string }) => pointer)
        .sort(),
      ['/color', '/decision'],
    );
    assert.match(answer.body, /Must be one of \\"approve\\", \\"reject\\", is \\"maybe\\"\./);
    assert.equal((await app.inject({ url: '/v1/jobs?state=asleep', headers: as('operator') })).statusCode, 400);
    assert.equal((await app.inject({ url: '/v1/jobs/..%2f..%2fetc', headers: as('operator') })).statusCode, 400);
  });
});

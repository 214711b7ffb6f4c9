import assert from 'node:assert/strict';
import { type AddressInfo, connect } from 'node:net';
import type { Client } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../api/app.ts';
import { folderReports } from '../../stores/reports/report-store.ts';
import { gate } from '../support/decide-job.ts';

const tokens = { operator: 'the-operators-token', approver: 'the-approvers-token' };
const host = 'Host: api.example';
const signedIn = `Authorization: Bearer ${tokens.operator}`;
const json = 'Content-Type: application/json';
const noTemporal = new Proxy({}, { get: (_, name) => assert.fail(`Temporal was asked for ${String(name)}`) }) as Client;

interface Case {
  what: string;
  sent: string;
  status: number;
  title: string;
  /** The next step. */
  detail: RegExp;
  headers?: Record<string, RegExp>;
}

const get = (path: string, ...headers: string[]) => `${[`GET ${path} HTTP/1.1`, host, 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`;
const request = (line: string, headers: string[], body = '') => `${[`${line} HTTP/1.1`, host, 'Connection: close', ...headers].join('\r\n')}\r\n\r\n${body}`;
const post = (path: string, headers: string[], body = '') =>
  request(`POST ${path}`, [signedIn, `Content-Length: ${Buffer.byteLength(body)}`, ...headers], body);

const cases: Case[] = [
  { what: 'a path that cannot be decoded', sent: get('/v1/jobs/%ff', signedIn), status: 400, title: 'Invalid URL', detail: /percent-encod/ },
  { what: 'a bad escape at the root', sent: get('/%zz'), status: 400, title: 'Invalid URL', detail: /percent-encod/ },
  {
    what: 'an id of 150 letters',
    sent: get(`/v1/jobs/${'x'.repeat(150)}`, signedIn),
    status: 400,
    title: 'The request does not have the right shape',
    detail: /1 mistake/,
  },
  { what: 'an id of 5000 letters', sent: get(`/v1/jobs/${'x'.repeat(5_000)}`, signedIn), status: 414, title: 'URL too long', detail: /GET \/v1\/jobs/ },
  { what: 'an unknown path', sent: get('/v2/nothing', signedIn), status: 404, title: 'Not Found', detail: /\/docs/ },
  {
    what: 'a method that a path does not have',
    sent: request('DELETE /v1/jobs/some-job', [signedIn]),
    status: 405,
    title: 'Method Not Allowed',
    detail: /Use GET or HEAD\./,
    headers: { allow: /^GET, HEAD$/ },
  },
  {
    what: 'the wrong method where there is only POST',
    sent: get('/v1/plans?whatIf=true', signedIn),
    status: 405,
    title: 'Method Not Allowed',
    detail: /Use POST\./,
    headers: { allow: /^POST$/ },
  },
  {
    what: 'the wrong method of a path below a job',
    sent: get('/v1/jobs/some-job/approvals/approve-1', signedIn),
    status: 405,
    title: 'Method Not Allowed',
    detail: /Use POST\./,
    headers: { allow: /^POST$/ },
  },
  {
    what: 'a method that the framework does not know',
    sent: request('PROPFIND /v1/jobs', [signedIn]),
    status: 405,
    title: 'Method Not Allowed',
    detail: /GET/,
    headers: { allow: /GET/ },
  },
  { what: 'a tunnel', sent: 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n', status: 405, title: 'Method Not Allowed', detail: /not a proxy/ },
  { what: 'no token', sent: get('/v1/jobs'), status: 401, title: 'Not signed in', detail: /Authorization: Bearer/, headers: { 'www-authenticate': /^Bearer/ } },
  { what: 'text that is not JSON', sent: post('/v1/plans', [json], '{"a":'), status: 400, title: 'Invalid JSON', detail: /JSON/ },
  { what: 'a body that is missing', sent: post('/v1/plans', [json]), status: 400, title: 'Empty body', detail: /Send .* JSON/ },
  { what: 'a body without a type', sent: post('/v1/plans', [], '{}'), status: 415, title: 'Unsupported Media Type', detail: /Content-Type: application\/json/ },
  {
    what: 'plain text',
    sent: post('/v1/plans', ['Content-Type: text/plain'], '{}'),
    status: 415,
    title: 'Unsupported Media Type',
    detail: /Content-Type: application\/json/,
  },
  {
    what: 'a body of another type',
    sent: post('/v1/plans', ['Content-Type: text/xml'], '<a/>'),
    status: 415,
    title: 'Unsupported Media Type',
    detail: /Content-Type: application\/json/,
  },
  {
    what: 'a type that is none',
    sent: post('/v1/plans', ['Content-Type: ;;'], '{}'),
    status: 415,
    title: 'Unsupported Media Type',
    detail: /Content-Type: application\/json/,
  },
  { what: 'a body that poisons prototypes', sent: post('/v1/plans', [json], '{"__proto__":{"a":1}}'), status: 400, title: 'Invalid JSON', detail: /__proto__/ },
  {
    what: 'a body that is too large',
    sent: request('POST /v1/plans', [signedIn, json, 'Content-Length: 400000']),
    status: 413,
    title: 'Request too large',
    detail: /256 KiB/,
  },
  {
    what: 'a length that is no number',
    sent: request('POST /v1/plans', [signedIn, json, 'Content-Length: abc']),
    status: 400,
    title: 'Invalid HTTP request',
    detail: /HTTP/,
  },
  {
    what: 'two ways to say a length',
    sent: request('POST /v1/plans', [signedIn, json, 'Content-Length: 2', 'Transfer-Encoding: chunked'], '{}'),
    status: 400,
    title: 'Invalid HTTP request',
    detail: /HTTP/,
  },
  {
    what: 'headers that are too large',
    sent: get('/v1/jobs', `X-Much: ${'x'.repeat(40_000)}`),
    status: 431,
    title: 'Request headers too large',
    detail: /16 KiB/,
  },
  { what: 'an expectation that nobody meets', sent: get('/v1/jobs', signedIn, 'Expect: miracles'), status: 417, title: 'Expectation Failed', detail: /Expect/ },
  { what: 'what is not HTTP', sent: 'hello\r\n\r\n', status: 400, title: 'Invalid HTTP request', detail: /http:\/\// },
  { what: 'HTTP without a host', sent: 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', status: 400, title: 'Missing Host header', detail: /Host/ },
  { what: 'a page of the documentation that is missing', sent: get('/docs/static/nothing.js'), status: 404, title: 'Not Found', detail: /\/docs/ },
];

describe('What the framework would answer by itself', () => {
  let app: FastifyInstance;
  before(async () => {
    app = await buildApp({ client: noTemporal, taskQueue: 'any', tokens, reports: folderReports('/nowhere') });
    await app.listen({ host: '127.0.0.1', port: 0 });
  });
  after(() => app.close());

  /** Sends bytes and reads the first answer, until the server has told all of it. */
  const exchange = (sent: string): Promise<{ status: number; headers: Record<string, string>; body: string }> =>
    new Promise((resolve, reject) => {
      const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1', () => socket.write(sent));
      let text = '';
      socket.setEncoding('utf8').on('data', (data: string) => {
        text += data;
        const [head = '', body] = text.split('\r\n\r\n', 2);
        const [, status] = /^HTTP\/1\.1 (\d+)/.exec(head) ?? [];
        const headers = Object.fromEntries([...head.matchAll(/^([^:\r\n]+): (.*)$/gm)].map(([, name, value]) => [name!.toLowerCase(), value!.trim()]));
        if (body === undefined || Buffer.byteLength(body) < Number(headers['content-length'] ?? 0)) return;
        socket.destroy();
        resolve({ status: Number(status), headers, body });
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error(`closed after: ${text || 'nothing'}`)));
    });

  for (const { what, sent, status, title, detail, headers = {} } of cases)
    it(`tells ${what} as a problem with a next step: ${status}`, async () => {
      const answer = await exchange(sent);
      assert.equal(answer.status, status, answer.body);
      assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8');
      const problem = JSON.parse(answer.body);
      assert.deepEqual([problem.type, problem.title, problem.status], ['about:blank', title, status], answer.body);
      assert.match(problem.detail, detail);
      for (const [name, value] of Object.entries(headers)) assert.match(answer.headers[name] ?? '', value);
    });

  for (const scheme of ['bearer', 'BEARER', 'Bearer '])
    it(`knows the scheme “${scheme}” however it is written`, async () => {
      const answer = await exchange(post('/v1/plans', [json], '{}').replace('Bearer', scheme));
      assert.notEqual(answer.status, 401, answer.body);
    });

  it('takes Expect: 100-continue as it is meant', async () => {
    const answer = await exchange(request('GET /healthz', ['Expect: 100-continue']));
    assert.ok([100, 200].includes(answer.status));
  });
});

describe('A defect of the API', () => {
  it('is logged once with its stack, under the id that the answer names', async () => {
    const lines: string[] = [];
    const logger = { level: 'info', stream: { write: (line: string) => void lines.push(line) } };
    const describe = () => Promise.reject(new TypeError('nobody foresaw this'));
    const client = { workflow: { getHandle: () => ({ describe }) }, withDeadline: (_: number, ask: () => unknown) => ask() } as unknown as Client;
    const app = await buildApp({ client, taskQueue: 'any', tokens, reports: folderReports('/nowhere'), logger });
    const answer = await app.inject({ url: '/v1/jobs/some-job/report', headers: { authorization: `Bearer ${tokens.operator}` } });
    await app.close();
    assert.equal(answer.statusCode, 500);
    const failures = lines.map((line) => JSON.parse(line)).filter(({ err }) => err);
    assert.equal(failures.length, 1, lines.join(''));
    const [{ level, err, reqId }] = failures;
    assert.deepEqual([level, reqId], [50, answer.json().requestId]);
    assert.match(err.stack, /TypeError: nobody foresaw this\n/);
    assert.ok(!answer.body.includes('foresaw'));
  });
});

describe('A reports folder that cannot be read', () => {
  it('is no report that is still to come', async () => {
    const describe = async () => ({ type: 'provision', taskQueue: 'any', runId: 'run', status: { name: 'COMPLETED' } });
    const client = { workflow: { getHandle: () => ({ describe }) }, withDeadline: (_: number, ask: () => unknown) => ask() } as unknown as Client;
    const read = async (reportsFolder: string) => {
      const app = await buildApp({ client, taskQueue: 'any', tokens, reports: folderReports(reportsFolder) });
      const answer = await app.inject({ url: '/v1/jobs/some-job/report', headers: { authorization: `Bearer ${tokens.operator}` } });
      await app.close();
      return answer.statusCode;
    };
    assert.equal(await read('/nowhere'), 404);
    assert.equal(await read(import.meta.filename), 503);
  });
});

describe('An API that shuts down', () => {
  it('says so to who still asks, and when to ask again', async () => {
    const app = await buildApp({ client: noTemporal, taskQueue: 'any', tokens, reports: folderReports('/nowhere') });
    const asked = gate();
    app.addHook('preClose', () => asked.opened);
    const address = await app.listen({ host: '127.0.0.1', port: 0 });
    const closed = app.close();
    const answer = await fetch(`${address}/healthz`);
    const body = await answer.text();
    asked.open();
    await closed;
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [503, 'application/problem+json; charset=utf-8']);
    assert.deepEqual([JSON.parse(body).title, answer.headers.get('retry-after')], ['Shutting down', '5']);
  });
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../api/app.ts';
import { refused } from '../../domain/failure.ts';
import type { ApprovalView, DecisionView, IncidentView, JobOverview, StepView } from '../../domain/progress.ts';
import type { ManagerContents } from '../../domain/results.ts';
import { folderReports } from '../../stores/reports/report-store.ts';
import { documented } from '../support/documented.ts';
import { exampleRequest } from '../support/example.ts';
import { zeroizedHsm } from '../support/stub-activities.ts';

const tokens = { operator: 'the-operators-token', approver: 'the-approvers-token' };
const as = (role: keyof typeof tokens) => ({ authorization: `Bearer ${tokens[role]}` });
const at = '2026-03-01T10:00:00.000Z';

/** A job with everything that a job can show. */
const job: JobOverview = {
  state: 'incident',
  revision: 7,
  startedAt: at,
  finishedAt: at,
  requestedBy: 'olga',
  hsmName: 'kylo-luna-hsm',
  region: 'westus2',
  warnings: ['Mind the gap.'],
  awaitingApproval: false,
  hasIncident: true,
  report: { json: 'r.json', markdown: 'r.md' },
  inventory: ['virtual machine lunaclient'],
};
const manager: ManagerContents = {
  name: 'cm',
  address: '172.22.0.5',
  version: '2.19',
  users: ['admin', 'olga'],
  keys: 3,
  keysRead: 2,
  domains: ['root'],
  hsms: [],
  clustered: true,
  untold: [],
  digest: 'd',
};
const approval: ApprovalView = {
  id: 'approve-wipe-1-abcdef',
  question: 'Wipe it?',
  loses: 'all',
  hsm: { ...zeroizedHsm, partitions: [{ serial: '1', name: 'p', objects: 1, usedBytes: 2 }] },
  manager,
  requestedBy: 'olga',
  secondPerson: true,
  askedAt: at,
  deadline: at,
  remindedAt: at,
  closedAt: at,
  outcome: 'approved',
  decision: { actor: 'anna', comment: 'Yes.' },
};
const incident: IncidentView = {
  id: 'incident-1-abcdef',
  step: 'ntp',
  problem: { ...refused({ code: 'AZURE_LOCKED', tried: 'a', summary: 'b', evidence: { source: 'c', text: 'e' }, remedy: 'd' }).problem, retryAfterMs: 5_000 },
  actions: ['retry', 'skip', 'abort'],
  openedAt: at,
  closedAt: at,
  decision: { action: 'retry', actor: 'otto', comment: 'Now.' },
};
const decision: DecisionView = {
  decisionId: 'd-1',
  kind: 'retry',
  about: incident.id,
  actor: 'operator',
  comment: 'Now.',
  at,
  verdict: 'refused',
  reason: 'It is closed.',
};
const accepted: DecisionView = { ...decision, decisionId: 'd-2', verdict: 'accepted' };
const step: StepView = { state: 'running', startedAt: at, finishedAt: at, attempts: 2 };
const memo = {
  job,
  'step.ntp': step,
  [approval.id]: approval,
  [incident.id]: incident,
  'decision-1': decision,
  'decision-2': accepted,
  requestedBy: 'olga',
  hsmName: 'kylo-luna-hsm',
  region: 'westus2',
};
const description = {
  workflowId: 'some-job',
  runId: 'run',
  type: 'provision',
  taskQueue: 'any',
  status: { name: 'RUNNING' },
  startTime: new Date(at),
  closeTime: new Date(at),
  memo,
  typedSearchAttributes: { getAll: () => [] },
  raw: { pendingWorkflowTask: { attempt: 4 }, pendingActivities: [{ activityType: { name: 'ntp' }, lastFailure: { message: 'not yet' } }] },
};
const failure = { message: 'x is not iterable' };
const client = {
  options: { namespace: 'default' },
  withDeadline: (_: number, ask: () => unknown) => ask(),
  workflow: {
    start: async () => ({ firstExecutionRunId: 'run' }),
    async *list() {
      yield description;
    },
    getHandle: () => ({ describe: async () => description, signal: async () => {}, cancel: async () => {} }),
  },
  workflowService: {
    getWorkflowExecutionHistoryReverse: async () => ({
      history: { events: [{ eventTime: { seconds: 1_700_000_000 }, workflowTaskFailedEventAttributes: { failure } }] },
    }),
  },
} as unknown as Client;

describe('The answers of the API', function () {
  this.timeout(10_000);
  let app: FastifyInstance;
  let folder: string;
  let check: Awaited<ReturnType<typeof documented>>;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-answers-'));
    writeFileSync(join(folder, 'some-job-run.json'), JSON.stringify({ target: 'some-job', runId: 'run', outcome: 'completed' }));
    app = await buildApp({ client, taskQueue: 'any', tokens, reports: folderReports(folder) });
    check = await documented(app);
  });
  after(async () => {
    await app.close();
    rmSync(folder, { recursive: true });
  });

  const key = (name: string) => ({ 'idempotency-key': name });
  const incidentPath = '/v1/jobs/{id}/incidents/{incidentId}';
  const retry = { action: 'retry', comment: 'Now.' };
  const { license: _, ...cipherTrust } = exampleRequest().cipherTrust;
  const cases: [
    what: string,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    status: number,
    more: { payload?: object; text?: string; headers?: object; query?: string },
  ][] = [
    ['a plan', 'POST', '/v1/plans', 200, { payload: exampleRequest() }],
    ['a request with mistakes of shape', 'POST', '/v1/plans', 400, { payload: { ...exampleRequest(), cipherTrust } }],
    ['a request that breaks rules', 'POST', '/v1/plans', 422, { payload: { ...exampleRequest(), azure: { ...exampleRequest().azure, region: 'nowhere' } } }],
    ['a job that was started', 'POST', '/v1/provisionings', 202, { payload: exampleRequest() }],
    ['a request of the wrong person', 'POST', '/v1/provisionings', 403, { payload: exampleRequest(), headers: as('approver') }],
    ['the list of jobs', 'GET', '/v1/jobs', 200, {}],
    ['a list with a filter that does not exist', 'GET', '/v1/jobs', 400, { query: '?state=asleep&limit=0' }],
    ['a job with everything that it can show', 'GET', '/v1/jobs/{id}', 200, {}],
    ['nobody', 'GET', '/v1/jobs/{id}', 401, { headers: { authorization: 'none' } }],
    ['a job that is cancelled', 'POST', '/v1/jobs/{id}/cancel', 202, {}],
    ['a report', 'GET', '/v1/jobs/{id}/report', 200, {}],
    ['a report that is not there', 'GET', '/v1/jobs/{id}/report', 404, { headers: { ...as('operator'), accept: 'text/markdown' } }],
    ['a decision that was refused', 'POST', incidentPath, 409, { payload: retry, headers: { ...as('operator'), ...key('d-1') } }],
    ['a decision that was accepted', 'POST', incidentPath, 200, { payload: retry, headers: { ...as('operator'), ...key('d-2') } }],
    ['a key of another decision', 'POST', incidentPath, 422, { payload: { action: 'abort' }, headers: { ...as('operator'), ...key('d-2') } }],
    ['a decision that nobody judged yet', 'POST', incidentPath, 202, { payload: retry, headers: { ...as('operator'), ...key('d-3') } }],
    ['a body of another type', 'POST', '/v1/plans', 415, { text: '{}', headers: { ...as('operator'), 'content-type': 'text/plain' } }],
  ];
  for (const [what, method, path, status, { payload, text, headers = as('operator'), query = '' }] of cases)
    it(`are what the OpenAPI text says: ${what} (${status})`, async () => {
      const url = `${path.replace('{id}', 'some-job').replace('{incidentId}', incident.id)}${query}`;
      const answer = await app.inject({ method, url, headers: { ...headers }, ...(payload || text ? { payload: payload ?? text } : {}) });
      assert.equal(answer.statusCode, status, answer.body);
      check(method, path, answer);
    });

  it('hold everything that a job can show', async () => {
    const shown = (await app.inject({ url: '/v1/jobs/some-job', headers: as('operator') })).json();
    assert.equal(shown.job.state, 'stuck');
    assert.deepEqual(shown.stuck, { attempts: 4, since: '2023-11-14T22:13:20.000Z', cause: failure.message });
    assert.deepEqual([shown.steps.ntp.detail, shown.approvals[0].manager.keys, shown.incidents[0].problem.retryAfterMs], ['not yet', 3, 5_000]);
  });
});

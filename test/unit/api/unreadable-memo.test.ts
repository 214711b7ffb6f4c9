import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../../api/app.ts';
import type { JobOverview } from '../../../domain/progress.ts';
import { folderReports } from '../../../stores/reports/report-store.ts';
import { documented } from '../../support/documented.ts';

const at = '2026-03-01T10:00:00.000Z';
const headers = { authorization: 'Bearer the-operators-token' };
const job: JobOverview = {
  state: 'running',
  revision: 7,
  startedAt: at,
  requestedBy: 'olga',
  hsmName: 'kylo-luna-hsm',
  region: 'westus2',
  warnings: ['Mind the gap.'],
  awaitingApproval: false,
  hasIncident: false,
};
const started = { requestedBy: 'olga', hsmName: 'kylo-luna-hsm', region: 'westus2' };
const done = { state: 'done', attempts: 1, startedAt: at, finishedAt: at };

/** A Temporal that knows one job, with the memo that a test sets. */
const description = {
  workflowId: 'some-job',
  runId: 'run',
  type: 'provision',
  taskQueue: 'any',
  status: { name: 'RUNNING' },
  startTime: new Date(at),
  memo: {} as Record<string, unknown>,
  typedSearchAttributes: {
    getAll: () => [
      { key: { name: 'JobState' }, value: 'incident' },
      { key: { name: 'HasIncident' }, value: true },
    ],
  },
  raw: { pendingActivities: [] },
};
const client = {
  options: { namespace: 'default' },
  withDeadline: (_: number, ask: () => unknown) => ask(),
  workflow: {
    async *list() {
      yield description;
    },
    getHandle: () => ({ describe: async () => description }),
  },
} as unknown as Client;

describe('A job whose memo this version of the API cannot read', () => {
  let app: FastifyInstance;
  let folder: string;
  let check: Awaited<ReturnType<typeof documented>>;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-unreadable-'));
    app = await buildApp({
      client,
      taskQueue: 'any',
      tokens: { operator: 'the-operators-token', approver: 'the-approvers-token' },
      reports: folderReports(folder),
    });
    check = await documented(app);
  });
  after(async () => {
    await app.close();
    rmSync(folder, { recursive: true });
  });

  const get = async (path: string, memo: Record<string, unknown>) => {
    description.memo = { ...started, ...memo };
    const answer = await app.inject({ method: 'GET', url: path.replace('{id}', 'some-job'), headers });
    assert.equal(answer.statusCode, 200, answer.body);
    check('GET', path.replace(/\?.*/, ''), answer);
    return answer.json();
  };

  it('is shown as far as it can be read, and each key that cannot is named with the reason', async () => {
    const shown = await get('/v1/jobs/{id}', {
      job,
      'step.ntp': { ...done, state: 'finished' },
      'step.license': done,
      'incident-1-abcdef': { id: 'incident-1-abcdef', step: 'later-step' },
      'decision-1': 'yes',
    });
    assert.deepEqual(
      shown.unreadable.map(({ key }: { key: string }) => key),
      ['step.ntp', 'incident-1-abcdef', 'decision-1'],
    );
    assert.match(shown.unreadable[0].detail, /^The job’s memo cannot be read by this version: step\.ntp: \/state: Must be one of .*is "finished"/);
    assert.deepEqual([shown.steps.license.state, shown.steps.ntp.state, shown.job.warnings], ['done', 'pending', ['Mind the gap.']]);
    assert.deepEqual([shown.incidents, shown.decisions], [[], []]);
  });

  it('keeps what fits of the job itself; what does not is replaced by what Temporal knows', async () => {
    const { job: shown, unreadable } = await get('/v1/jobs/{id}', { job: { ...job, state: 'paused', revision: 9 } });
    assert.deepEqual([shown.state, shown.revision, shown.requestedBy, unreadable.length], ['incident', 9, 'olga', 1]);
    for (const value of ['text', null, 7, []]) {
      const other = await get('/v1/jobs/{id}', { job: value });
      assert.deepEqual([other.job.state, other.job.hasIncident, other.job.hsmName, other.unreadable[0].key], ['incident', true, 'kylo-luna-hsm', 'job']);
    }
  });

  it('stands in the list, marked, with an open incident that cannot be read', async () => {
    const { jobs } = await get('/v1/jobs', { job: { ...job, hasIncident: true }, 'incident-1-abcdef': { problem: 'new form' } });
    assert.deepEqual([jobs.length, jobs[0].hasIncident, jobs[0].unreadable[0].key], [1, true, 'incident-1-abcdef']);
    const filtered = await get('/v1/jobs?hasIncident=true', { job: 'new form' });
    assert.deepEqual([filtered.jobs.length, filtered.jobs[0].unreadable[0].key], [1, 'job']);
  });

  it('gets no approval of a question that cannot be shown; a rejection passes', async () => {
    const id = 'approve-zeroize-1-abcdef';
    const rejection = { decisionId: 'd-1', kind: 'reject', about: id, actor: 'approver', at, verdict: 'accepted' };
    description.memo = { ...started, job, [id]: { id, secondPerson: 'yes' }, 'decision-1': rejection };
    const decide = (decision: string) =>
      app.inject({
        method: 'POST',
        url: `/v1/jobs/some-job/approvals/${id}`,
        headers: { authorization: 'Bearer the-approvers-token', 'idempotency-key': 'd-1' },
        payload: { decision },
      });
    const [approved, rejected] = [await decide('approve'), await decide('reject')];
    assert.deepEqual([approved.statusCode, rejected.statusCode], [503, 200]);
    assert.match(approved.json().detail, /approve-zeroize-1-abcdef: .* Nothing was approved\. Upgrade the API/);
    check('POST', '/v1/jobs/{id}/approvals/{approvalId}', approved);
  });

  it('does not trip over what others wrote into the keys of the start', async () => {
    const shown = await get('/v1/jobs/{id}', { requestedBy: 7, hsmName: { deep: true } });
    assert.deepEqual([shown.job.requestedBy, shown.job.hsmName, shown.unreadable], ['unknown', '', undefined]);
  });

  it('has nothing marked where all of it can be read, newer fields included', async () => {
    description.memo = { ...started, job: { ...job, later: 1 }, 'step.ntp': done };
    const [shown, list] = await Promise.all(['/v1/jobs/some-job', '/v1/jobs'].map(async (url) => (await app.inject({ url, headers })).json()));
    assert.deepEqual([shown.job.later, shown.unreadable, list.jobs[0].unreadable], [1, undefined, undefined]);
  });
});

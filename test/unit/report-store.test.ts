import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import type { JobService } from '../../api/jobs.ts';
import { problems } from '../../api/plugins/problems.ts';
import { validation } from '../../api/plugins/validation.ts';
import { reportRoutes } from '../../api/routes/report.ts';
import { refused } from '../../domain/failure.ts';
import { folderReports, type ReportStore } from '../../stores/reports/report-store.ts';
import { folderTranscripts } from '../../stores/reports/transcripts.ts';
import { aReportStore } from '../support/report-store-suite.ts';

describe('A report store in a folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hsm-reports-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  aReportStore(() => ({ reports: folderReports(folder), transcripts: folderTranscripts(join(folder, 'transcripts')) }));

  it('lists only reports of which both forms are there', async () => {
    await folderReports(folder).put('kylo-run-1', { json: '{}', markdown: '' });
    writeFileSync(join(folder, 'kylo-run-2.json'), '{}');
    mkdirSync(join(folder, 'kylo-transcripts'));
    assert.deepEqual(await folderReports(folder).list('kylo'), ['kylo-run-1']);
    assert.deepEqual(await folderReports(join(folder, 'not-yet')).list(''), []);
  });

  it('leaves no drafts, and files for their owner alone', async () => {
    await folderReports(folder).put('kylo-run-1', { json: '{}', markdown: '' });
    assert.deepEqual(readdirSync(folder).sort(), ['kylo-run-1.json', 'kylo-run-1.md']);
    for (const file of readdirSync(folder)) assert.equal(statSync(join(folder, file)).mode & 0o077, 0);
  });
});

describe('The report in the API', () => {
  const app = (reports: Pick<ReportStore, 'read'>, isOver = true) => {
    const fastify = Fastify();
    problems(fastify);
    validation(fastify);
    reportRoutes(fastify, { newestRun: async () => ({ runId: 'run-1', isOver }) } as unknown as JobService, reports as ReportStore);
    return fastify;
  };
  const url = '/v1/jobs/kylo/report';

  it('is not shown before the job is over: one that says completed may have been stored before the last look', async () => {
    const { statusCode } = await app({ read: async () => 'completed' }, false).inject(url);
    assert.equal(statusCode, 404);
  });

  it('comes from the store, in the form that is asked for', async () => {
    const reports = app({ read: async (name, form) => `${name} ${form}` });
    assert.equal((await reports.inject({ url })).payload, 'kylo-run-1 json');
    const markdown = await reports.inject({ url, headers: { accept: 'text/markdown' } });
    assert.equal(markdown.payload, 'kylo-run-1 markdown');
    assert.match(String(markdown.headers['content-type']), /text\/markdown/);
  });

  it('is 404 where there is none, and 503, not 404, where the store fails', async () => {
    assert.equal((await app({ read: async () => undefined }).inject({ url })).statusCode, 404);
    const told = { code: 'STORE_REFUSED', tried: 'reading kylo-run-1.json', summary: '403 AuthorizationFailure', remedy: 'Assign the role.' } as const;
    const named = await app({ read: () => Promise.reject(refused(told)) }).inject({ url });
    assert.equal(named.statusCode, 503);
    assert.match(named.json().detail, /403 AuthorizationFailure/);
    const unnamed = await app({ read: () => Promise.reject(new Error('EIO: /secret/path')) }).inject({ url });
    assert.equal(unnamed.statusCode, 503);
    assert.doesNotMatch(unnamed.payload, /secret/);
  });
});

import assert from 'node:assert/strict';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { buildApp } from '../../api/app.ts';
import { JobService } from '../../api/jobs.ts';
import type { Problem } from '../../domain/failure.ts';
import { folderReports } from '../../stores/reports/report-store.ts';
import { answer, decision, firstApproval, gate, incident, resolve, workflowTests } from '../support/decide-job.ts';
import { stubActivities } from '../support/stub-activities.ts';
import type { Running } from '../support/workflow-bench.ts';

const problem: Problem = { kind: 'Refused', code: 'AZURE_LOCKED', tried: 'something', summary: 'no', remedy: 'Mend it.' };
const refusal = () => ApplicationFailure.create({ message: 'no', type: 'Refused', nonRetryable: true, details: [problem] });

describe('A job that people decide about', () => {
  const its = workflowTests();

  it('is ended by an abort where its report cannot be stored, and tells of it', async () => {
    let tries = 0;
    const { activities } = stubActivities({
      report: async () => {
        if (tries++ === 0) throw refusal();
        return { json: 'r.json', markdown: 'r.md' };
      },
    });
    its.request.hsm.fips = false;
    await its.bench.withJob(activities, its.request, async (job) => {
      assert.equal((await incident(job)).incidents[0]!.step, 'report');
      await resolve(job, 'abort');
      assert.equal((await job.handle.result()).outcome, 'aborted');
      const { job: ended } = await job.progress();
      assert.deepEqual([ended.state, ended.inventory], ['aborted', ['resource group Luna_kylo_rg']]);
      const history = await job.handle.fetchHistory();
      await Worker.runReplayHistory({ workflowBundle: its.bench.bundle }, JSON.parse(historyToJSON(history)), job.handle.workflowId);
    });
  });

  it('takes no decision that was meant for an earlier run', async () => {
    const { activities } = stubActivities({
      license: async () => {
        throw refusal();
      },
    });
    its.request.hsm.fips = false;
    await its.bench.withJob(activities, its.request, async (earlier) => {
      const [before] = (await incident(earlier)).incidents;
      await resolve(earlier, 'abort');
      await earlier.handle.result();
      await its.bench.withJob(activities, its.request, async (job) => {
        await incident(job);
        await job.handle.signal('resolve', decision({ incidentId: before!.id, action: 'abort' }));
        const { decisions, incidents } = await job.reaches('the refusal', (now) => now.decisions.length === 1);
        assert.match(decisions[0]!.reason ?? '', new RegExp(`There is no incident ${before!.id}; ${incidents[0]!.id} is open`));
        assert.equal(incidents[0]!.closedAt, undefined);
        await resolve(job, 'abort');
        await job.handle.result();
      });
    });
  });

  it('that is cancelled during the wipe still replaces the initial password of CipherTrust Manager', async () => {
    its.request.hsm.fips = false;
    const wiping = gate();
    const { activities, calls } = stubActivities({
      'set-root-of-trust': async ({ cipherTrust }) => {
        await wiping.opened;
        return { cipherTrust, openSince: '2026-01-01T00:00:00.000Z' };
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      await job.reaches('the wipe', ({ steps }) => steps['set-root-of-trust'].state === 'running');
      await job.handle.cancel();
      wiping.open();
      await assert.rejects(job.handle.result(), WorkflowFailedError);
      assert.deepEqual(calls.map(({ id }) => id).slice(-4), ['set-root-of-trust', 'reset-password', 'inventory', 'report']);
      const history = await job.handle.fetchHistory();
      await Worker.runReplayHistory({ workflowBundle: its.bench.bundle }, JSON.parse(historyToJSON(history)), job.handle.workflowId);
    });
  });

  it('takes no approval that was given to an earlier run, though the HSM is the same', async () => {
    const approveTyped = (job: Running, approvalId: string) => job.handle.signal('approve', decision({ approvalId }));
    await its.bench.withJob(stubActivities().activities, its.request, async (earlier) => {
      const [before] = (await firstApproval(earlier)).approvals;
      await answer(earlier, 'reject');
      await earlier.handle.result();
      await its.bench.withJob(stubActivities().activities, its.request, async (job) => {
        const [asked] = (await firstApproval(job)).approvals;
        assert.equal(asked!.hsm!.digest, before!.hsm!.digest);
        await approveTyped(job, before!.id);
        const { decisions, approvals } = await job.reaches('the refusal', (now) => now.decisions.length === 1);
        assert.match(decisions[0]!.reason ?? '', new RegExp(`There is no approval ${before!.id}; ${asked!.id} is the open one`));
        assert.equal(approvals[0]!.closedAt, undefined);
        await answer(job, 'reject');
        await job.handle.result();
      });
    });
  });

  it('judges what a person mends without a new decisionId, and counts what is sent twice once', async () => {
    const { activities } = stubActivities({
      license: async () => {
        throw refusal();
      },
    });
    its.request.hsm.fips = false;
    await its.bench.withJob(activities, its.request, async (job) => {
      const [opened] = (await incident(job)).incidents;
      const typed = { decisionId: 'anna-1', actor: 'anna', action: 'abort' };
      for (const incidentId of ['incident-9', 'incident-9', opened!.id]) await job.handle.signal('resolve', { ...typed, incidentId });
      assert.equal((await job.handle.result()).outcome, 'aborted');
      assert.deepEqual(
        (await job.progress()).decisions.map(({ about, verdict }) => [about, verdict]),
        [
          ['incident-9', 'refused'],
          [opened!.id, 'accepted'],
        ],
      );
    });
  });

  it('tells each reason why a decision is refused, one of before included, and the same one in a row once', async () => {
    const { activities } = stubActivities({
      license: async () => {
        throw refusal();
      },
    });
    its.request.hsm.fips = false;
    await its.bench.withJob(activities, its.request, async (job) => {
      const [opened] = (await incident(job)).incidents;
      const typed = { decisionId: 'anna-1', actor: 'anna', action: 'retry', incidentId: opened!.id };
      const [one, another] = [{ '/no/such': 1 }, { '/cipherTrust/address': 'nowhere' }];
      for (const amendment of [one, another, another, one]) await job.handle.signal('resolve', { ...typed, amendment });
      await resolve(job, 'abort');
      assert.equal((await job.handle.result()).outcome, 'aborted');
      const reasons = (await job.progress()).decisions.filter(({ decisionId }) => decisionId === 'anna-1').map(({ reason }) => reason);
      assert.equal(reasons.length, 3);
      assert.equal(reasons[2], reasons[0]);
      assert.notEqual(reasons[1], reasons[0]);
      const history = await job.handle.fetchHistory();
      await Worker.runReplayHistory({ workflowBundle: its.bench.bundle }, JSON.parse(historyToJSON(history)), job.handle.workflowId);
    });
  });

  it('judges a decision again that was refused, once its time has come, and answers the second POST with what counts', async () => {
    const checking = gate();
    const { activities } = stubActivities({
      'check-feature': async () => {
        await checking.opened;
        return { state: 'Registered' as const };
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      const { workflowId: id } = job.handle;
      const { runId, taskQueue } = await job.handle.describe();
      const jobs = new JobService(its.bench.client, taskQueue, { missing: async () => undefined });
      const early = { approvalId: `approve-zeroize-1-${runId.slice(-6)}`, decisionId: 'one', actor: 'anna' };
      assert.equal((await jobs.decide(id, 'approve', early))?.verdict, 'refused');
      assert.equal((await jobs.decide(id, 'approve', early))?.verdict, 'refused', 'it is still too early');
      checking.open();
      await firstApproval(job);
      assert.equal((await jobs.decide(id, 'approve', early))?.verdict, 'accepted');
      assert.equal((await jobs.decide(id, 'approve', early))?.verdict, 'accepted');
      assert.equal((await job.handle.result()).outcome, 'completed');
      assert.deepEqual(
        (await job.progress()).decisions.map(({ verdict }) => verdict),
        ['refused', 'accepted'],
      );
    });
  });

  it('has the people who sign in by name decide, and a second one where that is asked for', async () => {
    const people = [
      { name: 'olga', roles: ['operator', 'approver'], token: 'olgas-token' },
      { name: 'anna', roles: ['approver'], token: 'annas-token' },
    ] as const;
    its.request.approval = { secondPerson: true };
    await its.bench.withJob(stubActivities().activities, its.request, async (job) => {
      const { approvals } = await firstApproval(job);
      const { taskQueue, workflowId } = await job.handle.describe();
      const app = await buildApp({
        client: its.bench.client,
        taskQueue,
        tokens: { approver: 'the-approvers-token', people },
        reports: folderReports('/nowhere'),
      });
      const approve = (token: string) =>
        app.inject({
          method: 'POST',
          url: `/v1/jobs/${workflowId}/approvals/${approvals[0]!.id}`,
          headers: { authorization: `Bearer ${token}` },
          payload: { decision: 'approve' },
        });
      const nameless = await approve('the-approvers-token');
      assert.deepEqual([nameless.statusCode, /[Uu]se the token of a person/.test(nameless.json().detail)], [403, true]);
      const requester = await approve('olgas-token');
      assert.deepEqual([requester.statusCode, /olga asked for this job/.test(requester.json().detail)], [409, true]);
      assert.equal((await approve('annas-token')).statusCode, 200);
      await app.close();
      assert.equal((await job.handle.result()).outcome, 'completed');
      assert.equal((await job.progress()).approvals[0]!.decision?.actor, 'anna');
    });
  });

  it('keeps the newest decisions of a flood, and those that counted, each bounded', async () => {
    const { activities } = stubActivities({
      license: async () => {
        throw refusal();
      },
    });
    const long = 'x'.repeat(10_000);
    await its.bench.withJob(activities, its.request, async (job) => {
      await incident(job);
      await resolve(job, 'retry');
      await incident(job, 'incident-2');
      for (let sent = 0; sent < 110; sent++) await job.handle.signal('resolve', { incidentId: long, decisionId: `d-${sent}`, actor: long, action: long });
      await job.handle.signal('approve', { approvalId: 'none', decisionId: 'last', actor: 'anna', comment: { long } });
      const progress = await job.reaches('the last one', ({ decisions }) => decisions.some(({ decisionId }) => decisionId === 'last'));
      assert.equal(progress.decisions.length, 100);
      assert.deepEqual([progress.decisions[0]!.verdict, progress.decisions[0]!.kind], ['accepted', 'retry']);
      assert.ok(progress.decisions.some(({ decisionId, kind }) => decisionId === 'd-109' && kind === 'invalid'));
      assert.ok(!progress.decisions.some(({ decisionId }) => decisionId === 'd-0'));
      for (const kept of progress.decisions) assert.ok(JSON.stringify(kept).length < 1500, JSON.stringify(kept));
      await resolve(job, 'abort', 'incident-2');
      assert.equal((await job.handle.result()).outcome, 'aborted');
    });
  });
});

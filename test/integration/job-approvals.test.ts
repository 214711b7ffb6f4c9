import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import type { ApprovalGranted } from '../../domain/results.ts';
import { answer, approve, askedFor, decision, firstApproval, gate, incident, reject, resolve, workflowTests } from '../support/decide-job.ts';
import { shortId, wholeId } from '../support/short-ids.ts';
import { stubActivities, zeroizedHsm } from '../support/stub-activities.ts';
import { until } from '../support/until.ts';

const lost = { kind: 'Refused', code: 'STORE_REFUSED', tried: 'entering it', remedy: 'Fix it.' } as const;

describe('An approval', () => {
  const its = workflowTests();

  it('is not asked for where FIPS mode is not wanted', async () => {
    its.request.hsm.fips = false;
    const { activities, calls } = stubActivities();
    await its.bench.withJob(activities, its.request, async (job) => {
      await job.handle.result();
      assert.equal((await job.progress()).steps['approve-zeroize'].state, 'not-needed');
      assert.ok(!calls.some(({ id }) => id === 'fips-mode'));
    });
  });

  it('with a wrong id, too early, a second time or after a rejection is refused, kept with the reason, and changes nothing', async () => {
    const checking = gate();
    const { activities, calls } = stubActivities({
      'check-feature': async () => {
        await checking.opened;
        return { state: 'Registered' };
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      await approve(job);
      await job.reaches('early one judged', ({ decisions }) => decisions.length === 1);
      checking.open();
      const approvalId = wholeId(await firstApproval(job), 'approve-zeroize-1');
      await approve(job, 'approve-zeroize-7');
      await job.handle.signal('reject', decision({ approvalId, comment: 'not this one' }));
      await job.handle.signal('approve', decision({ approvalId }));
      assert.equal((await job.handle.result()).outcome, 'rejected');
      const { decisions, job: ended } = await job.progress();
      assert.deepEqual(
        decisions.slice(0, 3).map(({ verdict }) => verdict),
        ['refused', 'refused', 'accepted'],
      );
      for (const refused of decisions.filter(({ verdict }) => verdict === 'refused')) assert.ok(refused.reason);
      assert.equal(ended.state, 'rejected');
      assert.ok(!calls.some(({ id }) => id === 'fips-mode'), 'the HSM is untouched');
    });
  });

  it('is entered in the target record before anything is done under it; a person is told where that fails', async () => {
    const entered: object[] = [];
    const { activities, calls } = stubActivities();
    const entering = {
      ...activities,
      'enter-approval': async ({ approvalId, digest, actor }: ApprovalGranted) => {
        assert.ok(!calls.some(({ id }) => id === 'fips-mode'), 'nothing is done yet');
        entered.push({ approvalId, digest, actor });
        if (entered.length === 1) throw ApplicationFailure.nonRetryable('no', 'Refused', { ...lost, summary: 'no' });
        return {};
      },
    };
    await its.bench.withJob(entering, its.request, async (job) => {
      const approvalId = wholeId(await firstApproval(job), 'approve-zeroize-1');
      await approve(job);
      const { incidents } = await incident(job);
      assert.deepEqual([incidents[0]!.step, incidents[0]!.problem.code, incidents[0]!.actions], ['approve-zeroize', lost.code, ['retry', 'abort']]);
      await resolve(job, 'retry');
      assert.equal((await job.handle.result()).outcome, 'completed');
      const granted = { approvalId, digest: zeroizedHsm.digest, actor: 'anna' };
      assert.deepEqual(entered, [granted, granted]);
      assert.equal((await job.progress()).steps['approve-zeroize'].state, 'done');
      const history = await job.handle.fetchHistory();
      await Worker.runReplayHistory({ workflowBundle: its.bench.bundle }, JSON.parse(historyToJSON(history)), job.handle.workflowId);
    });
  });

  it('is asked for before the wipe of a CipherTrust Manager that is in use, again when that changed, and only what was approved is wiped', async () => {
    const holds = { name: 'cm', address: '20.0.0.5', version: '2.19', users: ['anna'], keys: 2, domains: [], hsms: [], untold: [], digest: 'a1b2c3digest-1' };
    const approvedDigests: (string | undefined)[] = [];
    const { activities, calls } = stubActivities({
      'set-root-of-trust': async ({ approvedDigest, cipherTrust }) => {
        approvedDigests.push(approvedDigest);
        const now = approvedDigests.length === 1 ? holds : { ...holds, keys: 3, digest: 'd4e5f6digest-2' };
        return approvedDigest === now.digest ? { cipherTrust } : { cipherTrust, needsApproval: now };
      },
    });
    its.request.hsm.fips = false;
    its.request.approval = { secondPerson: true };
    const wipe = askedFor('approve-wipe-1');
    await its.bench.withJob(activities, its.request, async (job) => {
      const asked = await wipe(job);
      assert.equal(asked.job.state, 'awaiting-approval');
      assert.equal(asked.steps['set-root-of-trust'].state, 'running');
      assert.equal(asked.steps['set-root-of-trust'].finishedAt, undefined);
      assert.match(asked.approvals[0]!.loses, /users besides admin: anna; keys: 2/);
      await answer(job, 'approve', 'approve-wipe-1', { actor: 'olga' });
      const { decisions } = await job.reaches('the refusal', (now) => now.decisions.length === 1);
      assert.match(decisions[0]!.reason ?? '', /another person/);
      await approve(job, 'approve-wipe-1');
      const again = await askedFor('approve-wipe-2')(job);
      assert.deepEqual(
        again.approvals.map((view) => [shortId(view), view.outcome, view.manager?.keys]),
        [
          ['approve-wipe-1', 'stale', 2],
          ['approve-wipe-2', undefined, 3],
        ],
      );
      await approve(job, 'approve-wipe-2');
      assert.equal((await job.handle.result()).outcome, 'completed');
      assert.deepEqual(approvedDigests, [undefined, 'a1b2c3digest-1', 'd4e5f6digest-2']);
      assert.ok(calls.some(({ id }) => id === 'reset-password'));
      const history = await job.handle.fetchHistory();
      await Worker.runReplayHistory({ workflowBundle: its.bench.bundle }, JSON.parse(historyToJSON(history)), job.handle.workflowId);
    });
  });

  it('that is rejected: nothing is wiped, the job ends, everything stays in place', async () => {
    const holds = { name: 'cm', address: '20.0.0.5', version: '2.19', users: [], domains: [], hsms: ['172.22.1.9 7'], untold: [], digest: 'a1b2c3digest-1' };
    const { activities, calls } = stubActivities({ 'set-root-of-trust': async ({ cipherTrust }) => ({ cipherTrust, needsApproval: holds }) });
    its.request.hsm.fips = false;
    await its.bench.withJob(activities, its.request, async (job) => {
      await askedFor('approve-wipe-1')(job);
      await reject(job, 'approve-wipe-1');
      assert.equal((await job.handle.result()).outcome, 'rejected');
      assert.equal(calls.filter(({ id }) => id === 'set-root-of-trust').length, 1);
    });
  });

  it('is asked for again when the HSM is not what was approved', async () => {
    let looks = 0;
    const { activities, calls } = stubActivities({
      'fips-mode': async () =>
        looks++ === 0 ? { outcome: 'changed-since-approval', hsm: { ...zeroizedHsm, digest: 'd4e5f6digest-2' } } : { outcome: 'on', hsm: zeroizedHsm },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      await firstApproval(job);
      await approve(job);
      const { approvals } = await askedFor('approve-zeroize-2')(job);
      assert.deepEqual(
        approvals.map(({ outcome, hsm }) => [outcome, hsm?.digest]),
        [
          ['stale', 'a1b2c3digest-1'],
          [undefined, 'd4e5f6digest-2'],
        ],
      );
      await approve(job, 'approve-zeroize-2');
      await job.handle.result();
      assert.deepEqual(
        calls.filter(({ id }) => id === 'fips-mode').map(({ input }) => (input as { approvedDigest: string }).approvedDigest),
        ['a1b2c3digest-1', 'd4e5f6digest-2'],
      );
    });
  });

  it('that is open beside an incident is found, and so is the incident, whatever state is shown', async () => {
    const { activities } = stubActivities({
      license: async () => {
        throw ApplicationFailure.create({ message: 'no', type: 'Refused', nonRetryable: true });
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      const { job: shown } = await job.reaches('both', ({ incidents, approvals }) => incidents.length > 0 && approvals.length > 0);
      assert.deepEqual([shown.state, shown.awaitingApproval, shown.hasIncident], ['incident', true, true]);
      const attributes = async () => {
        const { typedSearchAttributes } = await job.handle.describe();
        return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
      };
      const open = await attributes();
      assert.deepEqual([open['JobState'], open['AwaitingApproval'], open['HasIncident']], ['incident', true, true]);
      assert.deepEqual([open['Procedure'], open['RequestedBy'], open['JobOutcome']], ['provision', 'olga', undefined]);
      const query = `WorkflowId = '${job.handle.workflowId}' AND AwaitingApproval = true AND HasIncident = true`;
      await until('it is listed', async () =>
        (await its.bench.client.workflowService.countWorkflowExecutions({ namespace: 'default', query })).count.toNumber() > 0 ? true : undefined,
      );
      await resolve(job, 'abort');
      await job.handle.result();
      const { JobOutcome, AwaitingApproval, HasIncident } = await attributes();
      assert.deepEqual({ JobOutcome, AwaitingApproval, HasIncident }, { JobOutcome: 'aborted', AwaitingApproval: false, HasIncident: false });
    });
  });

  it('that is missed is an incident; retry asks again', async () => {
    its.request.approval = { deadlineHours: 0.001 };
    const { activities } = stubActivities();
    await its.bench.withJob(activities, its.request, async (job) => {
      const { approvals } = await incident(job);
      assert.deepEqual([approvals[0]!.outcome, typeof approvals[0]!.remindedAt], ['expired', 'string']);
      await resolve(job, 'retry');
      await askedFor('approve-zeroize-2')(job);
      await approve(job, 'approve-zeroize-2');
      assert.equal((await job.handle.result()).outcome, 'completed');
    });
  });

  it('takes another person than the requester where that is asked for', async () => {
    its.request.approval = { secondPerson: true };
    const { activities } = stubActivities();
    await its.bench.withJob(activities, its.request, async (job) => {
      await firstApproval(job);
      await answer(job, 'approve', 'approve-zeroize-1', { actor: 'olga' });
      await job.reaches('refused', ({ decisions }) => decisions[0]?.verdict === 'refused');
      await approve(job);
      assert.equal((await job.handle.result()).outcome, 'completed');
    });
  });
});

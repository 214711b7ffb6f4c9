import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { currentRequest } from '../../api/amendments.ts';
import { JobService } from '../../api/jobs.ts';
import type { HttpProblem } from '../../api/problem.ts';
import type { StepInput } from '../../domain/results.ts';
import { approve, askedFor, decision, firstApproval, gate, incident, workflowTests } from '../support/decide-job.ts';
import { shortId, wholeId } from '../support/short-ids.ts';
import { stubActivities, zeroizedHsm } from '../support/stub-activities.ts';
import type { Running } from '../support/workflow-bench.ts';

const refused = (summary: string) =>
  ApplicationFailure.create({
    message: summary,
    type: 'Refused',
    nonRetryable: true,
    details: [{ kind: 'Refused', code: 'AZURE_LOCKED', tried: 'it', summary, remedy: 'Fix it.' }],
  });
const retryWith = async (job: Running, amendment: unknown, short = 'incident-1', more: object = {}) =>
  job.handle.signal('resolve', decision({ incidentId: wholeId(await job.progress(), short), action: 'retry', amendment, ...more }));
const judged = (job: Running, number: number) => job.reaches(`${number} decisions`, ({ decisions }) => decisions.length >= number);

const right = 'https://mirror.example.com/LunaClient.zip';

describe('An amendment', () => {
  const its = workflowTests();

  it('mends what a step failed for: the retry and every later step go by it, and report and job tell who changed what', async () => {
    const { activities, calls } = stubActivities({
      'install-luna-client': async ({ request }: StepInput<'install-luna-client'>) => {
        if (request.lunaClient.installer.url !== right) throw refused('404 Not Found');
        return { windows: { address: '172.22.0.4', pin: 'SHA256:pin' }, clientVersion: '7.4.0' };
      },
    });
    its.request.hsm.fips = false;
    await its.bench.withJob(activities, its.request, async (job) => {
      await incident(job);
      await retryWith(job, { '/lunaClient/installer/url': right }, 'incident-1', { comment: 'the mirror' });
      assert.equal((await job.handle.result()).outcome, 'completed');
      const { decisions, incidents, steps } = await job.progress();
      assert.deepEqual(
        decisions.map(({ verdict, actor, changes }) => [verdict, actor, changes?.map(({ path, after }) => [path, after])]),
        [['accepted', 'anna', [['/lunaClient/installer/url', JSON.stringify(right)]]]],
      );
      assert.deepEqual(incidents[0]?.decision, { actor: 'anna', comment: 'the mirror', action: 'retry', amended: ['/lunaClient/installer/url'] });
      assert.equal(steps['install-luna-client'].attempts, 2);
      const later = calls.findLast(({ id }) => id === 'verify-root-of-trust')!.input as StepInput<'verify-root-of-trust'>;
      assert.equal(later.request.lunaClient.installer.url, right);
      const { report } = calls.find(({ id }) => id === 'report')!.input as StepInput<'report'>;
      assert.equal(report.progress.decisions[0]?.changes?.length, 1);
      assert.equal(report.request.lunaClient.installer.url, right);
    });
  });

  it('of a template is deployed with the retry', async () => {
    const template = { url: 'https://templates.example.com/hsm.json', sha256: 'a'.repeat(64) };
    const { activities, calls } = stubActivities({
      'deploy-hsm': async (input: StepInput<'deploy-hsm'>) => {
        if (!input.template) throw refused('not allowed');
        return { deploymentId: '/d', templateHash: '1', gatewayWasThere: false };
      },
    });
    its.request.hsm.fips = false;
    await its.bench.withJob(activities, its.request, async (job) => {
      await incident(job);
      await retryWith(job, { '/hsm/template': template, '/hsm/address': null, '/hsm/stamp': null });
      await job.handle.result();
      assert.deepEqual((calls.findLast(({ id }) => id === 'deploy-hsm')!.input as StepInput<'deploy-hsm'>).template, template);
    });
  });

  it('that cannot be taken is refused with the reason, and the incident stays open', async () => {
    const { activities, calls } = stubActivities({
      'install-luna-client': async () => {
        throw refused('404 Not Found');
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      await incident(job);
      await job.reaches('the other branch at rest', ({ steps }) => steps.license.state === 'done');
      const wrong: [amendment: unknown, reason: RegExp][] = [
        [{ '/network/addressSpace': '10.0.0.0/8' }, /was used by virtual-network\. Abort and send the request again/],
        [{ '/cipherTrust/license': 'none' }, /was used by license/],
        [{ '/azure/region': 'eastus' }, /cannot be changed while the job goes on/],
        [{ '/hsm/partition/sizeBytes': 1 }, /The size is in bytes/],
        [{ '/hsm/partition': 7 }, /^\/hsm\/partition: Must be an object, is 7\.$/],
        [{ '/hsm/label': null }, /^\/hsm\/label: Missing required field \/hsm\/label\.$/],
        [
          { '/lunaClient/installer/sha256': 'abc', '/removeTemporaryAccess': 'later' },
          /\/lunaClient\/installer\/sha256: Must be .* \/removeTemporaryAccess: Must be true or false, is "later"\./,
        ],
        ['installer', /An amendment is an object/],
      ];
      for (const [index, [amendment, reason]] of wrong.entries()) {
        await retryWith(job, amendment);
        const { decisions, incidents } = await judged(job, index + 1);
        assert.equal(decisions.at(-1)?.verdict, 'refused', JSON.stringify(amendment));
        assert.match(decisions.at(-1)?.reason ?? '', reason);
        assert.equal(incidents[0]?.closedAt, undefined);
      }
      const { request } = calls.findLast(({ id }) => id === 'install-luna-client')!.input as StepInput<'install-luna-client'>;
      assert.deepEqual(request, its.request, 'none of them was applied');
      await retryWith(job, { '/lunaClient/version': '7.4.0' }, 'incident-1', { action: 'abort' });
      assert.match((await judged(job, wrong.length + 1)).decisions.at(-1)?.reason ?? '', /only with retry/);
      await job.handle.signal('resolve', decision({ incidentId: wholeId(await job.progress(), 'incident-1'), action: 'abort' }));
      assert.equal((await job.handle.result()).outcome, 'aborted');
    });
  });

  it('of what an open approval shows makes that stale, and it is asked again with what is so now', async () => {
    let isLicensed = false;
    const { activities } = stubActivities({
      license: async () => {
        if (!isLicensed) throw refused('no license');
        return { kind: 'trial', state: 'activated' };
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      await Promise.all([incident(job), firstApproval(job)]);
      isLicensed = true;
      await retryWith(job, { '/hsm/partition/sizeBytes': 20_000 });
      const asked = await askedFor('approve-zeroize-2')(job);
      assert.deepEqual(
        asked.approvals.map((view) => [shortId(view), view.outcome]),
        [
          ['approve-zeroize-1', 'stale'],
          ['approve-zeroize-2', undefined],
        ],
      );
      assert.match(asked.approvals[1]!.question, /of 20000 bytes/);
      await approve(job, 'approve-zeroize-1');
      assert.match((await judged(job, 2)).decisions.at(-1)?.reason ?? '', /changed after it was asked/);
      await approve(job, 'approve-zeroize-2');
      assert.equal((await job.handle.result()).outcome, 'completed');
    });
  });

  it('of what was approved and not used yet is asked for again before the retry; of what it does not show, it is not', async () => {
    let attempts = 0;
    const { activities, calls } = stubActivities({
      'fips-mode': async ({ approvedDigest }: StepInput<'fips-mode'>) => {
        attempts++;
        if (attempts < 3) throw refused('not now');
        return { outcome: 'on' as const, hsm: { ...zeroizedHsm, fips: true, digest: approvedDigest } };
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      await firstApproval(job);
      await approve(job);
      await incident(job);
      await retryWith(job, { '/certificate': 'generated' });
      await incident(job, 'incident-2');
      assert.equal((await job.progress()).approvals.length, 1);
      await retryWith(job, { '/hsm/partition/name': 'other_part' }, 'incident-2');
      const asked = await askedFor('approve-zeroize-2')(job);
      assert.equal(asked.approvals[0]?.outcome, 'stale');
      assert.equal(calls.filter(({ id }) => id === 'fips-mode').length, 2, 'nothing is done under the old one');
      await approve(job, 'approve-zeroize-2');
      assert.equal((await job.handle.result()).outcome, 'completed');
      assert.equal(attempts, 3);
    });
  });

  it('through the API is checked like a request, against what earlier amendments left, and sent again counts once', async () => {
    const { activities } = stubActivities({
      'install-luna-client': async ({ request }: StepInput<'install-luna-client'>) => {
        const { installer, version } = request.lunaClient;
        if (installer.url !== right || version !== '7.4.0') throw refused('404 Not Found');
        return { windows: { address: '172.22.0.4', pin: 'SHA256:pin' }, clientVersion: '7.4.0' };
      },
    });
    its.request.hsm.fips = false;
    await its.bench.withJob(activities, its.request, async (job) => {
      const id = job.handle.workflowId;
      const jobs = new JobService(its.bench.client, (await job.handle.describe()).taskQueue, { missing: async () => undefined });
      await incident(job);
      const send = async (amendment: Record<string, unknown>, decisionId: string, short = 'incident-1') =>
        jobs.decide(id, 'resolve', { incidentId: wholeId(await job.progress(), short), decisionId, action: 'retry', actor: 'anna', amendment });
      const wrong = { '/lunaClient/installer/sha256': 7, '/lunaClient/instaler': {}, '/network/addressSpace': '10.0.0.0/16', '/hsm/partition/sizeBytes': 1 };
      await assert.rejects(send(wrong, 'wrong'), (problem: HttpProblem) => {
        assert.equal(problem.status, 422);
        const pointers = problem.errors?.map(({ pointer }) => pointer) ?? [];
        for (const pointer of Object.keys(wrong)) assert.ok(pointers.includes(pointer), pointer);
        return true;
      });
      assert.equal((await job.progress()).decisions.length, 0, 'it was never sent');
      assert.equal((await send({ '/lunaClient/version': '7.4.0' }, 'one'))?.verdict, 'accepted');
      await incident(job, 'incident-2');
      await assert.rejects(send({ '/lunaClient/version': '7.4.0' }, 'again', 'incident-2'), /1 mistake; nothing was changed/);
      assert.equal((await send({ '/lunaClient/installer/url': right }, 'two', 'incident-2'))?.verdict, 'accepted');
      assert.equal((await send({ '/lunaClient/installer/url': right }, 'two', 'incident-2'))?.verdict, 'accepted');
      assert.equal((await job.handle.result()).outcome, 'completed');
      assert.equal((await job.progress()).decisions.length, 2);
    });
  });

  it('that was refused counts when it is corrected and sent again with the same decisionId, and the request is known by what counted', async () => {
    const { activities } = stubActivities({
      'install-luna-client': async ({ request }: StepInput<'install-luna-client'>) => {
        if (request.lunaClient.installer.url !== right) throw refused('404 Not Found');
        return { windows: { address: '172.22.0.4', pin: 'SHA256:pin' }, clientVersion: '7.4.0' };
      },
    });
    its.request.hsm.fips = false;
    await its.bench.withJob(activities, its.request, async (job) => {
      await incident(job);
      // The network is there already, so its address space cannot change any more.
      const used = { '/lunaClient/installer/url': right, '/network/addressSpace': '10.0.0.0/15' };
      for (const amendment of [used, used, { '/lunaClient/installer/url': right }, used]) await retryWith(job, amendment, 'incident-1', { decisionId: 'one' });
      assert.equal((await job.handle.result()).outcome, 'completed');
      const { decisions } = await job.progress();
      assert.deepEqual(
        decisions.map(({ decisionId, verdict, changes }) => [decisionId, verdict, changes?.map(({ path }) => path)]),
        [
          ['one', 'refused', undefined],
          ['one', 'accepted', ['/lunaClient/installer/url']],
        ],
      );
      const { workflowId: id } = job.handle;
      const { runId } = await job.handle.describe();
      const { network, lunaClient } = await currentRequest(its.bench.client, { id, runId, decisions });
      assert.deepEqual([network.addressSpace, lunaClient.installer.url], [its.request.network.addressSpace, right]);
      const history = await job.handle.fetchHistory();
      await Worker.runReplayHistory({ workflowBundle: its.bench.bundle }, JSON.parse(historyToJSON(history)), id);
    });
  });

  it('leaves an approval alone that is being used', async () => {
    const [licensing, erasing] = [gate(), gate()];
    const { activities } = stubActivities({
      license: async () => {
        await licensing.opened;
        throw refused('no license');
      },
      'fips-mode': async () => {
        await erasing.opened;
        return { outcome: 'on' as const, hsm: zeroizedHsm };
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      await firstApproval(job);
      await approve(job);
      await job.reaches('fips-mode', ({ steps }) => steps['fips-mode'].state === 'running');
      licensing.open();
      await incident(job);
      await retryWith(job, { '/hsm/partition/sizeBytes': 20_000 });
      const { approvals, decisions } = await judged(job, 2);
      assert.deepEqual([approvals[0]?.outcome, decisions[1]?.verdict], ['approved', 'accepted']);
      erasing.open();
      await job.handle.cancel();
      await job.handle.result().catch(() => {});
    });
  });
});

import assert from 'node:assert/strict';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import type { Problem } from '../../domain/failure.ts';
import { type ReportDraft, reportOf } from '../../domain/report.ts';
import { managerOf } from '../../domain/report-manager.ts';
import type { ManagerEndpoint } from '../../domain/results.ts';
import { stepIds } from '../../domain/steps.ts';
import { approve, firstApproval, gate, incident, reject, resolve, workflowTests } from '../support/decide-job.ts';
import { stubActivities, zeroizedHsm } from '../support/stub-activities.ts';

const problem: Problem = { kind: 'Refused', code: 'AZURE_LOCKED', tried: 'something', summary: 'no', remedy: 'Mend it.' };
const refusal = () => ApplicationFailure.create({ message: 'no', type: 'Refused', nonRetryable: true, details: [problem] });

describe('A job', () => {
  const its = workflowTests();

  it('carries out the whole runbook after its one approval, in few events, and its history replays', async () => {
    const { activities, calls } = stubActivities();
    its.request.cipherTrust.hostName = 'keys.example.com';
    await its.bench.withJob(activities, its.request, async (job) => {
      const asked = await firstApproval(job);
      assert.equal(asked.job.state, 'awaiting-approval');
      assert.ok(!calls.some(({ id }) => id === 'fips-mode'), 'nothing destructive before the approval');
      await approve(job);
      assert.deepEqual(await job.handle.result(), { outcome: 'completed', report: { json: 'r.json', markdown: 'r.md' } });
      const { steps, job: ended, decisions } = await job.progress();
      for (const id of stepIds) assert.equal(steps[id].state, 'done', id);
      assert.equal(ended.state, 'completed');
      assert.deepEqual(
        decisions.map(({ verdict, kind }) => [kind, verdict]),
        [['approve', 'accepted']],
      );
      const history = await job.handle.fetchHistory();
      assert.ok(history.events!.length <= 300, `${history.events!.length} events`);
      const memoBytes = JSON.stringify((await job.handle.describe()).memo).length;
      assert.ok(memoBytes <= 256 * 1024, `${memoBytes} bytes`);
      await Worker.runReplayHistory({ workflowBundle: its.bench.bundle }, JSON.parse(historyToJSON(history)), job.handle.workflowId);
    });
  });

  it('sets CipherTrust Manager up through the Windows host where that is asked for: only once that host is ready', async () => {
    its.request.cipherTrust.via = 'client';
    its.request.hsm.fips = false;
    const installing = gate();
    const through = { address: '20.0.0.4', pin: 'SHA256:host' };
    const { activities, calls } = stubActivities({
      'install-luna-client': async () => {
        await installing.opened;
        return { windows: through, clientVersion: '7.4.0' };
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      await job.reaches('its VM', ({ steps }) => steps['ciphertrust-vm'].state === 'done' && steps['deploy-hsm'].state === 'done');
      assert.ok(!calls.some(({ id }) => id === 'first-boot'));
      installing.open();
      await job.handle.result();
      const boot = calls.find(({ id }) => id === 'first-boot')!.input as { reachable: string; through: object };
      assert.deepEqual([boot.reachable, boot.through], ['172.22.0.4', through]);
      const history = await job.handle.fetchHistory();
      await Worker.runReplayHistory({ workflowBundle: its.bench.bundle }, JSON.parse(historyToJSON(history)), job.handle.workflowId);
    });
  });

  it('does not wait for a Windows host for ever: a cancel ends the waiting', async () => {
    its.request.cipherTrust.via = 'client';
    const installing = gate();
    const { activities, calls } = stubActivities({
      'install-luna-client': async () => {
        await installing.opened;
        throw refusal();
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      await job.reaches('its VM', ({ steps }) => steps['ciphertrust-vm'].state === 'done');
      installing.open();
      await incident(job);
      await job.handle.cancel();
      await assert.rejects(job.handle.result(), WorkflowFailedError);
      assert.ok(!calls.some(({ id }) => id === 'first-boot'));
    });
  });

  it('sets the password of a CipherTrust Manager that a failed hsm/setup wiped, then sets its root of trust again; both wipes are reported', async () => {
    let sent = 0;
    const { activities, calls } = stubActivities({
      'set-root-of-trust': async ({ cipherTrust: { address } }) => ({
        cipherTrust: { address, pin: `${++sent}` },
        openSince: 'T',
        ...(sent === 1 ? { failed: true } : {}),
      }),
      'reset-password': async ({ cipherTrust, exposures }) => ({
        cipherTrust,
        warnings: [],
        exposure: { from: `wipe ${cipherTrust.pin}`, until: 'T' },
        ...(exposures ? { exposures } : {}),
      }),
    });
    its.request.hsm.fips = false;
    await its.bench.withJob(activities, its.request, async (job) => {
      assert.equal((await job.handle.result()).outcome, 'completed');
      const [first, ...after] = calls.filter(({ id }) => ['set-root-of-trust', 'reset-password', 'verify-root-of-trust'].includes(id));
      assert.equal(first?.id, 'set-root-of-trust');
      assert.deepEqual(
        after.map(({ id, input }) => [id, (input as unknown as { cipherTrust: ManagerEndpoint }).cipherTrust.pin]),
        [
          ['reset-password', '1'],
          ['set-root-of-trust', '1'],
          ['reset-password', '2'],
          ['verify-root-of-trust', '2'],
        ],
      );
      const { report } = calls.find(({ id }) => id === 'report')!.input as unknown as { report: ReportDraft };
      assert.deepEqual(
        managerOf(report).exposure.map(({ from }) => from),
        ['wipe 1', 'wipe 2'],
      );
    });
  });

  it('turns a refusal into an incident; skip only where it is allowed; retry goes on', async () => {
    let tries = 0;
    const { activities, calls } = stubActivities({
      'resource-group': async () => {
        if (tries++ === 0) throw refusal();
        return { id: '/rg' };
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      const { incidents } = await incident(job);
      assert.deepEqual(incidents[0]!.problem, problem);
      assert.deepEqual(incidents[0]!.actions, ['retry', 'abort']);
      await resolve(job, 'skip');
      await resolve(job, 'retry');
      const { steps, decisions } = await firstApproval(job);
      assert.deepEqual([steps['resource-group'].state, steps['resource-group'].attempts], ['done', 2]);
      const orders = calls.filter(({ id }) => id === 'resource-group').map(({ input }) => (input as { order?: number }).order);
      assert.deepEqual(orders, [undefined, 2], 'the step is told that it is ordered again');
      assert.deepEqual(
        decisions.map(({ verdict }) => verdict),
        ['refused', 'accepted'],
      );
      await reject(job);
      await job.handle.result();
    });
  });

  it('turns something passing that does not pass into an incident when the step’s time is up, with what was seen last; retry goes on', async () => {
    const seen = `409 AnotherOperationInProgress: ${'x'.repeat(840)}`;
    const passing: Problem = {
      kind: 'Transient',
      code: 'AZURE_BUSY',
      tried: 'adding a subnet',
      summary: 'Azure is busy',
      evidence: { source: 'Azure Resource Manager', text: seen },
      remedy: 'It is tried again by itself.',
    };
    let tries = 0;
    const { activities } = stubActivities({
      'virtual-network': async () => {
        // Longer than the step’s deadline: the server gives up at once.
        if (tries++ === 0) throw ApplicationFailure.create({ message: 'busy', type: 'Transient', nextRetryDelay: '2 hours', details: [passing] });
        return { computeSubnetId: '/c', hsmSubnetId: '/h', gatewaySubnetId: '/g' };
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      const { problem: told } = (await incident(job)).incidents[0]!;
      assert.deepEqual([told.kind, told.code], ['Refused', 'STEP_TIMED_OUT']);
      assert.equal(told.summary, 'timed out after 1 hour; last status: Azure is busy');
      assert.equal(told.evidence?.source, 'Azure Resource Manager');
      assert.match(told.evidence.text, /^409 AnotherOperationInProgress: x/);
      assert.match(told.remedy, /retry gives it the same time again/);
      assert.ok(JSON.stringify(told).length <= 1024);
      await resolve(job, 'retry');
      await firstApproval(job);
      await reject(job);
      await job.handle.result();
    });
  });

  it('lets an abort in one branch wait for the act of the other', async () => {
    const acting = gate();
    const acted = gate();
    const { activities } = stubActivities({
      'fips-mode': async () => {
        acting.open();
        await acted.opened;
        return { outcome: 'on', hsm: zeroizedHsm };
      },
      license: async () => {
        await acting.opened;
        throw refusal();
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      await firstApproval(job);
      await approve(job);
      await incident(job);
      await resolve(job, 'abort');
      await job.reaches('abort accepted', ({ decisions }) => decisions.length === 2);
      acted.open();
      assert.equal((await job.handle.result()).outcome, 'aborted');
      const { steps, job: ended } = await job.progress();
      assert.equal(steps['fips-mode'].state, 'done');
      assert.equal(steps['create-partition'].state, 'pending');
      assert.deepEqual(ended.inventory, ['resource group Luna_kylo_rg']);
    });
  });

  it('finishes the act that must not be cut when it is cancelled, tells what exists and ends cancelled', async () => {
    const acting = gate();
    const acted = gate();
    const { activities, calls } = stubActivities({
      'fips-mode': async () => {
        acting.open();
        await acted.opened;
        return { outcome: 'on', hsm: zeroizedHsm };
      },
    });
    await its.bench.withJob(activities, its.request, async (job) => {
      await firstApproval(job);
      await approve(job);
      await acting.opened;
      await job.handle.cancel();
      acted.open();
      await assert.rejects(job.handle.result(), WorkflowFailedError);
      assert.equal((await job.handle.describe()).status.name, 'CANCELLED');
      const { steps, job: ended } = await job.progress();
      assert.equal(steps['fips-mode'].state, 'done');
      assert.deepEqual([ended.state, ended.inventory], ['cancelled', ['resource group Luna_kylo_rg']]);
      assert.ok(
        calls.some(({ id }) => id === 'report'),
        'the report is stored',
      );
    });
  });

  for (const way of ['cancelled', 'aborted'] as const)
    it(`that is ${way} while Azure deploys the HSM says that this goes on, costs and how to stop it`, async () => {
      const { activities, calls } = stubActivities({
        'deploy-hsm': async () => {
          throw ApplicationFailure.create({ message: 'gateway: Updating', type: 'NotReady', nextRetryDelay: '100ms' });
        },
        'windows-vm': async () => {
          throw refusal();
        },
      });
      await its.bench.withJob(activities, its.request, async (job) => {
        await incident(job);
        await job.reaches('the deployment', ({ steps }) => steps['deploy-hsm'].state === 'running');
        if (way === 'cancelled') await job.handle.cancel();
        else await resolve(job, 'abort');
        await job.handle.result().catch((error) => assert.ok(error instanceof WorkflowFailedError));
        const { steps, job: ended } = await job.progress();
        assert.deepEqual([ended.state, steps['deploy-hsm'].state], [way, 'cancelled']);
        const { report } = calls.find(({ id }) => id === 'report')!.input as { report: ReportDraft };
        for (const told of [ended.warnings, reportOf(report, []).whatNext])
          assert.match(told.join('\n'), /The deployment HSMdeploy .* was not stopped.* billed.*az deployment group cancel -g Luna_kylo_rg -n HSMdeploy/);
      });
    });

  it('fails at once, naming every broken rule, when it was started with a request that breaks them', async () => {
    its.request.hsm.name = 'x';
    its.request.azure.adminSources = ['*'];
    const { activities, calls } = stubActivities();
    await its.bench.withJob(activities, its.request, async (job) => {
      const failure = await job.handle.result().catch((error: WorkflowFailedError) => error.cause?.message ?? '');
      assert.match(failure, /\/hsm\/name/);
      assert.match(failure, /\/azure\/adminSources/);
      assert.deepEqual(calls, []);
    });
  });

  it('and a plan’s look that were started with nothing fail at once', async () => {
    await its.bench.withJob(stubActivities().activities, its.request, async (job) => {
      const { taskQueue } = await job.handle.describe();
      for (const workflow of ['provision', 'planWhatIf'])
        await assert.rejects(its.bench.client.workflow.execute(workflow, { taskQueue, workflowId: `nothing-${workflow}` }), WorkflowFailedError);
      await job.handle.terminate();
    });
  });

  it('survives signals that make no sense', async () => {
    const { activities } = stubActivities();
    await its.bench.withJob(activities, its.request, async (job) => {
      await firstApproval(job);
      await job.handle.signal('approve');
      await job.handle.signal('resolve', 'nonsense');
      await job.reaches('both refused', ({ decisions }) => decisions.filter(({ verdict }) => verdict === 'refused').length === 2);
      await approve(job);
      assert.equal((await job.handle.result()).outcome, 'completed');
    });
  });
});

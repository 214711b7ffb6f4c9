import assert from 'node:assert/strict';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createActivities } from '../../activities/registry.ts';
import { targetId } from '../../api/target.ts';
import { fixedFields } from '../../domain/amendments.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { step, stepIds } from '../../domain/steps.ts';
import { selfSigned } from '../../simulator/certificates.ts';
import { subjects } from '../../stores/record/events.ts';
import { ActivityInterceptor } from '../../worker/activity-interceptor.ts';
import { readSettings } from '../../worker/settings.ts';
import { createSystems } from '../../worker/systems.ts';
import '../support/quiet.ts';
import { exampleRequest } from '../support/example.ts';
import { publishedProgress } from '../support/published-progress.ts';
import { recordingRequest } from '../support/recording-request.ts';
import { StackBench } from '../support/stack-bench.ts';
import { until } from '../support/until.ts';
import { testedWorkflowCode } from '../support/workflow-bundle.ts';
import { stepOf } from '../support/zombie-cases.ts';

/** Declared, and not read of the request in this job. */
const readOtherwise: Record<string, string> = {
  'deploy-hsm: /hsm/template': 'its phase hands the template to it',
  'inspect-hsm: /hsm/label': 'compared only where the HSM is initialized already',
  'prepare-ntls: /allowClockChange': 'read only where the HSM’s clock is off',
  'report: /hsm/label': 'compared only where the way to the HSM is open still',
  'report: /lunaClient/adminUser': 'needed only there, too',
};

/** What the log marks as disclosing, and why it says nothing about a step. */
const notOwn: Record<string, string> = {
  'windows:sftp put': 'a script of lunacm that only looks is one, too; what it runs has marks of its own',
  'windows:sftp get': 'this service gets a key: no machine gets anything',
  'lunacm:role login': 'the password of a role that the host was given before',
  'arm:PUT Microsoft.Resources/deployments': 'the template has no secure parameters',
};
/** Marked in the catalog, and not seen in this job. */
const notNow: Record<string, string> = {
  'connect-client erases': 'only where the host is registered and has no access',
  'register-client erases': 'only where an earlier certificate is registered',
  'initialize-hsm discloses': 'the log marks hsm init as destructive alone',
  'fips-mode discloses': 'only where the policy change zeroizes the HSM',
  'license discloses': 'this job activates a trial',
};

const activityIds = stepIds.filter((id) => id !== 'approve-zeroize');
const isWithin = (field: string, place: string): boolean => field === place || field.startsWith(`${place}/`);

const taskQueue = 'fields-used';

function recordingActivities(bench: StackBench, reads: Map<string, Set<string>>): object {
  const settings = readSettings(bench.stack.workerEnv);
  const activities = createActivities(createSystems(settings));
  return Object.fromEntries(
    Object.entries(activities).map(([id, activity]) => {
      const ofStep = new Set<string>();
      reads.set(id, ofStep);
      const carryOut = activity as (input: object) => Promise<unknown>;
      return [
        id,
        (input: { request: ProvisioningRequest }) => carryOut({ ...input, request: recordingRequest(input.request, (pointer) => ofStep.add(pointer)) }),
      ];
    }),
  );
}

async function recordLength(bench: StackBench, target: string): Promise<number> {
  const { records } = createSystems(readSettings(bench.stack.workerEnv));
  const reader = { jobId: target, runId: 'test', execution: 'test', attempt: 1, retry: 1 };
  const all = await Promise.all(subjects.map((subject) => records.of(target, subject, reader).read()));
  return all.flat().length;
}

describe('What the catalog says of a step', function () {
  this.timeout(300_000);
  let bench: StackBench;
  const reads = new Map<string, Set<string>>();
  /** `{step} erases` and `{step} discloses`, as the simulator's log has it. */
  const marksInLog = new Set<string>();
  let entries = 0;
  let outcomes: Record<string, string | undefined> = {};

  before(async () => {
    bench = await StackBench.start();
    const face = await selfSigned({ commonName: 'keys.example.com', names: { dns: ['keys.example.com'] } });
    await bench.keep('web-certificate', `${face.privateKeyPem}\n${face.certificatePem}`);
    const request = exampleRequest();
    Object.assign(request.cipherTrust, { hostName: 'keys.example.com', webCertificate: { secret: 'web-certificate' } });
    const connection = await NativeConnection.connect({ address: bench.stack.temporal });
    const client = new Client({ connection: await Connection.connect({ address: bench.stack.temporal }) });
    const worker = await Worker.create({
      connection,
      taskQueue,
      workflowBundle: await testedWorkflowCode(),
      activities: recordingActivities(bench, reads),
      interceptors: { activity: [(context) => ({ inbound: new ActivityInterceptor(context, readSettings(bench.stack.workerEnv).pollIntervalMs) })] },
    });
    await worker.runUntil(async () => {
      const handle = await client.workflow.start('provision', { taskQueue, workflowId: targetId(request), args: [{ request, requestedBy: 'olga' }] });
      const progress = async () => publishedProgress((await handle.describe()).memo);
      const approval = await until('the approval', async () => (await progress())?.approvals[0], { timeoutMs: 120_000, everyMs: 200 });
      await handle.signal('approve', { approvalId: approval.id, decisionId: 'd', actor: 'anna' });
      const finished = async () => {
        const now = await progress();
        assert.deepEqual(now?.incidents.map(({ problem }) => problem.summary) ?? [], []);
        return now?.job.finishedAt;
      };
      await until('the end', finished, { timeoutMs: 120_000, everyMs: 200 });
      const { job, steps } = (await progress())!;
      assert.equal(job.state, 'completed');
      entries = await recordLength(bench, targetId(request));
      for (const entry of await bench.requestLog()) {
        const step = entry.outcome === 'refused' || entry.operation in notOwn ? undefined : stepOf(entry, { steps });
        if (step && entry.destructive) marksInLog.add(`${step} erases`);
        if (step && entry.disclosing) marksInLog.add(`${step} discloses`);
      }
      outcomes = Object.fromEntries(stepIds.map((id) => [id, steps[id].outcome]));
    });
    await connection.close();
    await client.connection.close();
  });
  after(() => bench?.stop());

  it('comes beside whether it changed something', () => {
    assert.deepEqual(
      ['windows-vm', 'initialize-hsm', 'report', 'check-availability', 'approve-zeroize'].map((id) => outcomes[id]),
      ['changed', 'changed', 'changed', 'unchanged', undefined],
    );
  });

  it('has every field of the request that it reads', () => {
    const undeclared = activityIds.flatMap((id) => {
      const declared = [...fixedFields, ...step(id).uses, ...(step(id).checks ?? [])];
      return [...reads.get(id)!].filter((field) => !declared.some((one) => isWithin(field, one))).map((field) => `${id}: ${field}`);
    });
    assert.deepEqual(undeclared, []);
  });

  it('has no other field, but for those with a reason', () => {
    const unread = activityIds.flatMap((id) =>
      [...step(id).uses, ...(step(id).checks ?? [])]
        .filter((field) => ![...reads.get(id)!].some((one) => isWithin(one, field)))
        .map((field) => `${id}: ${field}`),
    );
    assert.deepEqual(unread.sort(), Object.keys(readOtherwise).sort());
  });

  it('has the marks of everything that it sent which erases or discloses, and no others but for those with a reason', () => {
    const marks = activityIds.flatMap((id) => (['erases', 'discloses'] as const).filter((mark) => step(id)[mark]).map((mark) => `${id} ${mark}`));
    assert.deepEqual(
      [...marksInLog].filter((one) => !marks.includes(one)),
      [],
      'sent, and not marked',
    );
    assert.deepEqual(marks.filter((one) => !marksInLog.has(one)).sort(), Object.keys(notNow).sort(), 'marked, and not sent');
  });

  // 60 without the web certificate of one’s own.
  it('leaves a short target record when all of them were carried out', () => assert.ok(entries <= 61, `${entries} entries`));
});

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { Outlook, Step } from '../../activities/converge.ts';
import { createActivities } from '../../activities/registry.ts';
import { type ActivityId, stepIds } from '../../domain/steps.ts';
import { runWithFence } from '../../systems/fence.ts';
import { readSettings } from '../../worker/settings.ts';
import { createSystems } from '../../worker/systems.ts';
import { MemoryFence } from '../support/fence.ts';
import { type LedgerEntry, StackBench } from '../support/stack-bench.ts';
import { loadWorld } from '../support/stored-world.ts';

type Inputs = Partial<Record<ActivityId, object>>;
const activitySteps = stepIds.filter((id): id is ActivityId => id !== 'approve-zeroize');

/** What a look may send: reads, and sign-ins with passwords that are good. A script of lunacm is a file on the host, where nothing but looks is in it. */
const free = [
  /^arm:(GET|HEAD) /,
  /^arm:POST .*(whatIf|validate|calculateTemplateHash|listKeys|checkAccess)/i,
  /^authority:/,
  /^ciphertrust:(GET|HEAD) /,
  /^ciphertrust:POST \/v1\/auth\/tokens$/,
  /^luna-ssh:sign-in$/,
  /^lunash:(hsm show|partition (list|show)|client (list|show|fingerprint)|client hostip|network show|status date|ntls show|service|sysconf fingerprint)/,
  /^luna-scp:get$/,
  /^lunacm:(slot (list|set)|partition showinfo|role show)$/,
  /^windows:(ssh|sign-in|exec|forward|sftp (open|get|list|stat|put|remove)|.*forward)/,
  /^(vault|blob):GET/,
  /^(socks|images|web|installers?):/,
];
/** Every session leaves its transcript, a look's too. */
const isTranscript = ({ operation, target }: LedgerEntry): boolean => operation.startsWith('blob:') && target.startsWith('reports/transcripts/');
const isFree = (entry: LedgerEntry): boolean =>
  isTranscript(entry) || (free.some((one) => one.test(entry.operation)) && !(entry.outcome === 'refused' && entry.system === 'luna-ssh'));

describe('A look', function () {
  this.timeout(400_000);
  let bench: StackBench;
  let folder: string;
  before(async () => {
    bench = await StackBench.start();
    folder = await mkdtemp(join(tmpdir(), 'hsm-looks-'));
  });
  after(async () => {
    await bench?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** With what each step of a job was called, as Temporal has it. */
  async function inputsOf(id: string): Promise<Inputs> {
    const connection = await Connection.connect({ address: bench.stack.temporal });
    try {
      const { events } = await new Client({ connection }).workflow.getHandle(id).fetchHistory();
      const scheduled = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: one }) => one ?? []);
      return Object.fromEntries(scheduled.map(({ activityType, input }) => [activityType!.name!, defaultPayloadConverter.fromPayload(input!.payloads![0]!)]));
    } finally {
      await connection.close();
    }
  }

  /** Asks each step what it would do now; what arrived meanwhile must be free. */
  async function lookAll(inputs: Inputs): Promise<Map<ActivityId, Outlook>> {
    const steps = createActivities(createSystems(readSettings(bench.stack.workerEnv)));
    const seen = new Map<ActivityId, Outlook>();
    for (const id of activitySteps) {
      const input = inputs[id];
      if (input === undefined) continue;
      const before = (await bench.requestLog()).length;
      const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 60_000, activityType: id }, { logger: new DefaultLogger('ERROR') });
      const step: Step<never, unknown> = steps[id];
      seen.set(id, (await runWithFence(new MemoryFence(), () => environment.run(step.look, input as never))) as Outlook);
      const arrived = (await bench.requestLog()).slice(before);
      const wrong = arrived.filter((entry) => !isFree(entry)).map(({ operation, outcome }) => `${operation} ${outcome}`);
      assert.deepEqual(wrong, [], id);
    }
    return seen;
  }

  it('of any step at an HSM that waits for an approval changes nothing, and spends no attempt', async () => {
    const { request } = await loadWorld(bench, 'awaiting-approval', { rename: { 'kylo-luna-hsm': 'waiting-hsm' } });
    const id = await bench.provision(request);
    const [approval] = (await bench.approvalAsked(id)).approvals;
    const inputs = await inputsOf(id);
    const hosts = inputs['inspect-hsm'];
    const seen = await lookAll({ ...inputs, 'fips-mode': { ...hosts, approvedDigest: approval!.hsm!.digest, approvalId: 'not-given' } });
    const said = Object.fromEntries([...seen].map(([step, { kind }]) => [step, kind]));
    assert.deepEqual(
      [said['initialize-hsm'], said['inspect-hsm'], said['fips-mode'], said['admin-password']],
      ['prove', 'done', 'stop', 'done'],
      'nobody approved it',
    );
    await bench.approve(id, approval!.id, 'reject');
    await bench.ended(id);
  });

  it('of any step at a provisioned HSM changes nothing, spends no attempt, and says what is left to do', async () => {
    const { request } = await loadWorld(bench, 'provisioned');
    const id = await bench.provision(request);
    await bench.ended(id);
    const inputs = await inputsOf(id);
    const hosts = inputs['create-partition'];
    const fips = { ...hosts, approvedDigest: 'of another time', approvalId: 'approve-zeroize-1' };
    const seen = await lookAll({ 'fips-mode': fips, ...inputs });
    // This request asks for no web certificate.
    assert.deepEqual(
      activitySteps.filter((step) => !seen.has(step)),
      ['web-certificate'],
    );
    const said = Object.fromEntries([...seen].map(([step, { kind }]) => [step, kind]));
    for (const step of ['initialize-hsm', 'fips-mode', 'crypto-officer', 'verify-root-of-trust', 'appliance-password'] as const)
      assert.equal(said[step], 'prove', step);
    for (const step of ['inspect-hsm', 'create-partition', 'initialize-partition', 'connect-client', 'register-client'] as const)
      assert.equal(said[step], 'done', step);
  });
});

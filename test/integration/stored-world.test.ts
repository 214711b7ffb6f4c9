import assert from 'node:assert/strict';
import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { Outlook, Step } from '../../activities/converge.ts';
import { createActivities } from '../../activities/registry.ts';
import { type ActivityId, stepIds } from '../../domain/steps.ts';
import type { Entry } from '../../stores/record/events.ts';
import { createRecords } from '../../stores/record/record.ts';
import { runWithFence } from '../../systems/fence.ts';
import { readSettings } from '../../worker/settings.ts';
import { createSystems } from '../../worker/systems.ts';
import { MemoryFence } from '../support/fence.ts';
import { type LedgerEntry, StackBench } from '../support/stack-bench.ts';
import { type Loaded, loadWorld } from '../support/stored-world.ts';

type Inputs = Partial<Record<ActivityId, object>>;
const activitySteps = stepIds.filter((id): id is ActivityId => id !== 'approve-zeroize');

interface Shown {
  appliances: { address: string; serial: string; label: string; fips: boolean; partitions: { name: string; objects: string[] }[] }[];
  cipherTrusts: { address: string; sealer: string }[];
}

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

/** One stack for all of it: each starts with a world that a job had made before. */
describe('In a stored world', function () {
  this.timeout(400_000);
  let bench: StackBench;
  before(async () => {
    bench = await StackBench.start();
  });
  after(() => bench?.stop());

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

  describe('of a provisioned HSM, under other names', () => {
    const rename = { 'kylo-luna-hsm': 'hsm-17', '172.22.1.4': '172.22.1.17', '172.22.0.5': '172.22.0.17', '572413': '170017' };
    let loaded: Loaded;
    let shown: Shown;
    let entered: Entry<'ciphertrust'>[];
    let id: string;
    before(async () => {
      await loadWorld(bench, 'provisioned');
      loaded = await loadWorld(bench, 'provisioned', { rename });
      shown = (await bench.control<Shown>('GET', '/world')).body;
      entered = await recordOf(loaded.target);
      id = await bench.provision(loaded.request);
      assert.equal((await bench.ended(id)).job.state, 'completed');
    });

    const recordOf = (target: string) => {
      const records = createRecords(bench.recordEntries);
      return records.of(target, 'ciphertrust', { jobId: target, runId: 'test', execution: 'test', attempt: 1, retry: 1 }).read();
    };

    it('a job finds everything done and changes nothing', async () => {
      assert.match(loaded.target, /^hsm-17-/);
      const [appliance] = shown.appliances;
      assert.deepEqual(
        { address: appliance?.address, serial: appliance?.serial, objects: appliance?.partitions[0]?.objects.length, sealer: shown.cipherTrusts[0]?.sealer },
        { address: '172.22.1.17', serial: '170017', objects: 2, sealer: 'rapido' },
      );
      const setups = (entries: Entry<'ciphertrust'>[]) => entries.filter(({ event }) => event.startsWith('setup'));
      assert.ok(
        setups(entered).some(({ event }) => event === 'setup-sent'),
        'the record of the stored job is there under this name',
      );
      assert.equal(id, loaded.target);
      const erased = (await bench.requestLog()).filter(({ destructive }) => destructive).map(({ operation }) => operation);
      assert.deepEqual(erased, []);
      assert.equal(setups(await recordOf(loaded.target)).length, setups(entered).length);
    });

    it('a look of any step changes nothing, spends no attempt, and says what is left to do', async () => {
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

  it('of an HSM that waits for an approval, a look of any step changes nothing, and spends no attempt', async () => {
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

  it('of a provisioned HSM, a job is not called completed where the HSM was zeroized after its root of trust was verified', async () => {
    const { request } = await loadWorld(bench, 'provisioned');
    // A step between the verification and the end, to stop at.
    request.cipherTrust.hostName = 'keys.example.com';
    const naming = 'ciphertrust:PATCH /v1/system/info';
    await bench.fault('hold', naming);
    const id = await bench.provision(request);
    const hold = await bench.held(naming);
    assert.equal((await bench.job(id)).steps['verify-root-of-trust'].state, 'done');
    await bench.control('POST', '/tamper', { what: 'zeroize', address: request.hsm.address ?? '172.22.1.4' });
    await bench.release(hold);
    const { step, problem } = await bench.incident(id);
    assert.deepEqual([step, problem.kind, problem.code], ['confirm-root-of-trust', 'Unsafe', 'CIPHERTRUST_ROOT_OF_TRUST_WRONG']);
    assert.match(problem.summary, /^The HSM \d+ is zeroized\.$/);
    await bench.resolve(id, 'incident-1', 'retry');
    await bench.incident(id, 2);
    await bench.resolve(id, 'incident-2', 'abort');
    const { job, steps } = await bench.ended(id, { incidents: true });
    assert.deepEqual([job.state, steps['remove-temporary-access'].state], ['aborted', 'pending']);
  });

  it('of a provisioned HSM, a job is not called completed where the HSM was zeroized after that, while temporary access is kept', async () => {
    const { request } = await loadWorld(bench, 'provisioned');
    request.removeTemporaryAccess = false;
    const naming = 'ciphertrust:PATCH /v1/system/info';
    request.cipherTrust.hostName = 'keys.example.com';
    await bench.fault('hold', naming);
    const id = await bench.provision(request);
    const hold = await bench.held(naming);
    const reading = 'arm:GET Microsoft.Compute/virtualMachines';
    await bench.fault('hold', reading);
    await bench.release(hold);
    const look = await bench.held(reading);
    const { steps } = await bench.job(id);
    assert.deepEqual([steps['confirm-root-of-trust'].state, steps['remove-temporary-access'].state], ['done', 'running']);
    await bench.control('POST', '/tamper', { what: 'zeroize', address: request.hsm.address ?? '172.22.1.4' });
    await bench.release(look);
    const { step, problem } = await bench.incident(id);
    assert.deepEqual([step, problem.code], ['report', 'CIPHERTRUST_ROOT_OF_TRUST_WRONG']);
    assert.match(problem.summary, /^The HSM \d+ is zeroized\.$/);
    await bench.resolve(id, 'incident-1', 'abort');
    const { job } = await bench.ended(id, { incidents: true });
    assert.equal(job.state, 'aborted');
  });
});

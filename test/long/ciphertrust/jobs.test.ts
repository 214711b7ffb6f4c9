import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { newUser } from '../../../simulator/ciphertrust/state.ts';
import { type TrustJob, TrustJobs } from '../../support/ciphertrust/trust-jobs.ts';
import { until } from '../../support/until.ts';

const setUp = 'ciphertrust:POST /v1/system/hsm/setup';

/** Every question that a job puts to a CipherTrust Manager. */
const questions = [
  'GET /v1/system/services/status',
  'POST /v1/auth/tokens',
  'PATCH /v1/auth/changepw',
  'GET /v1/system/ntp/servers',
  'GET /v1/system/ntp/status',
  'POST /v1/system/ntp/servers',
  'GET /v1/licensing/trials',
  'GET /v1/licensing/licenses',
  'POST /v1/licensing/trials/{id}/activate',
  'GET /v1/system/hsm/servers',
  'GET /v1/system/info',
  'GET /v1/usermgmt/users',
  'GET /v1/domains',
  'GET /v1/vault/keys2',
  'POST /v1/system/network/checkport',
  'POST /v1/system/hsm/setup',
  'GET /v1/system/mkeks',
  'GET /v1/system/rot-keys',
].map((operation) => `ciphertrust:${operation}`);

describe('Jobs whose worker is a process', function () {
  this.timeout(240_000);
  let jobs: TrustJobs;
  before(async () => {
    jobs = await TrustJobs.start();
  });
  after(() => jobs?.stop());

  const decide = (job: TrustJob, signal: string, about: object) => job.handle.signal(signal, { decisionId: randomUUID(), actor: 'anna', ...about });
  const ended = async (job: TrustJob) => assert.equal((await job.handle.result()).outcome, 'completed');

  it('a worker that is killed while a manager holds its request is followed by one that looks first: for each kind of request', async () => {
    const { weather, ledger } = jobs.bench.luna.world;
    for (const operation of questions) weather.add({ kind: 'hold', operation });
    // The first job is held at its first question, the next one at its second, and so on.
    const all: TrustJob[] = [];
    for (const _ of questions) all.push(await jobs.job());
    const held = await until(
      'each question to be held once',
      async () => {
        const now = weather.held().map(({ operation }) => operation);
        return questions.every((operation) => now.includes(operation)) ? weather.held() : undefined;
      },
      { timeoutMs: 120_000, everyMs: 200 },
    ).catch((error: unknown) => {
      const missing = questions.filter((operation) => !weather.held().some((hold) => hold.operation === operation));
      throw new Error(`${(error as Error).message}: ${missing.join(', ')}; arrived: ${ledger.entries.length}`);
    });
    assert.equal(await jobs.killWorker(), 'SIGKILL');
    for (const { id } of held) weather.release(id);
    await jobs.startWorker();
    for (const job of all) await ended(job);
    for (const { address, manager } of all) {
      assert.equal(jobs.arrivedAt(address, setUp).length, 1, `hsm/setup at ${address}`);
      assert.deepEqual([manager.data.hsmServers.length, manager.data.sealer, manager.data.users[0]!.mustChange], [1, 'rapido', false]);
    }
  });

  it('a manager that is in use is wiped only after a person has approved exactly that', async () => {
    const job = await jobs.job((request) => {
      request.cipherTrust.licence = { secret: 'licence' };
    });
    // The licence is not in the store yet: time for somebody to use the manager.
    const stopped = await job.reaches('the incident', ({ incidents }) => incidents.length === 1);
    assert.equal(stopped.incidents[0]!.step, 'licence');
    const { data } = job.manager;
    data.users.push(newUser('bert', 'Bert-Password-1', false));
    data.keys.push({ id: 'k1', name: 'payroll' });
    data.trial.status = 'activated';
    data.licences.push({ id: 'l', license: 'by hand', bind_type: 'instance' });
    await decide(job, 'resolve', { incidentId: 'incident-1', action: 'retry' });
    const { approvals } = await job.reaches('the approval', (now) => now.approvals.length === 1);
    assert.deepEqual([approvals[0]!.id, approvals[0]!.manager?.users, approvals[0]!.manager?.keys], ['approve-wipe-1', ['bert'], 1]);
    assert.equal(jobs.arrivedAt(job.address, setUp).length, 0);
    data.keys.push({ id: 'k2', name: 'backup' });
    await decide(job, 'approve', { approvalId: 'approve-wipe-1' });
    const again = await job.reaches('another approval', (now) => now.approvals.length === 2);
    assert.deepEqual(
      again.approvals.map(({ id, outcome, manager }) => [id, outcome, manager?.keys]),
      [
        ['approve-wipe-1', 'stale', 1],
        ['approve-wipe-2', undefined, 2],
      ],
    );
    assert.equal(jobs.arrivedAt(job.address, setUp).length, 0);
    await decide(job, 'approve', { approvalId: 'approve-wipe-2' });
    // After the wipe the licence is gone, and still not in the store.
    const lost = await job.reaches('the second incident', ({ incidents }) => incidents.length === 2);
    assert.equal(lost.incidents[1]!.step, 'reset-password');
    job.manager.data.licences.push({ id: 'l', license: 'by hand', bind_type: 'instance' });
    await decide(job, 'resolve', { incidentId: 'incident-2', action: 'retry' });
    await ended(job);
    assert.deepEqual([jobs.arrivedAt(job.address, setUp).length, job.manager.data.keys.length], [1, 0]);
  });

  it('an hsm/setup without answer and effect is sent again only because a person says so', async () => {
    const job = await jobs.job();
    jobs.bench.luna.fault('reset', setUp);
    const { incidents } = await job.reaches('the incident', (now) => now.incidents.length === 1);
    assert.match(incidents[0]!.problem.seen, /no answer.*nothing changed/);
    assert.equal(jobs.arrivedAt(job.address, setUp).length, 1);
    await decide(job, 'resolve', { incidentId: 'incident-1', action: 'retry' });
    await ended(job);
    assert.equal(jobs.arrivedAt(job.address, setUp).length, 2);
    const log = jobs.log(job, (await job.handle.describe()).runId);
    assert.equal(log.match(/POST \/v1\/system\/hsm\/setup/g)?.length, 2);
  });
});

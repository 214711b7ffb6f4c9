import assert from 'node:assert/strict';
import { wordsOf } from '../../../domain/failure.ts';
import { selfSigned } from '../../../simulator/certificates.ts';
import { newUser } from '../../../simulator/ciphertrust/state.ts';
import { allRequests, everyJobSends, sentAfterWipe, someJobsSend } from '../../support/ciphertrust/requests.ts';
import { type TrustJob, TrustJobs } from '../../support/ciphertrust/trust-jobs.ts';
import { answer, resolve } from '../../support/decide-job.ts';
import { shortId } from '../../support/short-ids.ts';
import { until } from '../../support/until.ts';

const setUp = 'ciphertrust:POST /v1/system/hsm/setup';

const named = (requests: readonly string[]) => requests.map((request) => `ciphertrust:${request}`);
const generates = '#cloud-config\nkeysecure:\n  initial-user:\n    generate-password: true\n';

describe('Jobs whose worker is a process', function () {
  this.timeout(240_000);
  let jobs: TrustJobs;
  before(async () => {
    jobs = await TrustJobs.start();
  });
  after(() => jobs?.stop());

  /** Ends well; `incidents` are those that were decided before. */
  const ended = async (job: TrustJob, incidents = 0) => {
    const end = await job.reaches('the end', (now) => now.job.finishedAt !== undefined || now.incidents.length > incidents);
    assert.deepEqual(
      end.incidents.slice(incidents).map(({ step, problem }) => `${step}: ${wordsOf(problem)}`),
      [],
    );
    assert.equal((await job.handle.result()).outcome, 'completed');
  };

  /**
   * A worker that is killed after it entered `hsm/setup` and before it sent it leaves a request of which nobody knows whether it left: a person decides. Gives how
   * many incidents were decided.
   */
  const retriedWhereNothingWasSent = async (job: TrustJob): Promise<number> => {
    const { incidents } = await job.reaches('the end or an incident', (now) => now.job.finishedAt !== undefined || now.incidents.length > 0);
    const [incident] = incidents;
    if (incident?.step !== 'set-root-of-trust' || jobs.arrivedAt(job.address, setUp).length > 0) return 0;
    await resolve(job, 'retry');
    return 1;
  };

  /** Jobs that send what others do not. */
  const special: Record<keyof typeof someJobsSend, () => Promise<TrustJob>> = {
    license: () => jobs.job(({ cipherTrust }) => Object.assign(cipherTrust, { license: { secret: 'license-in-store' } })),
    'a generated first password': () =>
      jobs.job(({ cipherTrust }) => Object.assign(cipherTrust, { customData: { secret: 'cloud-init' } }), {
        customData: Buffer.from(generates).toString('base64'),
      }),
    'services that wait for ksadmin’s key': () => jobs.job(() => {}, { adminUser: 'azureuser' }),
    'a name and a certificate of its own': () =>
      jobs.job(({ cipherTrust }) => Object.assign(cipherTrust, { hostName: 'keys.example.com', webCertificate: { secret: 'face' } })),
  };

  it('a worker that is killed while a manager holds its request is followed by one that looks first: for every request that there is, and for those after the wipe', async () => {
    const { faults, requestLog } = jobs.bench.luna.world;
    const face = await selfSigned({ commonName: 'keys.example.com', names: { dns: ['keys.example.com'] } });
    const { values } = jobs.bench.luna;
    values.set('license-in-store', 'a license text').set('cloud-init', generates).set('face', `${face.certificatePem}${face.privateKeyPem}`);
    const all: TrustJob[] = [];
    /** As many jobs as requests: the first is held at its first request, the next one at its second, and so on. */
    const holdEach = async (requests: readonly string[], job: () => Promise<TrustJob>) => {
      for (const operation of named(requests)) faults.add({ kind: 'hold', operation });
      for (const _ of requests) all.push(await job());
    };
    const isHeld = (operation: string) => faults.held().some((hold) => hold.operation === operation);
    const heldEach = (requests: readonly string[]) =>
      until('each request to be held once', async () => (named(requests).every(isHeld) ? true : undefined), { timeoutMs: 120_000, everyMs: 200 }).catch(
        (error: Error) => {
          const missing = named(requests).filter((operation) => !isHeld(operation));
          throw new Error(`${error.message}: ${missing.join(', ')}; arrived: ${requestLog.entries.length}`);
        },
      );
    await holdEach(everyJobSends, () => jobs.job());
    await heldEach(everyJobSends);
    for (const [what, requests] of Object.entries(someJobsSend)) await holdEach(requests, special[what as keyof typeof someJobsSend]);
    await heldEach(allRequests);
    const replaceWorker = async () => {
      const held = faults.held();
      assert.equal(await jobs.killWorker(), 'SIGKILL');
      for (const { id } of held) faults.release(id);
      await jobs.startWorker();
    };
    // Then each request once more, where it is sent after the wipe.
    const left = new Set(named(sentAfterWipe));
    jobs.bench.arrived = ({ operation, target }) => {
      const isWiped = all.some(({ address, manager }) => address === target && manager.data.hsmServers.length > 0);
      if (isWiped && left.delete(operation)) faults.add({ kind: 'hold', operation });
    };
    await replaceWorker();
    await heldEach(sentAfterWipe);
    await replaceWorker();
    for (const job of all) await ended(job, await retriedWhereNothingWasSent(job));
    for (const { address, manager } of all) {
      const { hsmServers, sealer, users, ntp, trial, licenses } = manager.data;
      assert.equal(jobs.arrivedAt(address, setUp).length, 1, `hsm/setup at ${address}`);
      assert.deepEqual([hsmServers.length, sealer, users[0]!.mustChange], [1, 'rapido', false]);
      assert.deepEqual(
        ntp.map(({ host }) => host),
        jobs.bench.luna.request.cipherTrust.ntp.map(({ host }) => host),
      );
      assert.ok(trial.status === 'activated' || licenses.length > 0, `${address} has no license`);
    }
    const arrived = new Set(requestLog.entries.map(({ operation }) => operation).filter((operation) => operation.startsWith('ciphertrust:')));
    assert.deepEqual([...arrived].sort(), named(allRequests).sort(), 'a job sends something in which its worker was not killed');
  });

  it('a manager that is in use is wiped only after a person has approved exactly that', async () => {
    const job = await jobs.job((request) => {
      request.cipherTrust.license = { secret: 'license' };
    });
    // The license is not in the store yet: time for somebody to use the manager.
    job.manager.data.ntp.push({ host: 'theirs.example.com', addedAt: 0 });
    const stopped = await job.reaches('the incident', ({ incidents }) => incidents.length === 1);
    assert.equal(stopped.incidents[0]!.step, 'license');
    const { data } = job.manager;
    data.users.push(newUser('bert', 'Bert-Password-1', false));
    data.keys.push({ id: 'k1', name: 'payroll' });
    data.trial.status = 'activated';
    data.licenses.push({ id: 'l', license: 'by hand', bind_type: 'instance' });
    await resolve(job, 'retry');
    const { approvals } = await job.reaches('the approval', (now) => now.approvals.length === 1);
    assert.deepEqual([shortId(approvals[0]!), approvals[0]!.manager?.users, approvals[0]!.manager?.keys], ['approve-wipe-1', ['bert'], 1]);
    assert.equal(jobs.arrivedAt(job.address, setUp).length, 0);
    data.keys.push({ id: 'k2', name: 'backup' });
    await answer(job, 'approve', 'approve-wipe-1');
    const again = await job.reaches('another approval', (now) => now.approvals.length === 2);
    assert.deepEqual(
      again.approvals.map((approval) => [shortId(approval), approval.outcome, approval.manager?.keys]),
      [
        ['approve-wipe-1', 'stale', 1],
        ['approve-wipe-2', undefined, 2],
      ],
    );
    assert.equal(jobs.arrivedAt(job.address, setUp).length, 0);
    await answer(job, 'approve', 'approve-wipe-2');
    // After the wipe the license is gone, and still not in the store.
    const lost = await job.reaches('the second incident', ({ incidents }) => incidents.length === 2);
    assert.equal(lost.incidents[1]!.step, 'reset-password');
    job.manager.data.licenses.push({ id: 'l', license: 'by hand', bind_type: 'instance' });
    await resolve(job, 'retry', 'incident-2');
    await ended(job, 2);
    assert.deepEqual([jobs.arrivedAt(job.address, setUp).length, job.manager.data.keys.length], [1, 0]);
    assert.ok(
      job.manager.data.ntp.some(({ host }) => host === 'theirs.example.com'),
      'its own time server is there again',
    );
  });

  it('an hsm/setup without answer and effect is sent again only because a person says so', async () => {
    const job = await jobs.job();
    jobs.bench.luna.fault('reset', setUp);
    const { incidents } = await job.reaches('the incident', (now) => now.incidents.length === 1);
    assert.match(wordsOf(incidents[0]!.problem), /no answer.*nothing has changed/);
    assert.equal(jobs.arrivedAt(job.address, setUp).length, 1);
    await resolve(job, 'retry');
    await ended(job, 1);
    assert.equal(jobs.arrivedAt(job.address, setUp).length, 2);
    const log = jobs.log(job, (await job.handle.describe()).runId);
    assert.equal(log.match(/POST \/v1\/system\/hsm\/setup/g)?.length, 2);
  });
});

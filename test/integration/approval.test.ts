import assert from 'node:assert/strict';
import { StackBench } from '../support/stack-bench.ts';
import { loadWorld } from '../support/stored-world.ts';

const hsmAddress = '172.22.1.4';

describe('The approval', function () {
  this.timeout(240_000);
  let bench: StackBench;
  let id: string;
  before(async () => {
    bench = await StackBench.start();
    const { request } = await loadWorld(bench, 'awaiting-approval');
    id = await bench.provision(request);
  });
  after(() => bench?.stop());
  /** A job of its own, whose HSM is deployed and initialized under another name: it soon asks for the approval. */
  async function another(name: string): Promise<string> {
    const { request } = await loadWorld(bench, 'awaiting-approval', { rename: { 'kylo-luna-hsm': name } });
    return bench.provision(request);
  }
  async function assertFips(fips: boolean): Promise<void> {
    const { body } = await bench.control<{ appliances: { fips: boolean }[] }>('GET', '/world');
    assert.equal(body.appliances[0]!.fips, fips);
  }

  it('is refused too early and under a wrong id, on record and without effect', async () => {
    assert.equal((await bench.approve(id)).status, 409);
    await bench.approvalAsked(id);
    assert.equal((await bench.approve(id, 'approve-zeroize-9')).status, 409);
    const { decisions, job } = await bench.job(id);
    assert.deepEqual(
      decisions.map(({ verdict, about }) => [verdict, about]),
      [
        ['refused', 'approve-zeroize-1'],
        ['refused', 'approve-zeroize-9'],
      ],
    );
    assert.equal(job.state, 'awaiting-approval');
  });

  it('counts for exactly the HSM that was shown: with a new partition it is asked for again, and nothing is erased', async () => {
    await bench.control('POST', '/tamper', { what: 'create-partition', address: hsmAddress, name: 'theirs' });
    assert.equal((await bench.approve(id)).status, 200);
    const { approvals } = await bench.approvalAsked(id, 2);
    assert.match(approvals[1]!.id, /^approve-zeroize-2-\w{6}$/);
    assert.deepEqual([approvals[0]!.outcome, approvals[1]!.hsm?.partitions.map(({ name }) => name)], ['stale', ['theirs']]);
    assert.deepEqual(await bench.requestLog('lunash:hsm changePolicy'), []);
  });

  it('is still waited for after everything was stopped and started again, and the job goes on to its end', async () => {
    await bench.restartAll();
    assert.equal((await bench.job(id)).job.state, 'awaiting-approval');
    await bench.fault('hold', 'lunash:hsm changePolicy');
    assert.equal((await bench.approve(id, 'approve-zeroize-2')).status, 200);
    assert.equal((await bench.approve(id, 'approve-zeroize-2')).status, 409, 'twice is refused');
    await bench.release(await bench.held('lunash:hsm changePolicy'));
    // Another job set this manager up: it is not wiped without a word either.
    await bench.approvalAsked(id, 3);
    assert.equal((await bench.approve(id, 'approve-wipe-1')).status, 200);
    const { job } = await bench.ended(id);
    assert.equal(job.state, 'completed');
  });

  it('when rejected leaves the HSM as it is', async () => {
    const rejected = await another('hsm-2');
    await bench.approvalAsked(rejected);
    assert.equal((await bench.approve(rejected, 'approve-zeroize-1', 'reject')).status, 200);
    assert.equal((await bench.ended(rejected)).job.state, 'rejected');
    assert.equal((await bench.approve(rejected)).status, 409, 'an approval after the rejection is refused');
    assert.deepEqual(await bench.requestLog('lunash:hsm changePolicy'), []);
    await assertFips(false);
  });

  it('lets the act that erases finish where the job is cancelled in the middle of it, and ends the job', async () => {
    const cancelled = await another('hsm-3');
    await bench.fault('hold', 'lunash:hsm changePolicy');
    await bench.approvalAsked(cancelled);
    await bench.approve(cancelled);
    const hold = await bench.held('lunash:hsm changePolicy');
    assert.equal((await bench.api('POST', `/v1/jobs/${cancelled}/cancel`)).status, 202);
    await bench.release(hold);
    const { job, steps } = await bench.ended(cancelled);
    assert.deepEqual([job.state, steps['fips-mode'].state, steps['create-partition'].state], ['cancelled', 'done', 'pending']);
    await assertFips(true);
  });
});

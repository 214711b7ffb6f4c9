import assert from 'node:assert/strict';
import { StackBench } from '../support/stack-bench.ts';

const hsmAddress = '172.22.1.4';

describe('The approval', function () {
  this.timeout(240_000);
  let bench: StackBench;
  let id: string;
  before(async () => {
    bench = await StackBench.start();
    id = await bench.provision();
  });
  after(() => bench?.stop());

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
    await bench.control('POST', '/meddle', { what: 'create-partition', address: hsmAddress, name: 'theirs' });
    assert.equal((await bench.approve(id)).status, 200);
    const { approvals } = await bench.approvalAsked(id, 2);
    assert.match(approvals[1]!.id, /^approve-zeroize-2-\w{6}$/);
    assert.deepEqual([approvals[0]!.outcome, approvals[1]!.hsm?.partitions.map(({ name }) => name)], ['stale', ['theirs']]);
    assert.deepEqual(await bench.ledger('lunash:hsm changePolicy'), []);
  });

  it('is still waited for after everything was stopped and started again, and the job goes on to its end', async () => {
    await bench.restartAll();
    assert.equal((await bench.job(id)).job.state, 'awaiting-approval');
    await bench.fault('hold', 'lunash:hsm changePolicy');
    assert.equal((await bench.approve(id, 'approve-zeroize-2')).status, 200);
    assert.equal((await bench.approve(id, 'approve-zeroize-2')).status, 409, 'twice is refused');
    await bench.release(await bench.held('lunash:hsm changePolicy'));
    const { job } = await bench.ended(id);
    assert.equal(job.state, 'completed');
  });

  it('when rejected leaves the HSM as it is', async () => {
    const other = await StackBench.start();
    try {
      const rejected = await other.provision();
      await other.approvalAsked(rejected);
      assert.equal((await other.approve(rejected, 'approve-zeroize-1', 'reject')).status, 200);
      assert.equal((await other.ended(rejected)).job.state, 'rejected');
      assert.equal((await other.approve(rejected)).status, 409, 'an approval after the rejection is refused');
      assert.deepEqual(await other.ledger('lunash:hsm changePolicy'), []);
    } finally {
      await other.stop();
    }
  });
});

describe('A cancel in the middle of the act that erases', function () {
  this.timeout(180_000);
  let bench: StackBench;
  before(async () => {
    bench = await StackBench.start();
  });
  after(() => bench?.stop());

  it('lets it finish, then ends the job', async () => {
    await bench.fault('hold', 'lunash:hsm changePolicy');
    const id = await bench.provision();
    await bench.approvalAsked(id);
    await bench.approve(id);
    const hold = await bench.held('lunash:hsm changePolicy');
    assert.equal((await bench.api('POST', `/v1/jobs/${id}/cancel`)).status, 202);
    await bench.release(hold);
    const { job, steps } = await bench.ended(id);
    assert.deepEqual([job.state, steps['fips-mode'].state, steps['create-partition'].state], ['cancelled', 'done', 'pending']);
    const { body } = await bench.control<{ appliances: { fips: boolean }[] }>('GET', '/world');
    assert.equal(body.appliances[0]!.fips, true);
  });
});

describe('An abort in one branch while the other erases', function () {
  this.timeout(180_000);
  let bench: StackBench;
  before(async () => {
    bench = await StackBench.start();
  });
  after(() => bench?.stop());

  it('waits for the act, then ends the job', async () => {
    await bench.fault('lie', 'ciphertrust:POST /v1/licensing/trials/{id}/activate', { times: 0 });
    await bench.fault('hold', 'lunash:hsm changePolicy');
    const id = await bench.provision();
    assert.equal((await bench.incident(id)).step, 'licence');
    await bench.reaches(id, 'the approval', ({ approvals }) => approvals.length > 0, { incidents: true });
    await bench.approve(id);
    const hold = await bench.held('lunash:hsm changePolicy');
    assert.equal((await bench.resolve(id, 'incident-1', 'abort')).status, 200);
    await bench.release(hold);
    const { job, steps } = await bench.ended(id);
    assert.deepEqual([job.state, steps['fips-mode'].state, steps['create-partition'].state], ['aborted', 'done', 'pending']);
  });
});

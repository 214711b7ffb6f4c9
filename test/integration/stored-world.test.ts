import assert from 'node:assert/strict';
import { createRecords } from '../../stores/record/record.ts';
import { StackBench } from '../support/stack-bench.ts';
import { loadWorld } from '../support/stored-world.ts';

interface Shown {
  appliances: { address: string; serial: string; label: string; fips: boolean; partitions: { name: string; objects: string[] }[] }[];
  cipherTrusts: { address: string; sealer: string }[];
}

describe('A stored world', function () {
  this.timeout(400_000);
  let bench: StackBench;
  before(async () => {
    bench = await StackBench.start();
  });
  after(() => bench?.stop());

  const recordOf = (target: string) => {
    const records = createRecords(bench.recordEntries);
    return records.of(target, 'ciphertrust', { jobId: target, runId: 'test', execution: 'test', attempt: 1, retry: 1 }).read();
  };

  it('is there under other names, and a job finds everything done and changes nothing', async () => {
    const rename = { 'kylo-luna-hsm': 'hsm-17', '172.22.1.4': '172.22.1.17', '172.22.0.5': '172.22.0.17', '572413': '170017' };
    await loadWorld(bench, 'provisioned');
    const { request, target } = await loadWorld(bench, 'provisioned', { rename });
    assert.match(target, /^hsm-17-/);
    const { body } = await bench.control<Shown>('GET', '/world');
    const [appliance] = body.appliances;
    assert.deepEqual(
      { address: appliance?.address, serial: appliance?.serial, objects: appliance?.partitions[0]?.objects.length, sealer: body.cipherTrusts[0]?.sealer },
      { address: '172.22.1.17', serial: '170017', objects: 2, sealer: 'rapido' },
    );
    const before = await recordOf(target);
    assert.ok(
      before.some(({ event }) => event === 'setup-sent'),
      'the record of the stored job is there under this name',
    );
    const id = await bench.provision(request);
    assert.equal(id, target);
    const { job } = await bench.ended(id);
    assert.equal(job.state, 'completed');
    const erased = (await bench.requestLog()).filter(({ destructive }) => destructive).map(({ operation }) => operation);
    assert.deepEqual(erased, []);
    assert.deepEqual(
      (await recordOf(target)).filter(({ event }) => event.startsWith('setup')).length,
      before.filter(({ event }) => event.startsWith('setup')).length,
    );
  });
});

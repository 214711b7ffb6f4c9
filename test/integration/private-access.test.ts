import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Report } from '../../domain/report.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { StackBench } from '../support/stack-bench.ts';

describe('A job with private access alone', function () {
  this.timeout(240_000);
  let bench: StackBench;
  let id: string;
  const request = JSON.parse(readFileSync(new URL('../../examples/private-access.json', import.meta.url), 'utf8')) as ProvisioningRequest;
  before(async () => {
    bench = await StackBench.start();
    id = await bench.provision(request);
    await bench.approvalAsked(id);
    assert.equal((await bench.approve(id)).status, 200);
  });
  after(() => bench?.stop());

  it('makes the same root of trust, over private addresses', async () => {
    const { job } = await bench.ended(id);
    assert.equal(job.state, 'completed');
    const { body } = await bench.api<Report>('GET', `/v1/provisionings/${id}/report`);
    assert.equal(body.cipherTrust?.entry.host, request.hsm.address);
  });

  it('without any public address but the gateway’s', async () => {
    assert.deepEqual(await bench.ledger('arm:PUT Microsoft.Network/publicIPAddresses'), []);
    const { body } = await bench.control<{ resources: { id: string; type: string }[] }>('GET', '/world');
    const named = (type: string) => body.resources.filter((resource) => resource.type.endsWith(`/${type}`)).map((resource) => resource.id.split('/').at(-1));
    assert.deepEqual(named('publicIPAddresses'), ['HSMInside-ergwpip']);
    assert.deepEqual(named('virtualMachines').sort(), ['inside-ciphertrust', 'lunaclient']);
  });
});

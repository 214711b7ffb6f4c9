import assert from 'node:assert/strict';
import type { Report } from '../../domain/report.ts';
import { exampleRequest } from '../support/example.ts';
import { StackBench } from '../support/stack-bench.ts';

describe('A CipherTrust Manager that is reached through the Windows host', function () {
  this.timeout(180_000);
  let bench: StackBench;
  before(async () => {
    bench = await StackBench.start();
  });
  after(() => bench?.stop());

  it('is set up without a public address, each request through the host', async () => {
    const request = exampleRequest();
    request.cipherTrust.via = 'client';
    request.hsm.fips = false;
    const id = await bench.provision(request);
    const { job } = await bench.ended(id);
    assert.equal(job.state, 'completed');
    const publicAddresses = (await bench.ledger('arm:PUT Microsoft.Network/publicIPAddresses')).map(({ target }) => target);
    assert.ok(publicAddresses.length > 0);
    assert.ok(!publicAddresses.some((target) => target.includes(request.cipherTrust.vmName)), publicAddresses.join(', '));
    const asked = (await bench.ledger('ciphertrust:*')).filter(({ operation }) => operation !== 'ciphertrust:boot');
    const forwarded = (await bench.ledger('windows:forward')).filter(
      ({ target, outcome }) => target === `${request.cipherTrust.address}:443` && outcome === 'done',
    );
    assert.ok(forwarded.length >= asked.length && asked.length > 20, `${asked.length} requests, ${forwarded.length} connections through the host`);
    assert.ok((await bench.ledger('ciphertrust:POST /v1/system/hsm/setup')).some(({ outcome }) => outcome === 'done'));
    const { body } = await bench.api<Report>('GET', `/v1/provisionings/${id}/report`);
    assert.equal(body.manager.signIn?.url, `https://${request.cipherTrust.address}`);
    assert.match(body.manager.signIn?.through ?? '', /Windows host/);
    assert.deepEqual(
      body.manager.exposure.map(({ when }) => when),
      ['first boot', 'after the wipe'],
    );
  });
});

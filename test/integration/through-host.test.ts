import assert from 'node:assert/strict';
import type { Report } from '../../domain/report.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { type Identity, selfSigned } from '../../simulator/certificates.ts';
import { seenOf } from '../../systems/certificates.ts';
import { exampleRequest } from '../support/example.ts';
import { filesIn, leaks } from '../support/leaks.ts';
import { StackBench } from '../support/stack-bench.ts';

describe('A CipherTrust Manager that is reached through the Windows host', function () {
  this.timeout(240_000);
  const setup = 'ciphertrust:POST /v1/system/hsm/setup';
  const request: ProvisioningRequest = exampleRequest('through-windows-host');
  let bench: StackBench;
  let face: Identity;
  let id: string;
  before(async () => {
    bench = await StackBench.start({ simulatorArgs: ['--variant', 'ciphertrust.initialPassword=generated'] });
    face = await selfSigned({ commonName: 'keys.example.com', names: { dns: ['keys.example.com'] } });
    await bench.keep('web-certificate', `${face.privateKeyPem}\n${face.certificatePem}`);
    request.hsm.fips = false;
  });
  after(() => bench?.stop());

  const through = async (port: number) =>
    (await bench.requestLog('windows:forward')).filter(({ target, outcome }) => target === `${request.cipherTrust.address}:${port}` && outcome === 'done');
  const run = async () => {
    id = await bench.provision(request);
    return bench.ended(id);
  };

  it('is set up without a public address, each request through the host', async () => {
    assert.equal((await run()).job.state, 'completed');
    const publicAddresses = (await bench.requestLog('arm:PUT Microsoft.Network/publicIPAddresses')).map(({ target }) => target);
    assert.ok(publicAddresses.length > 0);
    assert.ok(!publicAddresses.some((target) => target.includes(request.cipherTrust.vmName)), publicAddresses.join(', '));
    const asked = (await bench.requestLog('ciphertrust:*')).filter(({ operation }) => /^ciphertrust:(GET|POST|PUT|PATCH|DELETE) /.test(operation));
    const forwarded = await through(443);
    assert.ok(asked.length > 20 && forwarded.length >= asked.length, `${asked.length} requests, ${forwarded.length} connections through the host`);
    assert.ok((await bench.requestLog(setup)).some(({ outcome }) => outcome === 'done'));
  });

  it('gives its first password to ksadmin over the same way', async () => assert.ok((await through(22)).length > 0));

  it('has the name and the certificate that were asked for, and the report says how to get there', async () => {
    const { body } = await bench.api<Report>('GET', `/v1/jobs/${id}/report`);
    assert.equal(body.fingerprints['CipherTrust Manager web certificate'], seenOf(face.certificatePem).fingerprint);
    assert.equal(body.manager.signIn?.url, `https://${request.cipherTrust.address}`);
    assert.match(body.manager.signIn?.through ?? '', /Windows host/);
    // Where stores are no folders, the simulated vault is in the state of the simulated world.
    const places = filesIn(bench.folder, /\/secrets\/|\/simulator\/state\.json/);
    assert.ok(places.some(([name]) => name.endsWith('worker.log')));
    assert.deepEqual(leaks([face.privateKeyPem], places), [], 'its key is in the secret store alone');
    assert.deepEqual(
      body.manager.exposure.map(({ when }) => when),
      ['first boot', 'after the wipe'],
    );
  });

  it('is found by a second run, which starts the host again and wipes nothing', async () => {
    const starts = async () => (await bench.requestLog('arm:POST Microsoft.Compute/virtualMachines/start')).filter(({ outcome }) => outcome === 'done').length;
    const before = { setups: (await bench.requestLog(setup)).length, forwarded: (await through(443)).length, starts: await starts() };
    assert.equal((await run()).job.state, 'completed');
    assert.equal((await bench.requestLog(setup)).length, before.setups);
    assert.ok((await through(443)).length > before.forwarded);
    assert.equal(await starts(), before.starts + 1);
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { adminPassword } from '../../../activities/ciphertrust/admin-password.ts';
import { ntp } from '../../../activities/ciphertrust/ntp.ts';
import { resetPassword } from '../../../activities/root-of-trust/reset-password.ts';
import { setRootOfTrust } from '../../../activities/root-of-trust/set-root-of-trust.ts';
import { webCertificate } from '../../../activities/root-of-trust/web-certificate.ts';
import { type Identity, issueServer, selfSigned } from '../../../simulator/certificates.ts';
import { seenOf } from '../../../systems/certificates.ts';
import { ManagerBench } from '../../support/ciphertrust/manager-bench.ts';
import { managerAddress, partition } from '../../support/stub-appliance.ts';

describe('The certificate of a CipherTrust Manager', function () {
  this.timeout(60_000);
  let bench: ManagerBench;
  beforeEach(() => {
    bench = new ManagerBench();
  });
  afterEach(() => bench.stop());
  const job = () => bench.job();
  const passwordsShown = () => bench.arrived('ciphertrust:POST /v1/auth/tokens').length + bench.arrived('ciphertrust:PATCH /v1/auth/changepw').length;

  describe('that is another one', () => {
    it('stops every step, and no password is shown', async () => {
      await bench.switchOn();
      const cipherTrust = { address: managerAddress, pin: (await bench.booted()).pin.replace(/^../, (digits) => (digits === '00' ? '11' : '00')) };
      const input = { ...job(), cipherTrust };
      for (const stopped of [
        bench.step(adminPassword, input),
        bench.step(ntp, input),
        bench.step(resetPassword, { ...input, partitionSerial: partition.serial }),
        bench.step(webCertificate, input),
        bench.set(cipherTrust),
      ]) {
        const { kind, words: seen } = await bench.problemOf(stopped);
        assert.equal(kind, 'Unsafe');
        assert.match(seen, /certificate/);
      }
      assert.equal(passwordsShown(), 0);
    });

    it('is told nothing, also where it steps in between the look and the request', async () => {
      await bench.switchOn();
      const [ours, theirs] = [await selfSigned({ commonName: 'manager' }), await selfSigned({ commonName: 'stranger' })];
      const tlsOf = ({ certificatePem, privateKeyPem }: Identity) => ({ cert: certificatePem, key: privateKeyPem });
      const heard: string[] = [];
      const server = createServer(tlsOf(ours), (asked, answer) => {
        heard.push(`${asked.method} ${asked.url}`);
        answer.end();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      let connections = 0;
      server.prependListener('connection', () => ++connections === 2 && server.setSecureContext(tlsOf(theirs)));
      bench.world.network.attach('172.22.0.9', 443, { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
      try {
        const input = { ...job(), cipherTrust: { address: '172.22.0.9', pin: seenOf(ours.certificatePem).fingerprint } };
        assert.equal((await bench.problemOf(bench.attempt(adminPassword(bench.systems), input))).kind, 'Transient');
        assert.equal((await bench.problemOf(bench.attempt(adminPassword(bench.systems), input))).kind, 'Unsafe');
        assert.deepEqual(heard, []);
      } finally {
        server.close();
      }
    });

    it('is not taken for the wiped manager’s after a first attempt that sent nothing', async () => {
      await bench.switchOn();
      const input = bench.rootInput({ ...(await bench.booted()), pin: 'another' });
      assert.equal((await bench.problemOf(bench.attempt(setRootOfTrust(bench.systems), input, 2))).kind, 'Unsafe');
      assert.equal(passwordsShown(), 0);
    });
  });

  for (const variants of [{}, { 'ciphertrust.restartStatus': '202', 'ciphertrust.accept': 'required' }, { 'ciphertrust.restartStatus': '204' }])
    it(`is replaced by the one that was asked for, with its chain, and the name set: ${JSON.stringify(variants)}`, async () => {
      await bench.switchOn({ timeScale: 6000, variants });
      const cipherTrust = await bench.licensed();
      const face = await issueServer({ commonName: 'keys.example.com', names: { dns: ['keys.example.com'] } });
      bench.values.set('face', `${face.authorityPem}${face.certificatePem}${face.privateKeyPem}`);
      Object.assign(bench.request.cipherTrust, { hostName: 'keys.example.com', webCertificate: { secret: 'face' } });
      const { name, warnings, ...result } = await bench.step(webCertificate, { ...job(), cipherTrust });
      assert.deepEqual([name, warnings, result.cipherTrust.pin], ['keys.example.com', [], seenOf(face.certificatePem).fingerprint]);
      const { certificatePem } = bench.manager.web;
      assert.equal(certificatePem.match(/BEGIN CERTIFICATE/g)?.length, 2, 'leaf and authority');
      // A second look goes on with the sign-in of this run: certificate, name, certificate as configured.
      const before = bench.connections;
      const again = await bench.step(webCertificate, { ...job(), cipherTrust: result.cipherTrust });
      assert.deepEqual([again.cipherTrust, bench.connections - before], [result.cipherTrust, 3]);
    });
});

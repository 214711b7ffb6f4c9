import assert from 'node:assert/strict';
import { connectClient } from '../../activities/partition/connect-client.ts';
import { cryptoOfficer } from '../../activities/partition/crypto-officer.ts';
import { initializePartition } from '../../activities/partition/initialize-partition.ts';
import { clientCertificate } from '../../activities/root-of-trust/client-certificate.ts';
import { registerClient } from '../../activities/root-of-trust/register-client.ts';
import { LunaSteps } from '../support/luna/luna-steps.ts';

/** The manager’s half of the trust link: a certificate of its own, given to the HSM with scp and registered with LunaSH. */
describe('The manager’s trust link to the HSM', function () {
  this.timeout(60_000);
  let luna: LunaSteps;
  afterEach(() => luna?.stop());

  for (const { way, variants, env, certificate, by } of [
    { way: 'by address, made with vtl', variants: {}, env: {}, certificate: 'vtl', by: 'ip' },
    { way: 'by host name and a map, made here', variants: { 'luna.registerByIp': 'refused' }, env: {}, certificate: 'generated', by: 'hostname' },
    {
      way: 'shown in the words of 5.x, with an MD5 fingerprint',
      variants: { 'luna.words': '5.x', 'luna.clientFingerprint': 'md5' },
      env: {},
      certificate: 'vtl',
      by: 'ip',
    },
    { way: 'with the HSM reached directly', variants: {}, env: { HSM_LUNA_VIA: 'direct' }, certificate: 'generated', by: 'ip' },
  ] as const)
    it(`is registered ${way}`, async () => {
      luna = await LunaSteps.start({ variants }, env);
      luna.request.certificate = certificate;
      luna.setUpHsm();
      const input = { ...luna.job, ...luna.hosts, partitionSerial: luna.partition.serial };
      const { slot } = await luna.step(connectClient, input);
      await luna.step(initializePartition, { ...input, slot });
      await luna.step(cryptoOfficer, { ...input, slot });
      const { clientCertificate: made } = await luna.step(clientCertificate, input);
      const registered = await luna.step(registerClient, { ...input, clientCertificate: made });
      const { cipherTrust } = luna.request;
      assert.deepEqual([registered.client, registered.registeredBy], [cipherTrust.vmName, by]);
      const { state } = luna.world.appliance;
      assert.equal(registered.serverCertificate.pem, state.server.certificatePem);
      const client = state.clients.find(({ name }) => name === cipherTrust.vmName);
      assert.deepEqual([client?.certificatePem, client?.ip ?? client?.mappedIp, client?.partitions], [made.pem, cipherTrust.address, [luna.partition.name]]);
      assert.deepEqual(await luna.contents(), []);
    });
});

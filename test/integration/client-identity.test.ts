import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { vmIdOf } from '../../activities/machine-record.ts';
import { connectClient } from '../../activities/partition/connect-client.ts';
import { clientCertificate } from '../../activities/root-of-trust/client-certificate.ts';
import { registerClient } from '../../activities/root-of-trust/register-client.ts';
import { selfSigned } from '../../simulator/certificates.ts';
import { clientFolder, Files } from '../../simulator/windows/state.ts';
import { belongTogether, seenOf } from '../../systems/certificates.ts';
import { afterEntry } from '../support/after-entry.ts';
import { LunaSteps } from '../support/luna/luna-steps.ts';
import { until } from '../support/until.ts';

const host = '172.22.0.4';
const manager = '172.22.0.5';
const certificateFolder = `${clientFolder}\\cert\\client`;
const otherFolder = 'C:\\Program Files\\SafeNet\\LunaCertificateClient';
const dayMs = 86_400_000;

/** The identities of the two clients of the HSM: of the Windows host itself, and of CipherTrust Manager, made on that host or by the service. */
describe('The clients of the HSM', function () {
  this.timeout(60_000);
  let luna: LunaSteps;
  afterEach(() => luna.stop());

  const input = () => ({ ...luna.job, ...luna.hosts, partitionSerial: luna.partition.serial });
  const files = () => new Files(luna.host);
  const configuration = () => files().text(`${clientFolder}\\crystoki.ini`);
  const clients = () => luna.world.appliance.state.clients;
  const clientNamed = (name: string) => clients().find((client) => client.name === name);

  async function connected(variants: Record<string, string> = {}): Promise<void> {
    luna = await LunaSteps.start({ variants });
    luna.setUpHsm();
    await luna.step(connectClient, input());
  }
  const certified = () => luna.step(clientCertificate, input());
  /** What vtl was at when its connection was cut, it still does. */
  const vtlEnded = (before: string | undefined) => until('vtl re-pointed the host', async () => (configuration() === before ? undefined : true));
  const stillSees = async () => {
    assert.deepEqual(await luna.step(connectClient, input()), { slot: 0 });
    assert.equal(luna.arrived('lunacm:clientconfig deploy').length, 1, 'the host saw its slot without another deployment');
  };

  describe('CipherTrust Manager’s certificate', () => {
    for (const createcert of ['repoints', 'keeps'])
      it(`is made by vtl, its key is kept and leaves the host, which stays itself: vtl ${createcert} its identity`, async () => {
        await connected({ 'vtl.createcert': createcert });
        const before = configuration();
        const { clientCertificate: made, keySecret, warnings } = await certified();
        const key = luna.kept('client-certificate-key');
        assert.deepEqual([new X509Certificate(made.pem).subject, warnings], [`CN=${manager}`, []]);
        assert.match(key, /^-----BEGIN RSA PRIVATE KEY-----\n(?!Proc-Type)/);
        assert.ok(belongTogether(made.pem, key) && luna.values.get(keySecret) === key);
        assert.ok(Math.abs(Date.parse(made.notAfter) - Date.now() - 3650 * dayMs) < 2 * dayMs, 'ten years');
        assert.equal(files().text(`${certificateFolder}\\${manager}Key.pem`), undefined);
        assert.equal(configuration(), before);
        await stillSees();
        assert.deepEqual((await certified()).clientCertificate, made, 'a second run finds it');
        assert.equal(luna.arrived('vtl:createcert').length, 1);
      });

    it('leaves the host its identity even when the attempt dies between vtl and putting it back', async () => {
      await connected();
      const before = configuration();
      const { release } = await luna.cutOffAt('vtl:createcert', clientCertificate, input());
      release();
      await vtlEnded(before);
      await certified();
      assert.equal(configuration(), before);
      assert.deepEqual(
        files()
          .list(clientFolder)
          .filter((name) => name.includes(luna.target)),
        [],
      );
      await stillSees();
    });

    for (const kind of ['reset', 'reset-after-accept'] as const)
      it(`is made in spite of ${kind} at vtl createcert, and the host stays itself`, async () => {
        await connected();
        const before = configuration();
        luna.fault(kind, 'vtl:createcert');
        assert.equal((await luna.problemOf(luna.attempt(clientCertificate, input()))).kind, 'Transient');
        if (kind === 'reset-after-accept') await vtlEnded(before);
        const { clientCertificate: made } = await certified();
        assert.ok(belongTogether(made.pem, luna.kept('client-certificate-key')));
        assert.equal(configuration(), before);
        await stillSees();
      });

    it('does not take half a backup for the configuration', async () => {
      await connected();
      const before = configuration();
      files().write(`${clientFolder}\\crystoki.ini.${luna.target}`, 'a-hash\n[LunaSA');
      await stillSees();
      assert.equal(configuration(), before);
    });

    it('is kept as PKCS#1 where vtl writes PKCS#8', async () => {
      await connected({ 'vtl.keyFormat': 'pkcs8' });
      await certified();
      assert.match(luna.kept('client-certificate-key'), /BEGIN RSA PRIVATE KEY/);
    });

    it('with an encrypted key is an incident, after which the service can make the pair', async () => {
      await connected({ 'vtl.keyFormat': 'encrypted' });
      const { kind, words: seen, remedy } = await luna.problemOf(certified());
      assert.deepEqual([kind, seen], ['Refused', 'the private key that it wrote is encrypted']);
      assert.match(remedy, /amendment of \/certificate to "generated"/);
      assert.equal(luna.kept('client-certificate-key'), undefined);
      luna.request.certificate = 'generated';
      const { clientCertificate: made } = await certified();
      assert.ok(belongTogether(made.pem, luna.kept('client-certificate-key')));
      assert.equal(files().text(`${certificateFolder}\\${manager}Key.pem`), undefined, 'the encrypted one is gone');
      await stillSees();
    });

    it('is made by another client where the request names one', async () => {
      await connected({ 'vtl.keyFormat': 'encrypted' });
      luna.request.lunaClient.certificateClient = { installer: luna.request.lunaClient.installer };
      luna.host.otherClients = { [otherFolder]: { version: '7.2.0' } };
      const { clientCertificate: made } = await certified();
      assert.ok(belongTogether(made.pem, luna.kept('client-certificate-key')));
      assert.equal(files().text(`${otherFolder}\\cert\\client\\${manager}Key.pem`), undefined);
      await stillSees();
    });

    it('stays the registered one in a later request that names another client, or none any more', async () => {
      await connected();
      luna.host.otherClients = { [otherFolder]: { version: '7.2.0' } };
      const made = [];
      for (const certificateClient of [undefined, { installer: luna.request.lunaClient.installer }, undefined]) {
        if (certificateClient) luna.request.lunaClient.certificateClient = certificateClient;
        else delete luna.request.lunaClient.certificateClient;
        const { clientCertificate: certificate } = await certified();
        await luna.step(registerClient, { ...input(), clientCertificate: certificate });
        made.push(certificate.fingerprint);
      }
      assert.deepEqual(new Set(made).size, 1);
      assert.deepEqual(luna.arrived('lunash:client delete'), []);
    });

    it('is made by the service alone, without vtl, and can be registered', async () => {
      await connected();
      luna.request.certificate = 'generated';
      const { clientCertificate: made } = await certified();
      assert.equal(createPrivateKey(luna.kept('client-certificate-key')).asymmetricKeyType, 'rsa');
      assert.deepEqual([new X509Certificate(made.pem).subject, luna.arrived('vtl:createcert')], [`CN=${manager}`, []]);
      await luna.step(registerClient, { ...input(), clientCertificate: made });
      assert.equal(clientNamed('mycompany-ciphertrust')?.certificatePem.trim(), made.pem.trim());
    });

    for (const certificate of ['vtl', 'generated'] as const)
      it(`is valid as long as the request says, with a warning where that is short: ${certificate}`, async () => {
        await connected();
        Object.assign(luna.request, { certificate, lunaClient: { ...luna.request.lunaClient, certificateDays: 30 } });
        const { clientCertificate: made, warnings } = await certified();
        assert.ok(Math.abs(Date.parse(made.notAfter) - Date.now() - 30 * dayMs) < 2 * dayMs);
        assert.match(warnings![0]!, new RegExp(`expires on ${made.notAfter.slice(0, 10)}`));
      });

    it('is made without a number of days where vtl knows none', async () => {
      await connected({ 'vtl.days': 'refused' });
      assert.ok((await certified()).clientCertificate);
    });
  });

  describe('CipherTrust Manager’s registration', () => {
    const registered = (pem: string) => luna.step(registerClient, { ...input(), clientCertificate: seenOf(pem) });
    let ours: string;
    const ready = async (variants: Record<string, string> = {}) => {
      await connected(variants);
      ours = (await certified()).clientCertificate.pem;
    };
    const isRegistered = (by: object) => {
      const { certificatePem, ...client } = clientNamed('mycompany-ciphertrust')!;
      assert.equal(certificatePem.trim(), ours.trim());
      assert.deepEqual(client, { name: 'mycompany-ciphertrust', ...by, partitions: ['luna_part'] });
    };
    const byName = { hostname: manager, mappedIp: manager };

    it('is by address, once', async () => {
      await ready();
      for (let run = 0; run < 2; run++) assert.equal((await registered(ours)).registeredBy, 'ip');
      isRegistered({ ip: manager });
      assert.equal(luna.arrived('lunash:client register').length, 1);
      const writer = { jobId: luna.target, runId: 'run-1', execution: 'look', attempt: 1, retry: 1 };
      const entries = await luna.systems.records.of(luna.target, 'ciphertrust', writer).read();
      assert.deepEqual(
        entries.flatMap(({ event, data }) => (event === 'secret-given' ? [data] : [])),
        [{ machine: vmIdOf(luna.request, luna.request.cipherTrust.vmName), vmId: luna.vmId, purpose: 'access to the partition' }],
      );
    });

    it('is by host name, mapped to the address, where the appliance does not find the certificate by address', async () => {
      await ready({ 'luna.registerByIp': 'refused' });
      assert.equal((await registered(ours)).registeredBy, 'hostname');
      isRegistered(byName);
    });

    it('is mapped by the next attempt where one died before', async () => {
      await ready({ 'luna.registerByIp': 'refused' });
      luna.fault('reset', 'lunash:client hostip map');
      await registered(ours);
      isRegistered(byName);
    });

    it('is mapped anew where the name is already mapped to another address', async () => {
      await ready({ 'luna.registerByIp': 'refused' });
      await registered(ours);
      clientNamed('mycompany-ciphertrust')!.mappedIp = '172.22.0.9';
      await registered(ours);
      isRegistered(byName);
      assert.equal(luna.arrived('lunash:client hostip unmap', 'done').length, 1);
    });

    for (const operation of ['client register', 'client assignPartition'])
      for (const kind of ['reset', 'reset-after-accept'] as const)
        it(`is made once with ${kind} at ${operation}`, async () => {
          await ready();
          luna.fault(kind, `lunash:${operation}`);
          await registered(ours);
          isRegistered({ ip: manager });
          assert.equal(luna.arrived(`lunash:${operation}`, 'done').length, 1);
        });

    it('gets no access to another partition of the same name than the one that this job created', async () => {
      await ready();
      const before = { ...input(), clientCertificate: seenOf(ours) };
      luna.partition.serial = '9999999999999';
      const { kind, code, words: seen } = await luna.problemOf(luna.step(registerClient, before));
      assert.deepEqual([kind, code], ['Unsafe', 'HSM_PARTITION_FOREIGN']);
      assert.match(seen, /has the serial 9999999999999, not 1234567890123/);
      assert.deepEqual(luna.arrived('lunash:client assignPartition'), []);
    });

    it('gets no access to another partition that came under the name while its entry was made', async () => {
      await ready();
      const before = { ...input(), clientCertificate: seenOf(ours) };
      luna.systems.records = afterEntry(luna.systems.records, 'client-assign-begun', () => {
        luna.partition.serial = '9999999999999';
      });
      assert.equal((await luna.problemOf(luna.step(registerClient, before))).code, 'HSM_PARTITION_FOREIGN');
      assert.deepEqual(luna.arrived('lunash:client assignPartition'), []);
    });

    it('gets no access where the partition is gone', async () => {
      await ready();
      const before = { ...input(), clientCertificate: seenOf(ours) };
      luna.partition.name = 'another';
      const { words: seen } = await luna.problemOf(luna.step(registerClient, before));
      assert.match(seen, /partition luna_part does not exist/);
      assert.deepEqual(luna.arrived('lunash:client assignPartition'), []);
    });

    it('under the same name with an earlier certificate of ours is replaced', async () => {
      await ready();
      await registered(ours);
      const { certificatePem } = await selfSigned({ commonName: manager });
      const earlier = ours;
      ours = certificatePem;
      files().write(`${certificateFolder}\\${manager}.pem`, certificatePem);
      files().write(`${certificateFolder}\\${manager}-${seenOf(earlier).fingerprint.replaceAll(':', '').slice(0, 16)}.pem`, earlier);
      await registered(ours);
      isRegistered({ ip: manager });
      assert.equal(luna.arrived('lunash:client delete', 'done').length, 1);
    });

    it('under the same name with somebody’s certificate is an incident: nothing is deleted', async () => {
      await ready();
      const { certificatePem } = await selfSigned({ commonName: manager });
      clients().push({ name: 'mycompany-ciphertrust', ip: manager, certificatePem, partitions: [] });
      const before = structuredClone(clients());
      const { kind, words: seen } = await luna.problemOf(registered(ours));
      assert.deepEqual([kind, seen], ['Unsafe', 'a client of this name is registered with a certificate that was not made here']);
      assert.deepEqual([clients(), luna.arrived('lunash:client delete')], [before, []]);
    });

    it('of the same address under another name is an incident, and not gone around by host name', async () => {
      await ready();
      const { certificatePem } = await selfSigned({ commonName: manager });
      clients().push({ name: 'theirs', ip: manager, certificatePem, partitions: [] });
      const { kind, words: seen } = await luna.problemOf(registered(ours));
      assert.equal(kind, 'Unsafe');
      assert.match(seen, /same IP address has already been registered/);
      assert.deepEqual([clientNamed('mycompany-ciphertrust'), luna.arrived('lunash:client register').length], [undefined, 1]);
    });
  });

  describe('The Windows host’s own registration', () => {
    const unassign = () => void (clientNamed(host)!.partitions = []);

    it('that shows no slot is replaced: it is registered with the host’s certificate', async () => {
      await connected();
      unassign();
      assert.deepEqual(await luna.step(connectClient, input()), { slot: 0 });
      assert.equal(luna.arrived('lunash:client delete', 'done').length, 1);
    });

    it('is replaced where a deployment that failed made the host another certificate', async () => {
      await connected();
      unassign();
      luna.fault('lie', 'lunash:client delete');
      assert.match((await luna.problemOf(luna.step(connectClient, input()))).words, /same name has already been registered/);
      assert.notEqual(files().text(`${certificateFolder}\\${host}.pem`)?.trim(), clientNamed(host)!.certificatePem.trim());
      assert.deepEqual(await luna.step(connectClient, input()), { slot: 0 });
      assert.equal(clientNamed(host)!.certificatePem.trim(), files().text(`${certificateFolder}\\${host}.pem`)?.trim());
    });

    it('gives it no access to another partition that came under the name while its entry was made', async () => {
      luna = await LunaSteps.start();
      luna.setUpHsm();
      const before = input();
      luna.systems.records = afterEntry(luna.systems.records, 'client-deploy-begun', () => {
        luna.partition.serial = '9999999999999';
      });
      assert.equal((await luna.problemOf(luna.step(connectClient, before))).code, 'HSM_PARTITION_FOREIGN');
      assert.deepEqual([luna.arrived('lunacm:clientconfig deploy'), clients()], [[], []]);
    });

    it('gives it no access to another partition of the same name than the one that this job created', async () => {
      luna = await LunaSteps.start();
      luna.setUpHsm();
      const before = input();
      luna.partition.serial = '9999999999999';
      assert.equal((await luna.problemOf(luna.step(connectClient, before))).code, 'HSM_PARTITION_FOREIGN');
      assert.deepEqual([luna.arrived('lunacm:clientconfig deploy'), clients()], [[], []]);
    });

    it('stays as it is where the partition was re-created by somebody: it is not deleted', async () => {
      await connected();
      const before = input();
      luna.partition.serial = '9999999999999';
      unassign();
      assert.equal((await luna.problemOf(luna.step(connectClient, before))).code, 'HSM_PARTITION_FOREIGN');
      assert.deepEqual([luna.arrived('lunash:client delete'), clients().length], [[], 1]);
    });

    it('with a certificate that was not made there is an incident: nothing is deleted', async () => {
      luna = await LunaSteps.start();
      luna.setUpHsm();
      const { certificatePem } = await selfSigned({ commonName: host });
      clients().push({ name: host, ip: host, certificatePem, partitions: [] });
      assert.equal((await luna.problemOf(luna.step(connectClient, input()))).kind, 'Unsafe');
      for (const operation of ['lunash:client delete', 'lunacm:clientconfig deploy']) assert.deepEqual(luna.arrived(operation), []);
    });

    for (const kind of ['reset', 'reset-after-accept'] as const)
      it(`is made once with ${kind} at clientconfig deploy`, async () => {
        luna = await LunaSteps.start();
        luna.setUpHsm();
        luna.fault(kind, 'lunacm:clientconfig deploy');
        assert.deepEqual(await luna.step(connectClient, input()), { slot: 0 });
        assert.deepEqual([clients().length, luna.arrived('lunacm:clientconfig deploy', 'done').length], [1, 1]);
      });
  });
});

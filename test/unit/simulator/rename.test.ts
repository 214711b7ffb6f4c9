import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { type Identity, selfSigned } from '../../../simulator/certificates.ts';
import { renamed, renamer } from '../../../simulator/rename.ts';

const hsm = '172.22.1.4';

describe('A simulated world under other names', () => {
  let server: Identity;
  let client: Identity;
  before(async () => {
    [server, client] = await Promise.all([selfSigned({ commonName: 'local_host', names: { ip: [hsm] } }), selfSigned({ commonName: '172.22.0.5' })]);
  });

  it('has them wherever they stand as whole words, in small letters where they stood so', () => {
    const change = renamer({ 'Kylo-HSM': 'HSM-17', [hsm]: '172.22.1.9', '572413': '999999' });
    assert.equal(change('/dedicatedHSMs/Kylo-HSM_HSMnic at 172.22.1.4'), '/dedicatedHSMs/HSM-17_HSMnic at 172.22.1.9');
    assert.equal(change('/dedicatedhsms/kylo-hsm'), '/dedicatedhsms/hsm-17');
    assert.equal(change('172.22.1.40 10.172.22.1.4 x572413 my572413'), '172.22.1.40 10.172.22.1.4 x572413 my572413');
    assert.equal(change('serial 572413.'), 'serial 999999.');
  });

  it('has certificates that name them made again with the same key, everywhere the same one', async () => {
    const content = Buffer.from(`${server.certificatePem}ServerName00=${hsm}\r\n`).toString('base64');
    const state = {
      appliances: { [hsm]: { address: hsm, server, clients: [{ ip: '172.22.0.5', certificatePem: client.certificatePem }] } },
      windowsHosts: { host: { files: { 'c:\\ca.pem': { path: 'C:\\ca.pem', content } } } },
    };
    const next = (await renamed(state, { [hsm]: '172.22.1.9', '172.22.0.5': '172.22.0.6' }, [client.privateKeyPem])) as unknown as {
      appliances: Record<string, (typeof state.appliances)['172.22.1.4']>;
    } & Pick<typeof state, 'windowsHosts'>;
    const appliance = next.appliances['172.22.1.9']!;
    const made = new X509Certificate(appliance.server.certificatePem);
    assert.match(made.subjectAltName ?? '', /172\.22\.1\.9/);
    assert.equal(made.publicKey.equals(new X509Certificate(server.certificatePem).publicKey), true);
    assert.match(new X509Certificate(appliance.clients[0]!.certificatePem).subject, /172\.22\.0\.6/);
    const file = Buffer.from(next.windowsHosts.host.files['c:\\ca.pem'].content, 'base64').toString();
    assert.equal(file, `${appliance.server.certificatePem.trim()}\nServerName00=172.22.1.9\r\n`);
  });

  it('is refused where the key of such a certificate is not there', async () => {
    await assert.rejects(renamed({ clients: [client.certificatePem] }, { '172.22.0.5': '172.22.0.6' }), /its key is not here/);
  });
});

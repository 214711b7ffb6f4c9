import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { decideWebCertificate, type Seen } from '../../activities/root-of-trust/web-certificate.ts';
import type { CertificateInfo } from '../../domain/results.ts';
import { issueServer, selfSigned } from '../../simulator/certificates.ts';
import { seenOf } from '../../systems/certificates.ts';
import { readWebCertificate } from '../../systems/ciphertrust/web-certificate.ts';
import { exampleRequest } from '../support/example.ts';

describe('A web certificate for CipherTrust Manager', () => {
  it('is read in any order, and sent leaf, key, chain', async () => {
    const { certificatePem, privateKeyPem, authorityPem } = await issueServer({ commonName: 'keys.example.com', names: { dns: ['keys.example.com'] } });
    const { bundle, leaf } = readWebCertificate([authorityPem, privateKeyPem, certificatePem].join('\n'));
    assert.equal(leaf.fingerprint, seenOf(certificatePem).fingerprint);
    assert.deepEqual(
      [...bundle.matchAll(/BEGIN ([A-Z ]+)/g)].map(([, kind]) => kind),
      ['CERTIFICATE', 'RSA PRIVATE KEY', 'CERTIFICATE'],
    );
    assert.equal(seenOf(bundle.slice(bundle.lastIndexOf('-----BEGIN CERT'))).fingerprint, seenOf(authorityPem).fingerprint);
  });

  it('is refused in a sentence that quotes nothing', async () => {
    const [one, other] = await Promise.all([selfSigned({ commonName: 'one' }), selfSigned({ commonName: 'other' })]);
    const old = await selfSigned({ commonName: 'old', days: 1, notBefore: new Date('2020-01-01') });
    const locked = createPrivateKey(one.privateKeyPem).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }) as string;
    const rows: [text: string, why: RegExp][] = [
      ['', /no private key/],
      [one.certificatePem, /no private key/],
      [one.privateKeyPem, /no certificate of its private key/],
      [`${one.privateKeyPem}${other.certificatePem}`, /no certificate of its private key/],
      [`${one.privateKeyPem}${other.privateKeyPem}${one.certificatePem}`, /several private keys/],
      [`${locked}${one.certificatePem}`, /passphrase/],
      [`${one.privateKeyPem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`, /cannot be read/],
      [`${old.privateKeyPem}${old.certificatePem}`, /valid from/],
    ];
    for (const [text, why] of rows) assert.throws(() => readWebCertificate(text), why);
  });
});

describe('web-certificate', () => {
  const request = exampleRequest();
  request.cipherTrust.hostName = 'keys.example.com';
  const input = { request, cipherTrust: { address: '172.22.0.5', pin: 'old' } };
  let own: CertificateInfo;
  before(async () => {
    own = seenOf((await selfSigned({ commonName: 'keys.example.com', names: { dns: ['keys.example.com'] } })).certificatePem);
  });
  const ready = () => ({ state: 'ready' as const, name: 'keys.example.com', configured: own.fingerprint, presented: own.fingerprint, wanted: own });
  const rows: [situation: string, seen: () => Seen, expected: string][] = [
    ['its web service restarts', () => ({ state: 'restarting' }), 'wait'],
    ['it has another name', () => ({ ...ready(), name: 'ciphertrust' }), 'set-name'],
    ['it is configured with another certificate', () => ({ ...ready(), configured: 'other' }), 'put-certificate'],
    ['it does not present it yet', () => ({ ...ready(), presented: 'old' }), 'restart-web'],
    ['all is as wanted', ready, 'done'],
    ['no certificate is wanted', () => ({ state: 'ready', name: 'keys.example.com', configured: 'old', presented: 'old' }), 'done'],
  ];
  for (const [situation, seen, expected] of rows)
    it(`${situation}: ${expected}`, () => {
      const decision = decideWebCertificate(seen(), input);
      assert.equal('change' in decision ? decision.change : decision.kind, expected);
    });

  it('goes on with what is presented now, and warns where the certificate is for another name', () => {
    const decision = decideWebCertificate(ready(), input);
    assert.ok(decision.kind === 'done');
    assert.deepEqual([decision.result.cipherTrust.pin, decision.result.warnings], [own.fingerprint, []]);
    const other = decideWebCertificate({ ...ready(), name: 'elsewhere' }, { ...input, request: exampleRequest() });
    assert.ok(other.kind === 'done' && /neither elsewhere nor 172.22.0.5/.test(other.result.warnings[0] ?? ''));
  });
});

import 'reflect-metadata';
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 } as const;
const ec = { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' } as const;
const day = 86_400_000;

/** A certificate with its unencrypted private key (PKCS#1, or SEC1 for an elliptic curve), both PEM. */
export interface Identity {
  certificatePem: string;
  privateKeyPem: string;
}

export interface IdentityRequest {
  commonName: string;
  /** DNS names and IP addresses the certificate is good for. */
  names?: { dns?: string[]; ip?: string[] };
  days?: number;
  notBefore?: Date;
  /** Of which kind the key is; RSA when absent. */
  key?: 'rsa' | 'ec';
}

const algorithmOf = (key: IdentityRequest['key']) => (key === 'ec' ? ec : rsa);

async function newKeys(request: IdentityRequest) {
  const keys = (await webcrypto.subtle.generateKey(algorithmOf(request.key), true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const type = request.key === 'ec' ? 'sec1' : 'pkcs1';
  const privateKeyPem = KeyObject.from(keys.privateKey).export({ type, format: 'pem' }) as string;
  return { keys, privateKeyPem };
}

const validity = ({ key, days = 3650, notBefore = new Date(Date.now() - 60_000) }: IdentityRequest) => ({
  serialNumber: randomBytes(16).toString('hex').replace(/^./, '1'),
  notBefore,
  notAfter: new Date(notBefore.getTime() + days * day),
  signingAlgorithm: algorithmOf(key),
});

const alternativeNames = ({ names }: IdentityRequest) =>
  new x509.SubjectAlternativeNameExtension([
    ...(names?.dns ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(names?.ip ?? []).map((value) => ({ type: 'ip' as const, value })),
  ]);

/** A self-signed certificate, as appliances make for themselves. */
export async function selfSigned(request: IdentityRequest): Promise<Identity> {
  const { keys, privateKeyPem } = await newKeys(request);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(request),
    name: [{ CN: [request.commonName] }],
    keys,
    extensions: [alternativeNames(request)],
  });
  return { certificatePem: `${certificate.toString('pem')}\n`, privateKeyPem };
}

/** A self-signed certificate again, with the same key and times, in which every name is changed. */
export async function renewed(pem: string, key: KeyObject, change: (name: string) => string): Promise<string> {
  const old = new x509.X509Certificate(pem);
  const algorithm = algorithmOf(key.asymmetricKeyType === 'ec' ? 'ec' : 'rsa');
  const privateKey = await webcrypto.subtle.importKey('pkcs8', key.export({ type: 'pkcs8', format: 'der' }), algorithm, true, ['sign']);
  const names = old.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(16).toString('hex').replace(/^./, '1'),
    notBefore: old.notBefore,
    notAfter: old.notAfter,
    signingAlgorithm: algorithm,
    name: change(old.subject),
    keys: { privateKey, publicKey: await old.publicKey.export() },
    extensions: [new x509.SubjectAlternativeNameExtension(names.map(({ type, value }) => ({ type, value: change(value) }) as x509.JsonGeneralName))],
  });
  return `${certificate.toString('pem')}\n`;
}

/** A certificate authority and a server certificate issued by it: what the simulated Azure endpoints present. */
export async function issueServer(request: IdentityRequest): Promise<Identity & { authorityPem: string }> {
  const authority = await newKeys(request);
  const authorityName = [{ CN: ['Simulated Azure authority'] }];
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(request),
    name: authorityName,
    keys: authority.keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)],
  });
  const server = await newKeys(request);
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(request),
    subject: [{ CN: [request.commonName] }],
    issuer: authorityName,
    publicKey: server.keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [alternativeNames(request)],
  });
  return { certificatePem: `${certificate.toString('pem')}\n`, privateKeyPem: server.privateKeyPem, authorityPem: `${root.toString('pem')}\n` };
}

import 'reflect-metadata';
import { createHash, createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { CertificateInfo } from '../domain/results.ts';

const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;

/** A certificate as people see it. */
export function seenOf(pem: string): CertificateInfo {
  const certificate = new X509Certificate(pem);
  return { pem, fingerprint: certificate.fingerprint256, notAfter: new Date(certificate.validTo).toISOString() };
}

/** Is this fingerprint, MD5 or SHA-256 by its length, the certificate’s? */
export function hasFingerprint(pem: string, fingerprint: string): boolean {
  const algorithm = fingerprint.length > 60 ? 'sha256' : fingerprint.length > 50 ? 'sha1' : 'md5';
  return createHash(algorithm).update(new X509Certificate(pem).raw).digest('hex').toUpperCase() === fingerprint.replaceAll(':', '').toUpperCase();
}

/** Does it end within a year? */
export const endsSoon = ({ notAfter }: Pick<CertificateInfo, 'notAfter'>, now = Date.now()): boolean => Date.parse(notAfter) - now < 364 * dayMs;

/** Is it a certificate in PEM, and whole? */
export function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

export function belongTogether(certificatePem: string, keyPem: string): boolean {
  try {
    return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

/** The key as unencrypted PKCS#1, the only form that the HSM’s clients take; undefined for an encrypted one. */
export function asPkcs1(keyPem: string): string | undefined {
  try {
    return createPrivateKey(keyPem).export({ type: 'pkcs1', format: 'pem' }) as string;
  } catch {
    return undefined;
  }
}

/** A self-signed client certificate for a kept key; its common name is the client’s address. It begins a day early: appliance clocks run late. */
export async function selfSignedClient(commonName: string, keyPem: string, days: number): Promise<string> {
  const key = createPrivateKey(keyPem);
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const privateKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, rsa, true, ['sign']);
  const { kty, n, e } = key.export({ format: 'jwk' });
  const publicKey = await webcrypto.subtle.importKey('jwk', { kty, n, e } as webcrypto.JsonWebKey, rsa, true, ['verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }],
    keys: { privateKey, publicKey },
    signingAlgorithm: rsa,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + days * dayMs),
  });
  return `${certificate.toString('pem')}\n`;
}

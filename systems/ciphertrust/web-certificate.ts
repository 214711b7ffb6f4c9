import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { CertificateInfo } from '../../domain/results.ts';
import { seenOf } from '../certificates.ts';

/** A web certificate as CipherTrust Manager takes it. */
export interface WebCertificate {
  /** The leaf, its private key, then the chain up to the root: as the interface’s certificate call wants them (docs/reference/ciphertrust.md#interface-certificate). */
  bundle: string;
  leaf: CertificateInfo;
}

const blocks = (text: string, kind: string): string[] => text.match(new RegExp(`-----BEGIN ${kind}-----[\\s\\S]+?-----END ${kind}-----`, 'g')) ?? [];

/**
 * Reads certificates and private key, in any order, out of a PEM text.
 * @throws Error whose message says in one sentence why it cannot be used, and never quotes the text.
 */
export function readWebCertificate(text: string, now = new Date()): WebCertificate {
  const certificates = blocks(text, 'CERTIFICATE').map(parsed);
  const [keyPem, second] = blocks(text, '[A-Z ]*PRIVATE KEY');
  if (!keyPem || second) throw new Error(`it holds ${keyPem ? 'several private keys' : 'no private key'} in PEM form`);
  const key = unlocked(keyPem);
  const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key));
  if (!leaf) throw new Error('it holds no certificate of its private key');
  if (leaf.validFromDate > now || leaf.validToDate < now) throw new Error(`its certificate is valid from ${leaf.validFrom} to ${leaf.validTo}`);
  const chain = chainOf(leaf, certificates);
  const pem = (certificate: X509Certificate) => certificate.toString().trim();
  return { bundle: `${[pem(leaf), keyPem, ...chain.map(pem)].join('\n')}\n`, leaf: seenOf(leaf.toString()) };
}

function parsed(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new Error('one of its certificates cannot be read');
  }
}

function unlocked(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error('its private key cannot be read, or is protected by a passphrase');
  }
}

/** Those above a certificate, from the nearest one to the root, as far as they are there. */
function chainOf(leaf: X509Certificate, certificates: X509Certificate[]): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let below = leaf; ; ) {
    const above = certificates.find((other) => other !== below && !chain.includes(other) && other !== leaf && below.checkIssued(other));
    if (!above) return chain;
    chain.push(above);
    below = above;
  }
}

import { createPrivateKey, type KeyObject } from 'node:crypto';
import ssh2 from 'ssh2';

/** A private key that was read: its PKCS#1 PEM, and the OpenSSH line of its public half without a comment. */
export interface RsaKey {
  privatePem: string;
  publicLine: string;
}

const smallest = 2048;

/** Node reads PKCS#1 and PKCS#8, ssh2 reads OpenSSH’s own form. */
function parse(text: string): KeyObject {
  if (!text.includes('BEGIN OPENSSH PRIVATE KEY')) return createPrivateKey(text);
  const [key] = [ssh2.utils.parseKey(text)].flat();
  if (!key || key instanceof Error) throw key ?? new Error('no key');
  return createPrivateKey(key.getPrivatePEM());
}

/**
 * Reads an RSA private key in OpenSSH, PKCS#1 or PKCS#8 form.
 * @throws Error whose message says in one sentence why it cannot be used, and never quotes the key.
 */
export function readRsaKey(text: string): RsaKey {
  if (/ENCRYPTED/.test(text)) throw new Error('it is protected by a passphrase');
  let key: KeyObject;
  try {
    key = parse(text);
  } catch {
    throw new Error('it is no private key in OpenSSH, PKCS#1 or PKCS#8 form, or it is protected by a passphrase');
  }
  if (key.asymmetricKeyType !== 'rsa') throw new Error(`it is of the kind ${key.asymmetricKeyType}; CipherTrust Manager supports RSA`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < smallest) throw new Error(`it has ${bits} bits; ${smallest} are the minimum`);
  const privatePem = key.export({ type: 'pkcs1', format: 'pem' }) as string;
  return { privatePem, publicLine: publicLine(privatePem) };
}

/** The OpenSSH line of a private key. */
export function publicLine(privatePem: string, comment = ''): string {
  const key = ssh2.utils.parseKey(privatePem);
  if (key instanceof Error) throw key;
  return `${key.type} ${key.getPublicSSH().toString('base64')} ${comment}`.trim();
}

/** Are these two OpenSSH lines the same key, whatever their comments? */
export const sameKey = (a: string, b: string): boolean => bare(a) === bare(b);
const bare = (line: string): string => line.trim().split(/\s+/).slice(0, 2).join(' ');

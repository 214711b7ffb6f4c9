import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { renewed } from './certificates.ts';
import type { HostState } from './windows/state.ts';

/** Old → new: names, addresses, serials. Whole words alone are meant: 172.22.1.4 is no part of 172.22.1.40. */
export type Renaming = Readonly<Record<string, string>>;

type Tree = Record<string, unknown>;

const certificateBlock = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const keyBlock = /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----[\s\S]+?-----END (?:RSA |EC )?PRIVATE KEY-----/g;

/** Renames in a text. What is written in small letters alone stays so: ids are kept that way. */
export function renamer(renaming: Renaming): (text: string) => string {
  const olds = Object.keys(renaming).sort((one, other) => other.length - one.length);
  if (olds.length === 0) return (text) => text;
  const any = olds.map((old) => old.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const pattern = new RegExp(`(?<![A-Za-z0-9.])(${any})(?![A-Za-z0-9]|\\.\\d)`, 'gi');
  const lower = new Map(olds.map((old) => [old.toLowerCase(), renaming[old]!]));
  return (text) =>
    text.replaceAll(pattern, (found) => {
      const fresh = lower.get(found.toLowerCase())!;
      return found === found.toLowerCase() && !olds.includes(found) ? fresh.toLowerCase() : fresh;
    });
}

/**
 * The same world under other names. Certificates that name what is renamed are made again with the same keys, so that whoever holds a key still fits its
 * certificate. `keys` are private keys (PEM) that the world does not hold itself.
 */
export async function renamed(state: Tree, renaming: Renaming, keys: readonly string[] = []): Promise<Tree> {
  if (Object.keys(renaming).length === 0) return structuredClone(state);
  const change = renamer(renaming);
  const texts = textsIn(state);
  const privateKeys = [...texts.flatMap((text) => text.match(keyBlock) ?? []), ...keys].flatMap(readKey);
  const fresh = new Map<string, string>();
  for (const pem of new Set(texts.flatMap((text) => text.match(certificateBlock) ?? []))) {
    const again = await renewedFor(pem, change, privateKeys);
    if (again) fresh.set(digest(pem), again.trim());
  }
  const withCertificates = (text: string) => text.replaceAll(certificateBlock, (pem) => fresh.get(digest(pem)) ?? pem);
  return mapped(state, (text) => withCertificates(outsideBlocks(text, change))) as Tree;
}

/** PEM is no place for names. */
const outsideBlocks = (text: string, change: (text: string) => string): string =>
  text
    .split(/(-----BEGIN [A-Z ]+-----[\s\S]+?-----END [A-Z ]+-----)/)
    .map((part) => (part.startsWith('-----BEGIN') ? part : change(part)))
    .join('');

const digest = (pem: string): string => new X509Certificate(pem).fingerprint256;

function readKey(pem: string): KeyObject[] {
  try {
    return [createPrivateKey(pem)];
  } catch {
    // Encrypted, or no key: nothing can be signed with it.
    return [];
  }
}

/** Undefined where the certificate names nothing that is renamed. */
async function renewedFor(pem: string, change: (text: string) => string, keys: readonly KeyObject[]): Promise<string | undefined> {
  const certificate = new X509Certificate(pem);
  const named = [certificate.subject, certificate.subjectAltName ?? ''];
  if (named.every((text) => change(text) === text)) return undefined;
  const key = keys.find((candidate) => certificate.checkPrivateKey(candidate));
  if (!key || certificate.subject !== certificate.issuer) throw new Error(`The certificate of ${named.join(' ')} cannot be made again: its key is not here.`);
  return renewed(pem, key, change);
}

/** Files of Windows hosts are kept in base64. */
const isFileContent = (path: readonly string[]): boolean => path[0] === 'windowsHosts' && path.at(-1) === 'content' && path.at(-3) === 'files';

function textsIn(state: Tree): string[] {
  const texts: string[] = [];
  mapped(state, (text) => {
    texts.push(text);
    return text;
  });
  return texts;
}

function mapped(value: unknown, change: (text: string) => string, path: readonly string[] = []): unknown {
  if (typeof value === 'string') return isFileContent(path) ? inFile(value, change) : change(value);
  if (Array.isArray(value)) return value.map((item, at) => mapped(item, change, [...path, `${at}`]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [change(name), mapped(item, change, [...path, name])]));
}

function inFile(content: FileContent, change: (text: string) => string): FileContent {
  const bytes = Buffer.from(content, 'base64');
  const text = bytes.toString('utf8');
  // What is no text holds no names.
  return Buffer.from(text).equals(bytes) ? Buffer.from(change(text)).toString('base64') : content;
}

type FileContent = HostState['files'][string]['content'];

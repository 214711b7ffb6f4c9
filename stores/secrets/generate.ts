import { generateKeyPair, randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Purpose } from './store.ts';

const lower = 'abcdefghijkmnopqrstuvwxyz';
const upper = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
const digits = '23456789';
/** Safe in LunaSH, lunacm and the tools that they call (docs/reference/luna.md#password-characters). */
const special = '-_=+.';

/** A number from 0 up to, not including, the limit. */
export type Below = (limit: number) => number;

const pick = (letters: string, below: Below): string => letters[below(letters.length)]!;

function shuffled(letters: string[], below: Below): string[] {
  for (let at = letters.length - 1; at > 0; at--) {
    const other = below(at + 1);
    [letters[at], letters[other]] = [letters[other]!, letters[at]!];
  }
  return letters;
}

/** A password with each class at least twice inside; it begins and ends with a small letter, since some rules do not count a capital in front or a digit at the end. */
function password(length: number, below: Below): string {
  const all = lower + upper + digits + special;
  const inner = [
    ...[lower, upper, digits, special].flatMap((letters) => [pick(letters, below), pick(letters, below)]),
    ...Array.from({ length: length - 10 }, () => pick(all, below)),
  ];
  return pick(lower, below) + shuffled(inner, below).join('') + pick(lower, below);
}

/** Letters and digits, a letter first: the whole set that domains may have is not documented (docs/reference/luna.md#cloning-domain). */
const domain = (length: number, below: Below): string =>
  pick(lower, below) + Array.from({ length: length - 1 }, () => pick(lower + upper + digits, below)).join('');

const keyBits = { 'windows-ssh-key': 3072, 'ciphertrust-ssh-key': 3072, 'client-certificate-key': 2048 } as const satisfies Partial<Record<Purpose, number>>;
type KeyPurpose = keyof typeof keyBits;
export type TextPurpose = Exclude<Purpose, KeyPurpose>;

/** How many letters each kind has, within what its system takes. */
const lengths: Record<TextPurpose, number> = {
  'windows-admin-password': 24, // Azure: 12 to 123
  'appliance-password': 24, // LunaSH: at least 8
  'hsm-so-password': 24, // 7 to 255
  'hsm-domain': 32, // 1 to 128
  'partition-so-password': 24, // 8 to 255; before firmware 7.7: 7
  'partition-domain': 32,
  'crypto-officer-temporary-password': 24,
  'crypto-officer-password': 24,
  'ciphertrust-admin-password': 24, // 8 to 30
};

/** A new password or domain for a purpose, within the rules of the system that will get it. */
export function generateText(purpose: TextPurpose, below: Below = randomInt): string {
  return (purpose.endsWith('-domain') ? domain : password)(lengths[purpose], below);
}

const generate = promisify(generateKeyPair);

/** An RSA private key, PKCS#1 PEM. */
async function rsaKey(bits: number): Promise<string> {
  const { privateKey } = await generate('rsa', { modulusLength: bits });
  return privateKey.export({ type: 'pkcs1', format: 'pem' }) as string;
}

/** A new value for a purpose. */
export async function generateSecret(purpose: Purpose): Promise<string> {
  return purpose in keyBits ? rsaKey(keyBits[purpose as KeyPurpose]) : generateText(purpose as TextPurpose);
}

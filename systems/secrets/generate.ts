import { generateKeyPair, randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Purpose } from './store.ts';

const lower = 'abcdefghijkmnopqrstuvwxyz';
const upper = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
const digits = '23456789';
/** Safe in LunaSH, lunacm and the tools that they call (reference: field notes on an A790). */
const special = '-_=+.';

const pick = (letters: string): string => letters[randomInt(letters.length)]!;

function shuffled(letters: string[]): string[] {
  for (let at = letters.length - 1; at > 0; at--) {
    const other = randomInt(at + 1);
    [letters[at], letters[other]] = [letters[other]!, letters[at]!];
  }
  return letters;
}

/** A password with each class at least twice inside; it begins and ends with a small letter, since some rules do not count a capital in front or a digit at the end. */
function password(length: number): string {
  const all = lower + upper + digits + special;
  const inner = [
    ...[lower, upper, digits, special].flatMap((letters) => [pick(letters), pick(letters)]),
    ...Array.from({ length: length - 10 }, () => pick(all)),
  ];
  return pick(lower) + shuffled(inner).join('') + pick(lower);
}

const domain = (): string => pick(lower) + Array.from({ length: 31 }, () => pick(lower + upper + digits)).join('');

const generate = promisify(generateKeyPair);

/** An RSA private key, PKCS#1 PEM. */
async function rsaKey(bits: number): Promise<string> {
  const { privateKey } = await generate('rsa', { modulusLength: bits });
  return privateKey.export({ type: 'pkcs1', format: 'pem' }) as string;
}

/** CipherTrust Manager takes 8 to 30 characters, Windows at least 12, the HSM 7 to 255: 24 fit all of them. */
const passwordLength = 24;

/** A new value for a purpose, within the rules of the system that will get it. */
export async function generateSecret(purpose: Purpose): Promise<string> {
  if (purpose === 'windows-ssh-key') return rsaKey(3072);
  if (purpose === 'ciphertrust-ssh-key') return rsaKey(4096);
  if (purpose === 'client-certificate-key') return rsaKey(2048);
  return purpose.endsWith('-domain') ? domain() : password(passwordLength);
}

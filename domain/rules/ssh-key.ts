const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function decodeBase64(text: string): number[] | undefined {
  const clean = text.replace(/=+$/, '');
  if (!/^[A-Za-z0-9+/]+$/.test(clean)) return undefined;
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const letter of clean) {
    held = (held << 6) | alphabet.indexOf(letter);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 255);
      held &= (1 << bits) - 1;
    }
  }
  return bytes;
}

/** Reads the length-prefixed fields of an OpenSSH key blob (RFC 4253 §6.6). */
function fields(bytes: number[]): number[][] | undefined {
  const found: number[][] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.slice(at, at + 4).reduce((sum, byte) => sum * 256 + byte, 0);
    if (at + 4 + length > bytes.length) return undefined;
    found.push(bytes.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

/** Size of the modulus of an OpenSSH RSA public key, in bits; undefined where the text is no such key. */
export function rsaBits(line: string): number | undefined {
  const [type, blob = ''] = line.trim().split(/\s+/);
  const bytes = type === 'ssh-rsa' ? decodeBase64(blob) : undefined;
  const parts = bytes && fields(bytes);
  if (parts?.length !== 3 || String.fromCharCode(...parts[0]!) !== 'ssh-rsa') return undefined;
  const modulus = parts[2]!.slice(parts[2]!.findIndex((byte) => byte !== 0));
  return modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
}

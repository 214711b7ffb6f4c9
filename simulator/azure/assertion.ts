import { constants, createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';

/** A JSON web token that somebody proves himself with, taken apart. */
export interface Assertion {
  header: { alg?: string; kid?: string; x5t?: string; 'x5t#S256'?: string };
  claims: { iss?: string; sub?: string; aud?: string; exp?: number; nbf?: number; iat?: number };
  signed: string;
  signature: Buffer;
}

/** Clocks may differ by so much. */
const toleranceMs = 5 * 60_000;

const parsed = (part: string): object => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as object;

/** Undefined for what is no token. */
export function read(text: string): Assertion | undefined {
  const [header, claims, signature, ...more] = text.split('.');
  if (!header || !claims || !signature || more.length > 0) return undefined;
  try {
    return { header: parsed(header), claims: parsed(claims), signed: `${header}.${claims}`, signature: Buffer.from(signature, 'base64url') };
  } catch {
    return undefined;
  }
}

/** Was it issued by somebody else than the application itself? */
export const isFederated = ({ header, claims }: Assertion, clientId: string): boolean =>
  header.x5t === undefined && header['x5t#S256'] === undefined && claims.iss !== clientId;

/** Of a certificate, as they stand in a token: SHA-1 and SHA-256. */
export const thumbprints = (pem: string): string[] => {
  const { raw } = new X509Certificate(pem);
  return ['sha1', 'sha256'].map((algorithm) => createHash(algorithm).update(raw).digest('base64url'));
};

/** Is the signature that of this key or certificate? */
export function signedBy({ header, signed, signature }: Assertion, pem: string): boolean {
  const key = createPublicKey(pem);
  const data = Buffer.from(signed);
  if (header.alg === 'RS256') return verify('sha256', data, key, signature);
  if (header.alg === 'PS256')
    return verify('sha256', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature);
  return false;
}

export function hasExpired({ claims: { exp = 0, nbf = 0 } }: Assertion): boolean {
  return exp * 1000 + toleranceMs < Date.now() || nbf * 1000 - toleranceMs > Date.now();
}

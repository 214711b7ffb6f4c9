import { constants, createHash, sign, X509Certificate } from 'node:crypto';

interface Signed {
  header?: object;
  claims: object;
  privateKeyPem: string;
  /** RS256 unless told otherwise. */
  algorithm?: 'RS256' | 'PS256';
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JSON web token as RFC 7515 signs it, made without any library of anybody’s. */
export function webToken({ header = {}, claims, privateKeyPem: key, algorithm = 'RS256' }: Signed): string {
  const signed = `${part({ alg: algorithm, typ: 'JWT', ...header })}.${part(claims)}`;
  const padding = algorithm === 'PS256' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, ...padding }).toString('base64url')}`;
}

export const thumbprint = (certificatePem: string, algorithm: 'sha1' | 'sha256'): string =>
  createHash(algorithm).update(new X509Certificate(certificatePem).raw).digest('base64url');

export const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

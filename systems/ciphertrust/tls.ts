import type { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';

export interface Leaf {
  pem: string;
  /** SHA-256, upper-case hex with colons. */
  fingerprint: string;
}

/** The certificate that a server presents, whoever signed it: a new CipherTrust Manager has signed its own. */
export function readLeaf(socket: Duplex, signal: AbortSignal): Promise<Leaf> {
  return new Promise((resolve, reject) => {
    const tls = connect({ socket, rejectUnauthorized: false }, () => {
      const certificate = tls.getPeerX509Certificate();
      tls.destroy();
      if (certificate) resolve(leafOf(certificate));
      else reject(new Error('no certificate was presented'));
    });
    signal.addEventListener('abort', () => tls.destroy(new Error('aborted')), { once: true });
    tls.once('error', reject);
    tls.once('close', () => reject(new Error('the connection was closed')));
    tls.setTimeout(15_000, () => tls.destroy(new Error('no TLS handshake within 15 s')));
  });
}

const leafOf = (certificate: X509Certificate): Leaf => ({ pem: certificate.toString(), fingerprint: certificate.fingerprint256 });

/** TLS options that trust exactly this leaf. Sessions are not resumed: a resumed one would not be checked. */
export const trustOnly = ({ pem, fingerprint }: Leaf) => ({
  ca: [pem],
  allowPartialTrustChain: true,
  maxCachedSessions: 0,
  keepAlive: false,
  checkServerIdentity: (_host: string, { fingerprint256 }: { fingerprint256: string }) =>
    fingerprint256 === fingerprint ? undefined : new Error('another certificate than the pinned one was presented'),
});

import type { X509Certificate } from 'node:crypto';
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { PresentedCertificate } from '../../domain/results.ts';
import type { Fence } from '../fence.ts';
import type { LastingActName } from '../lasting-acts.ts';
import { permitted } from '../outbound.ts';
import { secured } from '../tls.ts';

export interface Leaf {
  /** SHA-256, upper-case hex with colons. */
  fingerprint: string;
  shown: PresentedCertificate;
}

/**
 * A TLS connection, whoever signed the certificate that is presented: a new CipherTrust Manager has signed its own, by a clock of its own. The handshake proves
 * that the other side has the leaf’s key; whether it is the right leaf is for the caller to say, before anything is sent.
 */
const handshake = (socket: Duplex, signal: AbortSignal): Promise<TLSSocket> =>
  secured(socket, { rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, signal);

/** The certificate that a server presents. */
export async function readLeaf(socket: Duplex, signal: AbortSignal): Promise<Leaf> {
  const tls = await handshake(socket, signal);
  const leaf = tls.getPeerX509Certificate();
  tls.destroy();
  if (!leaf) throw new Error('no certificate was presented');
  return { fingerprint: leaf.fingerprint256, shown: shownOf(leaf) };
}

function shownOf(leaf: X509Certificate): PresentedCertificate {
  const chain = [leaf];
  // A self-signed certificate is its own issuer.
  for (let above = leaf.issuerCertificate; above && above.fingerprint256 !== chain.at(-1)!.fingerprint256; above = above.issuerCertificate) chain.push(above);
  return {
    subject: oneLine(leaf.subject),
    names: leaf.subjectAltName ?? '',
    notBefore: leaf.validFromDate.toISOString(),
    notAfter: leaf.validToDate.toISOString(),
    chain: chain.map(({ subject, issuer, fingerprint256 }) => ({ subject: oneLine(subject), issuer: oneLine(issuer), fingerprint: fingerprint256 })),
  };
}

/** Distinguished names come with a line for each part, and may be missing. */
const oneLine = (name: string | undefined): string => (name ?? '').trim().replaceAll('\n', ', ');

const reads = ['GET', 'HEAD'];
const lastingRequests: [path: RegExp, act: LastingActName][] = [
  [/\/hsm\/setup$/, 'hsm-setup'],
  [/\/services\/restart$/, 'service-restart'],
  [/\/auth\/changepw$/, 'manager-password'],
  [/\/ntp\/servers$|\/licensing\/licenses$|\/interfaces\/[^/]+\/certificate$/, 'manager-secret'],
];

/** What goes on when a request was answered, or its answer is lost, or what gives the manager a secret. */
function lastingActOf(url = ''): LastingActName | undefined {
  const plain = url.replace(/\?.*$/, '').replace(/\/$/, '');
  return lastingRequests.find(([known]) => known.test(plain))?.[1];
}

/** How a request gets its permit; a plain read needs none. */
export const permitFor = ({ method = 'GET', url }: { method?: string; url?: string }, fence: Fence): (() => Promise<void>) | undefined =>
  reads.includes(method.toUpperCase()) ? undefined : () => fence.permit(lastingActOf(url));

/**
 * Makes connections of its own for a request, and hands over only those whose other side has the pinned certificate. It then asks for the permit: anywhere
 * earlier, name resolution and handshakes would lie between the permit and the bytes. Node does not tell an agent which path a connection is for.
 */
export class PinnedAgent extends Agent {
  readonly #open: () => Promise<Duplex>;
  readonly #pin: string;
  readonly #signal: AbortSignal;
  readonly permit: (() => Promise<void>) | undefined;

  constructor(pin: string, open: () => Promise<Duplex>, signal: AbortSignal, permit?: () => Promise<void>) {
    super({ keepAlive: false });
    this.#open = open;
    this.#pin = pin;
    this.#signal = signal;
    this.permit = permit;
  }

  override createConnection(_: AgentOptions, done: (error: Error | null, socket: Duplex) => void): undefined {
    this.#pinned(this.permit).then(
      (tls) => done(null, tls),
      (error: Error) => done(error, undefined as never),
    );
  }

  async #pinned(permit?: () => Promise<void>): Promise<TLSSocket> {
    const tls = await handshake(await this.#open(), this.#signal);
    if (tls.getPeerX509Certificate()?.fingerprint256 === this.#pin) return permitted(tls, permit);
    tls.destroy();
    throw Object.assign(new Error('another certificate than the pinned one was presented'), { code: notSent });
  }
}

/** Marks errors of a connection that never came about: nothing was sent. */
export const notSent = 'NOT_SENT';

import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { onAbort } from './aborting.ts';
import { surviveLateErrors } from './late-errors.ts';

const handshakeMs = 15_000;

/**
 * A TLS connection over one that is open, once its handshake is over; the options are those of `tls.connect`. The two end together, and with the signal. Rejects
 * with the first error; later ones end nothing else.
 */
export function secured(socket: Duplex, options: ConnectionOptions, signal?: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    surviveLateErrors(socket);
    const tls = surviveLateErrors(connect({ ...options, socket }));
    const fail = (why: string) => tls.destroy(new Error(why));
    const patience = setTimeout(() => fail(`no TLS handshake within ${handshakeMs / 1000} s`), handshakeMs);
    tls.once('secureConnect', () => {
      clearTimeout(patience);
      resolve(tls);
    });
    tls.once('error', reject);
    tls.once('close', () => {
      clearTimeout(patience);
      stopListening();
      socket.destroy();
      reject(new Error('the connection was closed'));
    });
    const stopListening = signal ? onAbort(signal, () => fail('aborted')) : () => {};
  });
}

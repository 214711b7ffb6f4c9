import type { Duplex } from 'node:stream';
import axios, { type AxiosAdapter } from 'axios';
import { unsafe } from '../../domain/failure.ts';
import type { ManagerEndpoint, PinnedHost, StepContext } from '../../domain/results.ts';
import { currentFence } from '../fence.ts';
import type { Outbound } from '../outbound.ts';
import type { Windows } from '../windows/windows.ts';
import { noAnswer } from './errors.ts';
import { Manager, type SessionSlot } from './manager.ts';
import { type Leaf, notSent, PinnedAgent, permitFor, readLeaf } from './tls.ts';

export type { Manager } from './manager.ts';

/** Where a manager is, whoever it is. */
export interface Place {
  address: string;
  through?: PinnedHost;
}

/** How CipherTrust Managers are reached. */
export interface CipherTrust {
  /** A connection to one of its ports. */
  socket(job: StepContext, place: Place, port: number, signal: AbortSignal): Promise<Duplex>;
  /** The certificate that is presented now; undefined where nothing answers. */
  leaf(job: StepContext, place: Place, signal: AbortSignal): Promise<Leaf | undefined>;
  /** A connection that accepts only the pinned certificate; another one is `Unsafe`. Who has just looked says what is presented. */
  connect(job: StepContext, at: ManagerEndpoint, signal: AbortSignal, presented?: Leaf): Promise<Manager>;
}

/** So many sign-ins are kept at most: of each run one, and one more for each certificate that its manager came to present. */
const mostSessions = 64;

/** The sign-ins of this process: of each run at each manager with the certificate that it presents, so that one serves all looks of a run. */
class Sessions {
  readonly #slots = new Map<string, SessionSlot>();

  of({ target, runId }: StepContext, { address, pin }: ManagerEndpoint): SessionSlot {
    const key = JSON.stringify([target, runId, address, pin]);
    const slot = this.#slots.get(key) ?? {};
    // The one that was used last stands last.
    this.#slots.delete(key);
    this.#slots.set(key, slot);
    for (const oldest of this.#slots.keys()) {
      if (this.#slots.size <= mostSessions) break;
      this.#slots.delete(oldest);
    }
    return slot;
  }
}

/** What a test may put in place of the wire. */
interface Wire {
  leaf: CipherTrust['leaf'];
  adapter: AxiosAdapter;
}

export function createCipherTrust(outbound: Outbound, windows: Windows, wire?: Wire): CipherTrust {
  const sessions = new Sessions();
  const socket: CipherTrust['socket'] = (job, { address, through }, port, signal) =>
    through ? windows.socket(job, through, { address, port }, signal) : outbound.socket(address, port, signal);
  const readNow: CipherTrust['leaf'] = async (job, place, signal) => {
    try {
      return await readLeaf(await socket(job, place, 443, signal), signal);
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  };
  const leaf = wire?.leaf ?? readNow;
  return {
    socket,
    leaf,
    async connect(job, at, signal, seen) {
      const { address, pin } = at;
      const presented = seen ?? (await leaf(job, at, signal));
      if (!presented) throw noAnswer(`connecting to CipherTrust Manager at ${address}`, new Error('it does not answer'));
      if (presented.fingerprint !== pin)
        throw unsafe({
          code: 'CIPHERTRUST_CERTIFICATE_CHANGED',
          tried: `connecting to CipherTrust Manager at ${address}`,
          summary: `it presents the certificate ${presented.fingerprint}, not ${pin}`,
          remedy: 'Find out who changed the certificate, or who stands in between, before you retry.',
        });
      const open = () =>
        socket(job, at, 443, signal).catch((error: unknown) => {
          throw Object.assign(new Error(error instanceof Error ? error.message : String(error)), { code: notSent });
        });
      const http = axios.create({
        baseURL: `https://${address}/api`,
        ...(wire ? { adapter: wire.adapter } : {}),
        proxy: false,
        maxRedirects: 0,
        validateStatus: () => true,
        headers: { Accept: 'application/json' },
      });
      const fence = currentFence();
      http.interceptors.request.use((config) => Object.assign(config, { httpsAgent: new PinnedAgent(pin, open, signal, permitFor(config, fence)) }));
      return new Manager(http, signal, sessions.of(job, at));
    },
  };
}

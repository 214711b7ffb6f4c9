import axios, { type AxiosInstance } from 'axios';
import { unsafe } from '../../domain/failure.ts';
import type { Job, Pinned } from '../../domain/results.ts';
import type { Outbound } from '../outbound.ts';
import { kept } from '../secrets/kept.ts';
import type { SecretStore } from '../secrets/store.ts';
import { type Answer, answerFailure, isSuccess, noAnswer, source } from './errors.ts';
import { type Leaf, readLeaf, trustOnly } from './tls.ts';

const usualTimeoutMs = 60_000;
/** `hsm/setup` speaks to the HSM before it answers. */
const hsmTimeoutMs = 150_000;

/** How CipherTrust Managers are reached. */
export interface CipherTrust {
  /** The certificate that is presented now; undefined where nothing answers. */
  leaf(address: string, signal: AbortSignal): Promise<Leaf | undefined>;
  /** A connection that accepts only the pinned certificate; another one is `Unsafe`. */
  connect(pinned: Pinned, signal: AbortSignal): Promise<Manager>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** The REST API of one CipherTrust Manager. */
export class Manager {
  readonly #http: AxiosInstance;
  readonly #signal: AbortSignal;
  #token: string | undefined;

  constructor(http: AxiosInstance, signal: AbortSignal) {
    this.#http = http;
    this.#signal = signal;
  }

  /** Asks and gives the answer, whatever it is; a connection that fails is `Transient`. */
  async raw(method: Method, path: string, body?: object, query?: object): Promise<Answer> {
    try {
      const { status, data } = await this.#http.request({
        method,
        url: path,
        signal: this.#signal,
        timeout: path.includes('/hsm/') ? hsmTimeoutMs : usualTimeoutMs,
        ...(body === undefined ? {} : { data: body }),
        ...(query === undefined ? {} : { params: query }),
        headers: this.#token ? { Authorization: `Bearer ${this.#token}` } : {},
      });
      return { status, body: data };
    } catch (error) {
      this.#signal.throwIfAborted();
      throw noAnswer(`${method} ${path}`, withoutRequest(error));
    }
  }

  /** Asks and gives the body of a success; anything else is a failure. */
  async ask<T>(method: Method, path: string, body?: object, query?: object): Promise<T> {
    const answer = await this.raw(method, path, body, query);
    if (isSuccess(answer)) return answer.body as T;
    throw answerFailure(`${method} ${path}`, answer, body);
  }

  /** Signs in as admin. False where the password is refused; a default password is never tried here. */
  async signIn(password: string): Promise<boolean> {
    this.#token = undefined;
    const body = { grant_type: 'password', username: 'admin', password };
    const answer = await this.raw('POST', '/v1/auth/tokens/', body);
    if (answer.status === 401 || answer.status === 403) return false;
    if (!isSuccess(answer)) throw answerFailure('signing in to CipherTrust Manager', answer, body);
    this.#token = (answer.body as { jwt?: string }).jwt;
    return this.#token !== undefined;
  }

  /** Replaces the factory password. False where that password is refused: it was replaced before. */
  async replaceDefaultPassword(password: string): Promise<boolean> {
    const body = { username: 'admin', password: 'admin', new_password: password };
    const answer = await this.raw('PATCH', '/v1/auth/changepw', body);
    if (answer.status === 401) return false;
    if (!isSuccess(answer)) throw answerFailure('replacing the default password of CipherTrust Manager', answer, { new_password: password });
    return true;
  }

  /** A list, as far as one answer goes. Its entries stand under `resources`, those of `mkeks` under `info`. */
  async list<T>(path: string, query?: object): Promise<T[]> {
    const { resources, info = [] } = await this.ask<{ resources?: T[]; info?: T[] }>('GET', path, undefined, query);
    return resources ?? info;
  }
}

/** An axios error carries headers and bodies: only its words go on. */
const withoutRequest = (error: unknown): unknown => (axios.isAxiosError(error) ? new Error(`${error.code ?? ''} ${error.message}`.trim()) : error);

export function createCipherTrust(outbound: Outbound): CipherTrust {
  const leaf = async (address: string, signal: AbortSignal): Promise<Leaf | undefined> => {
    try {
      return await readLeaf(await outbound.socket(address, 443, signal), signal);
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  };
  return {
    leaf,
    async connect({ address, pin }, signal) {
      const presented = await leaf(address, signal);
      if (!presented) throw noAnswer(`connecting to CipherTrust Manager at ${address}`, new Error('it does not answer'));
      if (presented.fingerprint !== pin)
        throw unsafe({
          tried: `connecting to CipherTrust Manager at ${address}`,
          seen: `it presents the certificate ${presented.fingerprint}, not ${pin}`,
          source,
          remedy: 'Find out who changed the certificate, or who stands in between, before you retry.',
        });
      const http = axios.create({
        baseURL: `https://${address}/api`,
        httpsAgent: outbound.httpsAgent(trustOnly(presented)),
        proxy: false,
        maxRedirects: 0,
        validateStatus: () => true,
        headers: { Accept: 'application/json' },
      });
      return new Manager(http, signal);
    },
  };
}

/** A connection that is signed in with the kept password. */
export async function signedIn(cipherTrust: CipherTrust, secrets: SecretStore, { target }: Job, pinned: Pinned, signal: AbortSignal): Promise<Manager> {
  const manager = await cipherTrust.connect(pinned, signal);
  if (await manager.signIn(await kept(secrets, target, 'ciphertrust-admin-password'))) return manager;
  throw answerFailure('signing in to CipherTrust Manager with the kept password', { status: 401, body: { message: 'the password is refused' } });
}

import axios, { type AxiosInstance, type AxiosRequestConfig } from 'axios';
import { type TProperties, Type } from 'typebox';
import { notReady, StepFailure } from '../../domain/failure.ts';
import { noPermitIn } from '../fence.ts';
import { codeOf, isFields, type Read, readFields, syscallOf } from '../foreign.ts';
import { type Answer, answerFailure, isSuccess, lockedForMs, noAnswer, retryAfter, saysLocked, saysWrongPassword } from './errors.ts';
import { notSent } from './tls.ts';

const usualTimeoutMs = 60_000;
/** What speaks to the HSM takes its time. */
const hsmTimeoutMs = 150_000;
/** Tokens live for 300 s; one is renewed so long before its end (docs/reference/ciphertrust.md#tokens). */
const renewBeforeMs = 60_000;
const usualTokenSeconds = 300;
/** How long a locked account is left alone where nothing is said, in milliseconds. */
const lockedMs = 300_000;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Question {
  method: Method;
  path: string;
  body?: object | undefined;
  query?: object | undefined;
  /** Not as the one who is signed in. */
  withoutToken?: true;
}

/** A sign-in, by a clock that only runs forward: whatever the manager’s or this machine’s says. */
interface Session {
  token: string;
  refreshToken?: string;
  endsAt: number;
}

/** The sign-in at one manager during one run: its connections share it. */
export interface SessionSlot {
  session?: Session;
}

const setUpPath = '/v1/system/hsm/setup';
const clock = (): number => performance.now();

/** The REST API of one CipherTrust Manager. */
export class Manager {
  readonly #http: AxiosInstance;
  readonly #signal: AbortSignal;
  readonly #slot: SessionSlot;
  #signInAgain: (() => Promise<boolean>) | undefined;
  /** No question of an anonymous connection carries a token, or renews one. */
  #isSignedIn = false;

  constructor(http: AxiosInstance, signal: AbortSignal, slot: SessionSlot = {}) {
    this.#http = http;
    this.#signal = signal;
    this.#slot = slot;
  }

  /** Goes on with the sign-in of this run; false where there is none, or where only the password could renew it. */
  resume(): boolean {
    const { session } = this.#slot;
    this.#isSignedIn = session !== undefined && (session.refreshToken !== undefined || !isAboutToEnd(session));
    return this.#isSignedIn;
  }

  /**
   * How to sign in again once a token has ended that cannot be renewed, by whoever enters what came of it. Without it
   * no password is shown again.
   */
  renewsBy(signInAgain: () => Promise<boolean>): void {
    this.#signInAgain = signInAgain;
  }

  get #session(): Session | undefined {
    return this.#isSignedIn ? this.#slot.session : undefined;
  }

  #begin(session: Session | undefined): boolean {
    if (session) this.#slot.session = session;
    else delete this.#slot.session;
    this.#isSignedIn = session !== undefined;
    return this.#isSignedIn;
  }

  /**
   * Asks and gives the answer, whatever it is; a connection that fails is `Transient`. A token that has ended is renewed and the question asked again: what is
   * answered with 401 was not done. `hsm/setup` alone is never repeated.
   */
  async raw(method: Method, path: string, body?: object, query?: object): Promise<Answer> {
    if (this.#session && isAboutToEnd(this.#session)) await this.#renew();
    const question = { method, path, body, query };
    const answer = await this.#send(question);
    if (answer.status !== 401 || !this.#session || path === setUpPath || !(await this.#renew())) return answer;
    return this.#send(question);
  }

  /** Asks and gives the body of a success; anything else is a failure. */
  async ask(method: Method, path: string, body?: object, query?: object): Promise<unknown> {
    const answer = await this.raw(method, path, body, query);
    if (isSuccess(answer)) return answer.body;
    throw answerFailure(`${method} ${path}`, answer, body);
  }

  /** As `ask`; undefined where this version does not have it. */
  async whereKnown(method: Method, path: string, body?: object, query?: object): Promise<unknown> {
    const answer = await this.raw(method, path, body, query);
    if ([400, 403, 404, 405, 501].includes(answer.status)) return undefined;
    if (isSuccess(answer)) return answer.body;
    throw answerFailure(`${method} ${path}`, answer, body);
  }

  /** The body of a success, where nothing depends on it: undefined whatever else is answered, and where no answer is heard. */
  async ifTold(method: Method, path: string, body?: object): Promise<unknown> {
    try {
      const answer = await this.raw(method, path, body);
      return isSuccess(answer) ? answer.body : undefined;
    } catch (error) {
      if (error instanceof StepFailure) return undefined;
      throw error;
    }
  }

  /** Signs in as admin. False where the password is refused; an account that is locked is waited for. */
  async signIn(password: string): Promise<boolean> {
    this.#begin(undefined);
    const body = { grant_type: 'password', username: 'admin', password };
    const answer = await this.#send({ method: 'POST', path: '/v1/auth/tokens/', body });
    if (saysLocked(answer)) throw locked(answer);
    if (answer.status === 401 || answer.status === 403) return false;
    if (!isSuccess(answer)) throw answerFailure('signing in to CipherTrust Manager', answer, body);
    if (!this.#begin(sessionOf(answer)))
      throw answerFailure('signing in to CipherTrust Manager', { ...answer, status: 500, body: { message: 'no token was given' } });
    return true;
  }

  /** Replaces a password of admin’s. False where it is refused. No sign-in is needed, and none with an initial password is ever tried. */
  async changePassword(from: string, to: string): Promise<boolean> {
    const body = { username: 'admin', password: from, new_password: to };
    const answer = await this.#send({ method: 'PATCH', path: '/v1/auth/changepw', body });
    if (saysLocked(answer)) throw locked(answer);
    if (saysWrongPassword(answer)) return false;
    if (!isSuccess(answer))
      throw answerFailure('replacing the initial password of CipherTrust Manager', answer, from === 'admin' ? { new_password: to } : body);
    return true;
  }

  /** A whole list, page by page where it says that there is more. A success with something else in it is not believed. */
  async list<Fields extends TProperties>(path: string, fields: Fields, query: object = {}): Promise<Read<Fields>[]> {
    const get = (page: object, isThere: boolean) => this[isThere ? 'ask' : 'whereKnown']('GET', path, undefined, { ...query, ...page });
    const all = await pages(get);
    // As long as a proxy answers in its place.
    if (!all) throw answerFailure(`GET ${path}`, { status: 502, body: { message: 'a success without a list' } });
    return all.entries.map((entry) => readFields(fields, entry));
  }

  /** As `list`, as far as it tells and no further than so many pages; undefined where this version does not have it, or gives something else. */
  async listing<Fields extends TProperties>(path: string, fields: Fields, mostPages: number): Promise<Listing<Read<Fields>> | undefined> {
    const found = await pages((page) => this.whereKnown('GET', path, undefined, { skip: 0, limit: mostAtOnce, ...page }), mostPages);
    return found && { ...found, entries: found.entries.map((entry) => readFields(fields, entry)) };
  }

  /**
   * A new token: with the refresh token, else by another sign-in. Where that is refused or not made, the sign-in is
   * over.
   */
  async #renew(): Promise<boolean> {
    const { refreshToken } = this.#session!;
    if (refreshToken !== undefined) {
      const body = { grant_type: 'refresh_token', refresh_token: refreshToken };
      const answer = await this.#send({ method: 'POST', path: '/v1/auth/tokens/', body, withoutToken: true });
      const renewed = isSuccess(answer) ? sessionOf(answer, refreshToken) : undefined;
      if (renewed) return this.#begin(renewed);
    }
    this.#begin(undefined);
    return this.#signInAgain ? this.#signInAgain() : false;
  }

  /** Collections may end with a slash or not (docs/reference/ciphertrust.md#collections). Where one form is unknown nothing was done. */
  async #send(question: Question): Promise<Answer> {
    const { path } = question;
    const answer = await this.#sendOnce(question);
    return path.endsWith('/') && elsewhere.includes(answer.status) ? this.#sendOnce({ ...question, path: path.slice(0, -1) }) : answer;
  }

  async #sendOnce(question: Question): Promise<Answer> {
    try {
      const session = question.withoutToken ? undefined : this.#session;
      const { status, data, headers } = await this.#http.request({ ...httpRequest(question, session), signal: this.#signal });
      const retryAfterMs = retryAfter(headers['retry-after'], headers['date']);
      return { status, body: data, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    } catch (error) {
      this.#signal.throwIfAborted();
      throw noPermitIn(error) ?? noAnswer(`${question.method} ${question.path}`, withoutRequest(error));
    }
  }
}

const httpRequest = ({ method, path, body, query }: Question, session: Session | undefined): AxiosRequestConfig => ({
  method,
  url: path,
  timeout: path.includes('/hsm/') ? hsmTimeoutMs : usualTimeoutMs,
  ...(body === undefined ? {} : { data: body }),
  ...(query === undefined ? {} : { params: query }),
  headers: session ? { Authorization: `Bearer ${session.token}` } : {},
});

const isAboutToEnd = ({ endsAt }: Session): boolean => clock() > endsAt - renewBeforeMs;

const mostAtOnce = 1_000;
/** There is nothing here, or it is at the path without the slash. */
const elsewhere = [301, 302, 307, 308, 404, 405];

/** What a list tells: its entries, and how many there are at least, which may be more. */
export interface Listing<T> {
  entries: T[];
  total: number;
}

/**
 * A list, page by page, until it has told as many as it says there are; where it does not say that, or tells fewer, until a page brings nothing new. How much
 * stands in a page is for the manager to say: it may give less than it is asked for.
 */
async function pages(get: (page: object, isThere: boolean) => Promise<unknown>, most = Number.POSITIVE_INFINITY): Promise<Listing<unknown> | undefined> {
  const entries = new Map<string, unknown>();
  let told: number | undefined;
  for (let page = 0; page < most; page++) {
    const body = await get(page === 0 ? {} : { skip: entries.size, limit: mostAtOnce }, page === 0 || told !== undefined);
    if (page === 0 && !isList(body)) return undefined;
    const isNew = addNew(entries, listedIn(body));
    // The most that any page told: one that tells less, behind the end of what it gives, makes nothing go away.
    told = highest(told, toldTotal(body));
    if (!isNew || (told !== undefined && entries.size >= told)) return { entries: [...entries.values()], total: Math.max(told ?? 0, entries.size) };
  }
  // There may be more: where it does not tell how many, one at least.
  return { entries: [...entries.values()], total: Math.max(told ?? 0, entries.size + 1) };
}

/** Was any of them not there yet? */
function addNew(entries: Map<string, unknown>, found: readonly unknown[]): boolean {
  const before = entries.size;
  for (const entry of found) entries.set(identityOf(entry), entry);
  return entries.size > before;
}

const highest = (...totals: (number | undefined)[]): number | undefined => {
  const known = totals.filter((total) => total !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
};

/** The same entry may come again, on a later page, with other times and counts. */
function identityOf(entry: unknown): string {
  const { user_id, id, uri, username, name, host } = isFields(entry) ? entry : {};
  return JSON.stringify(user_id ?? id ?? uri ?? username ?? name ?? host ?? entry);
}

const toldTotal = (body: unknown): number | undefined => readFields({ total: Type.Number() }, body).total;

/** How many there are; what it showed where it does not tell. */
export const totalOf = (body: unknown): number => toldTotal(body) ?? listedIn(body).length;

/** Whatever else comes with a success, such as a page or nothing: to take that for an empty list would be to say that nothing is there. */
const isList = (body: unknown): boolean => {
  const { resources, info } = isFields(body) ? body : {};
  return [body, resources, info].some(Array.isArray) || resources === null || toldTotal(body) === 0;
};

/** The entries of a list, whatever stands around them: `resources`, or `info` for `mkeks`. */
export function listedIn(body: unknown): readonly unknown[] {
  const { resources, info } = isFields(body) ? body : {};
  return [body, resources, info].find(Array.isArray) ?? [];
}

function sessionOf({ body }: Answer, before?: string): Session | undefined {
  const { jwt, duration, refresh_token = before } = readFields({ jwt: Type.String(), duration: Type.Number(), refresh_token: Type.String() }, body);
  if (!jwt) return undefined;
  const seconds = duration !== undefined && duration > 0 && duration <= 86_400 ? duration : usualTokenSeconds;
  return { token: jwt, endsAt: clock() + Math.max(seconds * 1000, renewBeforeMs * 1.5), ...(refresh_token ? { refreshToken: refresh_token } : {}) };
}

/** Nobody signs in to a locked account, and trying might lock it for longer. */
function locked(answer: Answer): StepFailure {
  const ms = lockedForMs(answer);
  return notReady(
    `CipherTrust Manager has locked the account admin after wrong passwords${ms === undefined ? '' : `, for ${Math.ceil(ms / 60_000)} minute(s)`}; no password is tried until then.`,
    ms ?? lockedMs,
  );
}

/** An axios error carries headers and bodies: only its words go on, and whether anything was sent. */
function withoutRequest(error: unknown): unknown {
  if (!axios.isAxiosError(error)) return error;
  // What Node said of the socket is the cause of what axios says.
  const syscall = syscallOf(error) ?? syscallOf(error.cause);
  return Object.assign(new Error(`${error.code ?? ''} ${error.message}`.trim()), { code: error.code, syscall });
}

const noConnection: readonly unknown[] = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH'];
const whileConnecting: readonly unknown[] = ['connect', 'getaddrinfo'];

/**
 * Did this request surely not leave this machine? A connection that was there may end with the same codes, by a read or
 * write after the body left: they prove it only where they come from connecting.
 */
export const neverLeft = (error: unknown): boolean =>
  codeOf(error) === notSent || (noConnection.includes(codeOf(error)) && whileConnecting.includes(syscallOf(error)));

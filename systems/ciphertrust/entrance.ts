import { type Problem, StepFailure } from '../../domain/failure.ts';
import type { Job, ManagerAt } from '../../domain/results.ts';
import { kept } from '../secrets/kept.ts';
import type { SecretStore } from '../secrets/store.ts';
import type { CipherTrust, Manager } from './ciphertrust.ts';
import { asksForGenerated, holdsKey, readInitialPassword } from './initial-password.ts';

/** Passwords that admin may have: the kept one, the factory’s, or one that the manager generated at its first start. */
export type Which = 'kept' | 'default' | 'generated';

/** What is known of the way in. */
export interface Knock {
  signedIn: boolean;
  /** Those that are still to be tried, the next one first. */
  left: Which[];
  /** Was one refused in this attempt? No other is shown in it: several in a row may lock the account, or somebody else’s. */
  refusedNow: boolean;
  /** What was found, for a person. */
  found: string[];
  /** Nobody is let in now: why, and for how long. What is still to be tried is remembered, lest the wrong ones lock it again. */
  locked?: Problem;
  /** When the kept password replaced another one here, ISO 8601. */
  replacedAt?: string;
}

interface Attempt {
  signal: AbortSignal;
  note?: unknown;
}

/** What one attempt tells the next. Where it is lost with its worker, the next begins anew: with one wrong password an attempt all the same. */
type Note = Pick<Knock, 'left' | 'found'>;

/**
 * The way in: the kept password is tried, and an initial one is replaced by it, never signed in with. An attempt shows at most one wrong password. Which comes
 * first depends on what is likely: after a wipe of ours the initial one, otherwise the kept one.
 */
export class Entrance {
  readonly #cipherTrust: CipherTrust;
  readonly #secrets: SecretStore;
  readonly #knocks = new WeakMap<Attempt, Knock>();

  constructor(cipherTrust: CipherTrust, secrets: SecretStore) {
    this.#cipherTrust = cipherTrust;
    this.#secrets = secrets;
  }

  /** Looks: shows the kept password where that is the next one. */
  async look(job: Job, at: ManagerAt, attempt: Attempt, likely: 'kept' | 'initial'): Promise<{ knock: Knock; manager: Manager }> {
    const manager = await this.#cipherTrust.connect(job, at, attempt.signal);
    const knock = this.#knocks.get(attempt) ?? (await this.#begin(job, attempt, likely));
    this.#knocks.set(attempt, knock);
    if (knock.left[0] !== 'kept' || knock.refusedNow || knock.locked) return { knock, manager };
    const password = await this.#kept(job);
    const isRight = await unlessLocked(knock, () => manager.signIn(password));
    if (isRight) knock.signedIn = true;
    else if (isRight === false) refuse(knock, 'the kept password is refused');
    return { knock, manager };
  }

  /** Replaces the initial password that is the next one; the next look tells whether the kept one works now. */
  async replace(job: Job, at: ManagerAt, attempt: Attempt): Promise<void> {
    const knock = this.#knocks.get(attempt)!;
    const [which] = knock.left;
    const from = which === 'generated' ? await readInitialPassword(this.#cipherTrust, this.#secrets, job, at, attempt.signal) : { password: 'admin' };
    if ('why' in from) return skip(knock, `no generated password can be read as ksadmin: ${from.why}`);
    const manager = await this.#cipherTrust.connect(job, at, attempt.signal);
    const to = await this.#kept(job);
    const isReplaced = await unlessLocked(knock, () => manager.changePassword(from.password, to));
    if (isReplaced === undefined) return;
    if (!isReplaced) return refuse(knock, `the ${which} password is refused`);
    Object.assign(knock, { left: ['kept'], found: [`it said that the ${which} password was replaced`], replacedAt: new Date().toISOString() });
  }

  async #begin(job: Job, { note }: Attempt, likely: 'kept' | 'initial'): Promise<Knock> {
    const earlier = note as Note | undefined;
    return { signedIn: false, refusedNow: false, found: earlier?.found ?? [], left: earlier?.left ?? (await this.#order(job, likely)) };
  }

  async #order(job: Job, likely: 'kept' | 'initial'): Promise<Which[]> {
    const generated: Which[] = holdsKey(job) ? ['generated'] : [];
    const initial: Which[] = (await asksForGenerated(this.#secrets, job)) ? [...generated, 'default'] : ['default', ...generated];
    return likely === 'initial' ? [...initial.slice(0, 1), 'kept', ...initial.slice(1)] : ['kept', ...initial];
  }

  #kept(job: Job): Promise<string> {
    return kept(this.#secrets, job.target, 'ciphertrust-admin-password');
  }
}

/** Undefined where the account is locked: then the answer says nothing about the password. */
async function unlessLocked(knock: Knock, ask: () => Promise<boolean>): Promise<boolean | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof StepFailure) || error.problem.kind !== 'NotReady') throw error;
    knock.locked = error.problem;
    return undefined;
  }
}

function skip(knock: Knock, found: string): void {
  knock.left = knock.left.slice(1);
  knock.found = [...knock.found, found];
}

function refuse(knock: Knock, found: string): void {
  skip(knock, found);
  knock.refusedNow = true;
}

/** What to leave for the next attempt. */
export const noteOf = (left: Which[], found: string[]): Note => ({ left, found });

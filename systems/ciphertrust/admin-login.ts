import { type Problem, StepFailure, unsafe, wordsOf } from '../../domain/failure.ts';
import { afterwards, suppressing } from '../../domain/first-error.ts';
import type { ManagerEndpoint, StepContext } from '../../domain/results.ts';
import { isKeptKnownRight, type LoginAttempt, type LoginOutcome, unheardOfKept, type Which } from '../../stores/record/admin-passwords.ts';
import { requireSecret } from '../../stores/secrets/kept.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import type { CipherTrust, Manager } from './ciphertrust.ts';
import { asksForGenerated, holdsKey, readInitialPassword } from './initial-password.ts';
import { type PasswordRecord, told } from './password-record.ts';

/** What is known of the way in. */
export interface LoginState {
  signedIn: boolean;
  /** Those that are still to be tried, the next one first. */
  left: Which[];
  /** Why no other password is shown in this attempt: several wrong ones in a row may lock the account, or somebody else’s. */
  pause?: string;
  /** What was found, for a person. */
  found: string[];
  /** Nobody is let in now: why, and for how long. */
  locked?: Problem;
  /** When the kept password replaced another one here, ISO 8601. */
  replacedAt?: string;
  /** One was being replaced when an attempt ended, and what became of that was not heard. */
  isReplacing?: true;
}

/** An attempt at the door. */
export interface Caller {
  job: StepContext;
  at: ManagerEndpoint;
  signal: AbortSignal;
  /** Which passwords were shown to this manager, and what came of it. */
  record: PasswordRecord;
}

/** After a start SSH may answer later than HTTPS: a generated password is read for so many attempts before another one is shown. */
const readings = 5;
/** So often the kept password is shown under one order without hearing what came of it, which may be that it was refused. */
const mostUnheard = 5;

/**
 * The way in: the kept password is tried, and an initial one is replaced by it, never signed in with. An attempt shows at most one wrong password; one that was
 * refused is shown again under another order of a person only, or where a change of it was not heard out. Which comes first depends on what is likely.
 */
export class AdminLogin {
  readonly #cipherTrust: CipherTrust;
  readonly #secrets: SecretStore;
  readonly #logins = new WeakMap<AbortSignal, LoginState>();

  constructor({ cipherTrust, secrets }: { cipherTrust: CipherTrust; secrets: SecretStore }) {
    this.#cipherTrust = cipherTrust;
    this.#secrets = secrets;
  }

  /** Looks: shows the kept password where that is the next one. `likely`: after a wipe of ours the initial password is. */
  async look(caller: Caller, likely: 'kept' | 'initial'): Promise<{ login: LoginState; manager: Manager }> {
    const manager = await this.#cipherTrust.connect(caller.job, caller.at, caller.signal);
    const login = this.#logins.get(caller.signal) ?? (await this.#begin(caller, likely));
    this.#logins.set(caller.signal, login);
    manager.renewsBy(() => this.#isLetInAgain(login, caller, manager));
    // What this attempt itself found right needs no proof at each further look.
    if (login.signedIn && manager.resume()) return { login, manager };
    login.signedIn = false;
    if (login.left[0] !== 'kept' || login.pause || login.locked) return { login, manager };
    await this.#showKept(login, caller, manager);
    return { login, manager };
  }

  /** Once a token has ended that cannot be renewed. */
  async #isLetInAgain(login: LoginState, caller: Caller, manager: Manager): Promise<boolean> {
    login.signedIn = false;
    await this.#showKept(login, caller, manager);
    if (login.locked) throw new StepFailure(login.locked);
    return login.signedIn;
  }

  async #showKept(login: LoginState, caller: Caller, manager: Manager): Promise<void> {
    const { record, job } = caller;
    const password = await this.#kept(job);
    const shown = await record.shown();
    const isKnown = isKeptKnownRight(shown);
    const last = shown.findLast(({ order }) => order === record.order)?.outcome;
    // Of an account that stays locked, or answers that stay away, one entry is enough.
    const isEntered = last === 'met a locked account' || last === 'was not judged';
    if (!isKnown && !isEntered) await record.write('kept', 'is tried');
    const isRight = await unlessLocked(login, () => manager.signIn(password)).catch(async (error: unknown) => {
      if (isKnown || isEntered || !(error instanceof StepFailure) || error.cause !== undefined) throw error;
      throw await afterwards(error, () => record.write('kept', 'was not judged', wordsOf(error.problem)));
    });
    if (isRight === undefined && !isEntered) await this.#becomes(login, caller, 'met a locked account');
    if (isRight === false) await this.#becomes(login, caller, 'is refused');
    if (!isRight) return;
    if (!isKnown) await record.write('kept', 'is accepted');
    login.signedIn = true;
    if (login.isReplacing) login.replacedAt ??= new Date().toISOString();
  }

  /** Replaces the initial password that is the next one; the next look tells whether the kept one works now. */
  async replace(caller: Caller): Promise<void> {
    const { job, at, signal, record } = caller;
    const login = this.#logins.get(signal)!;
    const from =
      login.left[0] === 'generated'
        ? await readInitialPassword({ cipherTrust: this.#cipherTrust, secrets: this.#secrets }, job, at, signal)
        : { password: 'admin' };
    if ('why' in from) return this.#isUnread(login, caller, from);
    const manager = await this.#cipherTrust.connect(job, at, signal);
    const to = await this.#kept(job);
    await record.write(login.left[0]!, 'is being replaced');
    const isReplaced = await unlessLocked(login, () => manager.changePassword(from.password, to));
    await this.#becomes(login, caller, isReplaced === undefined ? 'met a locked account' : isReplaced ? 'was replaced' : 'is refused');
    if (isReplaced) login.replacedAt = new Date().toISOString();
  }

  async #isUnread(login: LoginState, caller: Caller, { why, mayPass }: { why: string; mayPass: boolean }): Promise<void> {
    const { record } = caller;
    const before = (await record.shown()).filter(({ order, outcome }) => order === record.order && outcome === 'cannot be read yet').length;
    await this.#becomes(login, caller, mayPass && before + 1 < readings ? 'cannot be read yet' : 'cannot be read as ksadmin', why);
  }

  /** What became of the next password, for this attempt and for those after it. */
  async #becomes(login: LoginState, { record }: Caller, outcome: LoginOutcome, why = ''): Promise<void> {
    const shown = { which: login.left[0]!, outcome, why, order: record.order };
    await record.write(shown.which, outcome, why).catch((error: unknown) => {
      throw wasJudged(outcome) ? suppressing(unrecorded(told(shown)), error) : error;
    });
    Object.assign(login, after(login, shown));
    if (outcome === 'is refused' || outcome === 'cannot be read yet') login.pause = told(shown);
  }

  async #begin({ job, record }: Caller, likely: 'kept' | 'initial'): Promise<LoginState> {
    const shown = await record.shown();
    const ofOrder = shown.filter((one) => one.order === record.order);
    const earlier = shown.filter((one) => one.order !== record.order);
    const tried = ofOrder.reduce(after, { left: toTry(likely, await this.#initial(job), earlier), found: [] });
    const { left, found } = unheardOfKept(shown, record.order) < mostUnheard ? tried : withoutKept(tried);
    const replacedAt = ofOrder.findLast(({ outcome }) => outcome === 'was replaced')?.at;
    // Not heard out: then the kept one may be right by now, though it was refused before.
    const isReplacing = ofOrder.findLast(({ outcome }) => outcome !== 'is tried')?.outcome === 'is being replaced';
    return {
      signedIn: false,
      found,
      left: isReplacing ? ['kept', ...left.filter((which) => which !== 'kept')] : left,
      ...(isReplacing ? { isReplacing: true as const } : {}),
      ...(replacedAt ? { replacedAt } : {}),
    };
  }

  /** The initial passwords that there may be, the likelier one first where nothing was shown yet. */
  async #initial(job: StepContext): Promise<Which[]> {
    if (!holdsKey(job)) return ['default'];
    return (await asksForGenerated(this.#secrets, job)) ? ['generated', 'default'] : ['default', 'generated'];
  }

  #kept(job: StepContext): Promise<string> {
    return requireSecret(this.#secrets, job.target, 'ciphertrust-admin-password');
  }
}

const wasJudged = (outcome: LoginOutcome): boolean => outcome === 'is refused' || outcome === 'met a locked account';

/** Another attempt would show the same password again, and might lock the account. */
const unrecorded = (what: string): StepFailure =>
  unsafe({
    code: 'RECORD_NOT_WRITTEN',
    tried: 'signing in to CipherTrust Manager as admin',
    summary: `${what}, and that could not be recorded`,
    remedy: 'No other password was tried. Check the place of the target record (the worker’s log has the error), then retry.',
  });

/** Undefined where the account is locked: then the answer says nothing about the password. */
async function unlessLocked(login: LoginState, ask: () => Promise<boolean>): Promise<boolean | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof StepFailure) || error.problem.kind !== 'NotReady') throw error;
    login.locked = error.problem;
    return undefined;
  }
}

type Tried = Pick<LoginState, 'left' | 'found'>;

/** What is still to be tried, and what was found, after that. Once the kept password took another one’s place, it is the only one. */
function after({ left, found }: Tried, shown: Omit<LoginAttempt, 'at'>): Tried {
  if (shown.outcome === 'was replaced') return { left: ['kept'], found: [`by its own account, ${told(shown)}`] };
  if (shown.outcome === 'is refused' || shown.outcome === 'cannot be read as ksadmin')
    return { left: left.filter((which) => which !== shown.which), found: [...found, told(shown)] };
  return { left, found };
}

const withoutKept = ({ left, found }: Tried): Tried => ({
  left: left.filter((which) => which !== 'kept'),
  found: [...found, `the stored password was shown ${mostUnheard} times, and what came of it was not heard`],
});

/**
 * In which order the passwords are tried. At first the kept one, or after a wipe an initial one, of these the one that worked before. Where all were refused and
 * a person orders it again: the account may have locked itself without a word, so that only the first one of an order is surely judged. The kept one has
 * that place first, since that person may have set it; in later orders each other one has it in turn.
 */
export function toTry(likely: 'kept' | 'initial', initial: Which[], earlier: LoginAttempt[]): Which[] {
  const replaced = earlier.findLastIndex(({ outcome }) => outcome === 'was replaced');
  const rounds = inVain(initial, earlier.slice(replaced + 1));
  if (rounds > 0) return startingAt((rounds - 1) % (initial.length + 1), ['kept', ...initial.toReversed()]);
  const worked = earlier[replaced]?.which;
  const [first, ...others] = initial.toSorted((one, other) => Number(other === worked) - Number(one === worked));
  return likely === 'initial' ? [first!, 'kept', ...others] : ['kept', first!, ...others];
}

/** In how many orders all of them were tried. */
function inVain(initial: Which[], shown: LoginAttempt[]): number {
  const orders = Object.values(Object.groupBy(shown, ({ order }) => order));
  return orders.filter((ofOrder) => ofOrder!.reduce(after, { left: ['kept', ...initial], found: [] }).left.length === 0).length;
}

const startingAt = (place: number, all: Which[]): Which[] => [...all.slice(place), ...all.slice(0, place)];

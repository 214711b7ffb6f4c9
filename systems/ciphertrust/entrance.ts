import { type Problem, StepFailure } from '../../domain/failure.ts';
import type { Job, ManagerAt } from '../../domain/results.ts';
import { kept } from '../secrets/kept.ts';
import type { SecretStore } from '../secrets/store.ts';
import type { Transcripts } from '../transcripts.ts';
import type { CipherTrust, Manager } from './ciphertrust.ts';
import { asksForGenerated, holdsKey, readInitialPassword } from './initial-password.ts';
import { type Fate, PasswordLog, type Shown, told, type Which } from './password-log.ts';

/** What is known of the way in. */
export interface Knock {
  signedIn: boolean;
  /** Those that are still to be tried, the next one first. */
  left: Which[];
  /** Was one refused in this attempt? No other is shown in it: several in a row may lock the account, or somebody else’s. */
  refusedNow: boolean;
  /** What was found, for a person. */
  found: string[];
  /** Nobody is let in now: why, and for how long. */
  locked?: Problem;
  /** When the kept password replaced another one here, ISO 8601. */
  replacedAt?: string;
}

interface Attempt {
  signal: AbortSignal;
  order: string;
}

/**
 * The way in: the kept password is tried, and an initial one is replaced by it, never signed in with. An attempt shows at most one wrong password, and no
 * attempt of an order shows one that was refused before. Which comes first depends on what is likely: after a wipe of ours the initial one, otherwise the kept one.
 */
export class Entrance {
  readonly #cipherTrust: CipherTrust;
  readonly #secrets: SecretStore;
  readonly #transcripts: Transcripts;
  readonly #knocks = new WeakMap<Attempt, Knock>();

  constructor({ cipherTrust, secrets, transcripts }: { cipherTrust: CipherTrust; secrets: SecretStore; transcripts: Transcripts }) {
    this.#cipherTrust = cipherTrust;
    this.#secrets = secrets;
    this.#transcripts = transcripts;
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
    else if (isRight === false) await this.#becomes(knock, job, attempt, 'is refused');
    return { knock, manager };
  }

  /** Replaces the initial password that is the next one; the next look tells whether the kept one works now. */
  async replace(job: Job, at: ManagerAt, attempt: Attempt): Promise<void> {
    const knock = this.#knocks.get(attempt)!;
    const from = knock.left[0] === 'generated' ? await readInitialPassword(this.#cipherTrust, this.#secrets, job, at, attempt.signal) : { password: 'admin' };
    if ('why' in from) return this.#becomes(knock, job, attempt, 'cannot be read as ksadmin', from.why);
    const manager = await this.#cipherTrust.connect(job, at, attempt.signal);
    const to = await this.#kept(job);
    await this.#becomes(knock, job, attempt, 'is being replaced');
    const isReplaced = await unlessLocked(knock, () => manager.changePassword(from.password, to));
    await this.#becomes(knock, job, attempt, isReplaced === undefined ? 'met a locked account' : isReplaced ? 'was replaced' : 'is refused');
    if (isReplaced) knock.replacedAt = new Date().toISOString();
  }

  /** What became of the next password, for this attempt and for those after it. */
  async #becomes(knock: Knock, job: Job, { order }: Attempt, fate: Fate, why = ''): Promise<void> {
    const shown = { which: knock.left[0]!, fate, why, order };
    await new PasswordLog(this.#transcripts, job).write(shown);
    Object.assign(knock, after(knock, shown));
    knock.refusedNow ||= fate === 'is refused';
  }

  async #begin(job: Job, { order }: Attempt, likely: 'kept' | 'initial'): Promise<Knock> {
    const shown = await new PasswordLog(this.#transcripts, job).shown();
    const ofOrder = shown.filter((one) => one.order === order);
    const earlier = shown.filter((one) => one.order !== order);
    const { left, found } = ofOrder.reduce(after, { left: toTry(likely, await this.#initial(job), earlier), found: [] });
    // Whether it was replaced was not heard: then the kept one may be right by now, though it was refused before.
    const isUnknown = ofOrder.at(-1)?.fate === 'is being replaced';
    return { signedIn: false, refusedNow: false, found, left: isUnknown ? ['kept', ...left.filter((which) => which !== 'kept')] : left };
  }

  /** The initial passwords that there may be, the likelier one first where nothing was shown yet. */
  async #initial(job: Job): Promise<Which[]> {
    if (!holdsKey(job)) return ['default'];
    return (await asksForGenerated(this.#secrets, job)) ? ['generated', 'default'] : ['default', 'generated'];
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

/** What is still to be tried, and what was found, after that. Once the kept password took another one’s place, it is the only one. */
function after({ left, found }: Pick<Knock, 'left' | 'found'>, shown: Shown): Pick<Knock, 'left' | 'found'> {
  if (shown.fate === 'is being replaced' || shown.fate === 'met a locked account') return { left, found };
  if (shown.fate === 'was replaced') return { left: ['kept'], found: [`it said that ${told(shown)}`] };
  return { left: left.filter((which) => which !== shown.which), found: [...found, told(shown)] };
}

/**
 * In which order the passwords are tried. The initial password that worked before is the likelier one. Where all were refused and a person orders it again, the
 * kept one comes first, since that person may have set it; and then the one that was refused last: those before it may have locked the account without a word.
 */
export function toTry(likely: 'kept' | 'initial', initial: Which[], earlier: Shown[]): Which[] {
  const replaced = earlier.findLastIndex(({ fate }) => fate === 'was replaced');
  const since = earlier.slice(replaced + 1);
  const { left } = since.reduce(after, { left: ['kept', ...initial], found: [] });
  const wereAllTried = left.length === 0;
  const first = wereAllTried ? since.findLast(({ which, fate }) => which !== 'kept' && fate === 'is refused')?.which : earlier[replaced]?.which;
  const inOrder = [...initial].sort((one, other) => Number(other === first) - Number(one === first));
  return likely === 'initial' && !wereAllTried ? [...inOrder.slice(0, 1), 'kept', ...inOrder.slice(1)] : ['kept', ...inOrder];
}

import { type Problem, StepFailure, unsafe } from '../../domain/failure.ts';
import { suppressing } from '../../domain/first-error.ts';
import type { Job, ManagerAt } from '../../domain/results.ts';
import type { Transcripts } from '../../stores/reports/transcripts.ts';
import { kept } from '../../stores/secrets/kept.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import type { CipherTrust, Manager } from './ciphertrust.ts';
import { asksForGenerated, holdsKey, readInitialPassword } from './initial-password.ts';
import { type Fate, PasswordLog, type Shown, told, type Which } from './password-log.ts';

/** What is known of the way in. */
export interface Knock {
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

interface Attempt {
  signal: AbortSignal;
  order: string;
}

/** After a start SSH may answer later than HTTPS: a generated password is read for so many attempts before another one is shown. */
const readings = 5;

/**
 * The way in: the kept password is tried, and an initial one is replaced by it, never signed in with. An attempt shows at most one wrong password; one that was
 * refused is shown again under another order of a person only, or where a change of it was not heard out. Which comes first depends on what is likely.
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

  /** Looks: shows the kept password where that is the next one. `likely`: after a wipe of ours the initial password is. */
  async look(job: Job, at: ManagerAt, attempt: Attempt, likely: 'kept' | 'initial'): Promise<{ knock: Knock; manager: Manager }> {
    const manager = await this.#cipherTrust.connect(job, at, attempt.signal);
    const knock = this.#knocks.get(attempt) ?? (await this.#begin(job, attempt, likely));
    this.#knocks.set(attempt, knock);
    knock.signedIn = false;
    if (knock.left[0] !== 'kept' || knock.pause || knock.locked) return { knock, manager };
    const password = await this.#kept(job);
    const isRight = await unlessLocked(knock, () => manager.signIn(password));
    if (isRight === false) await this.#becomes(knock, job, attempt, 'is refused');
    if (isRight) {
      knock.signedIn = true;
      if (knock.isReplacing) knock.replacedAt ??= new Date().toISOString();
    }
    return { knock, manager };
  }

  /** Replaces the initial password that is the next one; the next look tells whether the kept one works now. */
  async replace(job: Job, at: ManagerAt, attempt: Attempt): Promise<void> {
    const knock = this.#knocks.get(attempt)!;
    const from = knock.left[0] === 'generated' ? await readInitialPassword(this.#cipherTrust, this.#secrets, job, at, attempt.signal) : { password: 'admin' };
    if ('why' in from) return this.#isUnread(knock, job, attempt, from);
    const manager = await this.#cipherTrust.connect(job, at, attempt.signal);
    const to = await this.#kept(job);
    await this.#becomes(knock, job, attempt, 'is being replaced');
    const isReplaced = await unlessLocked(knock, () => manager.changePassword(from.password, to));
    await this.#becomes(knock, job, attempt, isReplaced === undefined ? 'met a locked account' : isReplaced ? 'was replaced' : 'is refused');
    if (isReplaced) knock.replacedAt = new Date().toISOString();
  }

  async #isUnread(knock: Knock, job: Job, attempt: Attempt, { why, mayPass }: { why: string; mayPass: boolean }): Promise<void> {
    const shown = await new PasswordLog(this.#transcripts, job).shown();
    const before = shown.filter(({ order, fate }) => order === attempt.order && fate === 'cannot be read yet').length;
    await this.#becomes(knock, job, attempt, mayPass && before + 1 < readings ? 'cannot be read yet' : 'cannot be read as ksadmin', why);
  }

  /** What became of the next password, for this attempt and for those after it. */
  async #becomes(knock: Knock, job: Job, { order }: Attempt, fate: Fate, why = ''): Promise<void> {
    const shown = { which: knock.left[0]!, fate, why, order };
    await new PasswordLog(this.#transcripts, job).write(shown).catch((error: unknown) => {
      throw wasJudged(fate) ? suppressing(unrecorded(told(shown)), error) : error;
    });
    Object.assign(knock, after(knock, shown));
    if (fate === 'is refused' || fate === 'cannot be read yet') knock.pause = told(shown);
  }

  async #begin(job: Job, { order }: Attempt, likely: 'kept' | 'initial'): Promise<Knock> {
    const shown = await new PasswordLog(this.#transcripts, job).shown();
    const ofOrder = shown.filter((one) => one.order === order);
    const earlier = shown.filter((one) => one.order !== order);
    const { left, found } = ofOrder.reduce(after, { left: toTry(likely, await this.#initial(job), earlier), found: [] });
    const replacedAt = ofOrder.findLast(({ fate }) => fate === 'was replaced')?.at;
    // Not heard out: then the kept one may be right by now, though it was refused before.
    const isReplacing = ofOrder.at(-1)?.fate === 'is being replaced';
    return {
      signedIn: false,
      found,
      left: isReplacing ? ['kept', ...left.filter((which) => which !== 'kept')] : left,
      ...(isReplacing ? { isReplacing: true as const } : {}),
      ...(replacedAt ? { replacedAt } : {}),
    };
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

const wasJudged = (fate: Fate): boolean => fate === 'is refused' || fate === 'met a locked account';

/** Another attempt would show the same password again, and might lock the account. */
const unrecorded = (seen: string): StepFailure =>
  unsafe({
    tried: 'signing in to CipherTrust Manager as admin',
    seen: `${seen}, and that could not be recorded`,
    source: 'this service',
    remedy: 'No other password was tried. Check the disk of the reports folder (the worker’s log has the error), then retry.',
  });

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

type Tried = Pick<Knock, 'left' | 'found'>;

/** What is still to be tried, and what was found, after that. Once the kept password took another one’s place, it is the only one. */
function after({ left, found }: Tried, shown: Omit<Shown, 'at'>): Tried {
  if (shown.fate === 'was replaced') return { left: ['kept'], found: [`it said that ${told(shown)}`] };
  if (shown.fate === 'is refused' || shown.fate === 'cannot be read as ksadmin')
    return { left: left.filter((which) => which !== shown.which), found: [...found, told(shown)] };
  return { left, found };
}

/**
 * In which order the passwords are tried. At first the kept one, or after a wipe an initial one, of these the one that worked before. Where all were refused and
 * a person orders it again: the account may have locked itself without a word, so that only the first one of an order is surely judged. The kept one has
 * that place first, since that person may have set it; in later orders each other one has it in turn.
 */
export function toTry(likely: 'kept' | 'initial', initial: Which[], earlier: Shown[]): Which[] {
  const replaced = earlier.findLastIndex(({ fate }) => fate === 'was replaced');
  const rounds = inVain(initial, earlier.slice(replaced + 1));
  if (rounds > 0) return startingAt((rounds - 1) % (initial.length + 1), ['kept', ...initial.toReversed()]);
  const worked = earlier[replaced]?.which;
  const [first, ...others] = initial.toSorted((one, other) => Number(other === worked) - Number(one === worked));
  return likely === 'initial' ? [first!, 'kept', ...others] : ['kept', first!, ...others];
}

/** In how many orders all of them were tried. */
function inVain(initial: Which[], shown: Shown[]): number {
  const orders = Object.values(Object.groupBy(shown, ({ order }) => order));
  return orders.filter((ofOrder) => ofOrder!.reduce(after, { left: ['kept', ...initial], found: [] }).left.length === 0).length;
}

const startingAt = (place: number, all: Which[]): Which[] => [...all.slice(place), ...all.slice(0, place)];

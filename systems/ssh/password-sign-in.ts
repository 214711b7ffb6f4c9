import type { AnyAuthMethod, AuthenticationType, KeyboardInteractiveAuthMethod, Prompt } from 'ssh2';
import type { Wire } from '../fence.ts';

/** The password or key was not accepted. Whether that is a failure is for the caller to say. */
export class SignInRefused extends Error {
  /** The host key of whoever refused it. */
  readonly pin: string;

  constructor(message: string, pin: string) {
    super(message);
    this.pin = pin;
  }
}

/** The password was accepted, and a new one is wanted before anything else; none was given. */
export class PasswordChangeWanted extends SignInRefused {}

type Prompted = KeyboardInteractiveAuthMethod['prompt'];
type Question = 'password' | 'current' | 'new' | 'retype';

function meaningOf(prompt: string): Question | undefined {
  if (/(?:re-?type|re-?enter|confirm|again)/i.test(prompt)) return 'retype';
  if (/\bnew\b/i.test(prompt)) return 'new';
  if (/\b(?:current|old)\b/i.test(prompt)) return 'current';
  return /password/i.test(prompt) ? 'password' : undefined;
}

interface SignInParts {
  username: string;
  password: string;
  /** What to change the password to where that is wanted. */
  next?: string | undefined;
  /** Called once, right before the password is sent. */
  beforePassword?: (() => Promise<void>) | undefined;
  wire: Wire;
}

/** How a sign-in ends before its time: for a reason that `stopped` tells, or with an error. */
interface Ending {
  stop(): void;
  fail(error: unknown): void;
}

/**
 * One sign-in with a password, by whichever method is offered, under permits: before a method is begun, and before questions are answered. The password is sent once: where it is asked for again it was wrong, and trying it by a second
 * method would be a second wrong attempt. A new password goes to questions for a new one only, and only where there is one.
 */
export class PasswordSignIn {
  readonly #username: string;
  readonly #password: string;
  readonly #next: string | undefined;
  readonly #beforePassword: () => Promise<void>;
  readonly #wire: Wire;
  readonly #answered = new Set<Question>();
  #tried: 'nothing' | 'none' | 'all' = 'nothing';
  #isAnnounced = false;
  /** Why it ended, where the reason is not a plain refusal. */
  stopped: 'change wanted' | 'wrong' | { question: string } | undefined;

  constructor({ username, password, next, beforePassword = async () => {}, wire }: SignInParts) {
    this.#username = username;
    this.#password = password;
    this.#next = next;
    this.#beforePassword = beforePassword;
    this.#wire = wire;
  }

  /** Was the new password sent? Then a refusal is about that one. */
  get newPasswordSent(): boolean {
    return this.#answered.has('new');
  }

  /** Chooses the one method, for ssh2. */
  async choose(offered: readonly AuthenticationType[] | null, ending: Ending): Promise<AnyAuthMethod | false> {
    const username = this.#username;
    if (this.#tried === 'nothing') {
      this.#tried = 'none';
      return { type: 'none', username };
    }
    const method = this.#tried === 'all' ? undefined : (['password', 'keyboard-interactive'] as const).find((each) => offered?.includes(each));
    this.#tried = 'all';
    if (method === undefined) return false;
    if (method === 'keyboard-interactive') {
      // ssh2 calls it with name, instructions and language before the questions.
      const prompt: Prompted = (...[, , , prompts, finish]) => void this.#converse(prompts, finish, ending).catch(ending.fail);
      return { type: method, username, prompt };
    }
    this.#answered.add('password');
    await this.#announce();
    return { type: method, username, password: this.#password };
  }

  async #converse(prompts: readonly Prompt[], finish: (answers: string[]) => void, { stop }: Ending): Promise<void> {
    const answers = this.answers(prompts);
    if (!answers) return stop();
    if (this.#answered.has('password') || this.#answered.has('current')) await this.#announce();
    await this.#wire.permit();
    finish(answers);
  }

  async #announce(): Promise<void> {
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    await this.#beforePassword();
  }

  /** The answers to one round of questions; undefined, with the reason in `stopped`, where they must not be answered. */
  answers(prompts: readonly Prompt[]): string[] | undefined {
    const answers: string[] = [];
    for (const { prompt } of prompts) {
      const answer = this.#answer(prompt);
      if (answer === undefined) return undefined;
      answers.push(answer);
    }
    return answers;
  }

  #answer(prompt: string): string | undefined {
    const meaning = meaningOf(prompt);
    const text = meaning === 'new' || meaning === 'retype' ? this.#next : this.#password;
    if (meaning === undefined) this.stopped = { question: prompt.trim() };
    else if (text === undefined) this.stopped = 'change wanted';
    else if (this.#answered.has(meaning)) this.stopped = 'wrong';
    if (meaning === undefined || this.stopped !== undefined) return undefined;
    this.#answered.add(meaning);
    return text;
  }

  /** The answer to SSH’s own request for a change; undefined where there is no new password. */
  change(): string | undefined {
    if (this.#next === undefined) this.stopped = 'change wanted';
    else if (this.#answered.has('new')) this.stopped = 'wrong';
    if (this.stopped !== undefined) return undefined;
    this.#answered.add('new');
    return this.#next;
  }
}

import { StringDecoder } from 'node:string_decoder';
import { type Problem, quoting, refused, StepFailure, transient, unsafe } from '../../domain/failure.ts';
import { NoPermit, partOf, type Sending, type Wire } from '../fence.ts';
import type { LastingActName } from '../lasting-acts.ts';
import { type Outcome, offersQuit, readOutcome, tailLength, type Waiting, waitingFor, withoutEcho } from './reading.ts';
import type { Transcript } from './transcript.ts';

const source = 'LunaSH';
const interrupt = '\x03';

/** What a session needs of an SSH channel. */
export interface Terminal {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'close' | 'end' | 'error', listener: () => void): unknown;
  write(text: string): unknown;
  end(text?: string): unknown;
}

export interface Patience {
  /** The longest that a command may take: `hsm init`, `ntls bind`, `regenCert` and restarts need up to a minute. */
  commandMs: number;
  /** How long nothing more may come before what looks like a question nobody knows, or like a prompt without a result, is taken for one. */
  quietMs: number;
}

export const usualPatience: Patience = { commandMs: 150_000, quietMs: 3_000 };

export interface Answers {
  /** Typed where the password is asked for that the HSM’s SO has. */
  password?: string;
  /** Typed where a password is to be chosen for the SO, and once more to confirm it; never as the one that the SO has. */
  newPassword?: string;
  /** Typed where a cloning domain is asked for. */
  domain?: string;
  /** Say `proceed` where it is asked for? Never to a caution that few sign-ins are left. */
  proceed?: boolean;
}

/** One interactive LunaSH session: the HSM sign-in belongs to it. Keyed on the prompt `lunash:>`, never on a banner or a pause. */
export class LunashSession {
  readonly #terminal: Terminal;
  readonly #wire: Wire;
  readonly #transcript: Transcript;
  readonly #patience: Patience;
  /** What was printed since something was typed last. */
  #printed: string[] = [];
  /** The end of it. */
  #tail = '';
  /** What that was, as long as its echo is in the tail. */
  #typed = '';
  #closed = false;
  #wake: () => void = () => {};

  constructor(terminal: Terminal, wire: Wire, transcript: Transcript, patience: Partial<Patience> = {}) {
    this.#terminal = terminal;
    this.#wire = wire;
    this.#transcript = transcript;
    this.#patience = { ...usualPatience, ...patience };
    const decoder = new StringDecoder('utf8');
    terminal.on('data', (chunk) => this.#hear(decoder.write(chunk)));
    for (const event of ['close', 'end', 'error'] as const)
      terminal.on(event, () => {
        this.#closed = true;
        this.#wake();
      });
  }

  /** Waits for the first prompt. `forced` where the appliance wants a new password before anything else. */
  async start(): Promise<'ready' | 'forced'> {
    const tried = 'opening LunaSH';
    const waiting = await this.#waiting(tried);
    if (waiting === 'command') return 'ready';
    if (waiting === 'new-password' || waiting === 'current-password') return 'forced';
    throw await this.#giveUp(tried);
  }

  /** Answers the forced change of the first sign-in, where LunaSH is waiting for it. */
  async choosePassword({ current, next }: { current: string; next: string }): Promise<void> {
    this.#transcript.hide(next);
    const tried = 'replacing the factory password of the appliance';
    const answers = { 'current-password': current, 'new-password': next, retype: next } as const;
    const asked = new Set<Waiting>();
    for (;;) {
      const waiting = await this.#waiting(tried);
      if (waiting === 'command' && asked.has('retype')) return;
      const answer = answers[waiting as keyof typeof answers];
      if (answer === undefined) throw await this.#giveUp(tried);
      if (asked.has(waiting)) throw await this.#notTaken(tried);
      const isFirst = asked.size === 0;
      asked.add(waiting);
      await this.#type(answer, isFirst ? 'lunash-new-password' : partOf('lunash-new-password'));
    }
  }

  /** Runs a command that only reads: result 0 and no error. */
  async read(command: string): Promise<string> {
    const outcome = await this.#run(command, {}, undefined);
    this.mustHaveSucceeded(command, outcome);
    return outcome.text;
  }

  /** Runs a command that only reads, where it may fail: gives what came of it. */
  tryRead(command: string): Promise<Outcome> {
    return this.#run(command, {}, undefined);
  }

  /** Runs a command that changes something: result 0, no error, and where LunaSH has one its `'…' successful.` line. What it did is read back by the caller. */
  async change(command: string, answers: Answers = {}, successLine?: string): Promise<string> {
    const outcome = await this.raw(command, answers);
    this.mustHaveSucceeded(command, outcome, successLine);
    return outcome.text;
  }

  /** Fails where a command that ran did not succeed: result 0, no error, and its success line (docs/reference/luna.md#result-zero). */
  mustHaveSucceeded(command: string, outcome: Outcome, successLine?: string): void {
    if (!hasSucceeded(outcome, successLine)) throw this.#failed(command, outcome);
  }

  /** Runs a command and gives what came of it, good or bad. No question is answered twice: a password that is asked for once more was a wrong one. */
  raw(command: string, answers: Answers = {}): Promise<Outcome> {
    return this.#run(command, answers, actOf(command, answers));
  }

  async #run(command: string, answers: Answers, act: LastingActName | undefined): Promise<Outcome> {
    if (/[\x00-\x1f\x7f]/.test(command)) throw new Error('A LunaSH command is one line without control characters.');
    for (const secret of [answers.password, answers.newPassword, answers.domain]) if (secret) this.#transcript.hide(secret);
    const answered = new Set<Waiting>();
    await this.#type(command, act);
    for (let before = ''; ; ) {
      const waiting = await this.#waiting(command, () => /Command\s+Result\s*:/i.test(this.#tail));
      if (waiting === 'command') return readOutcome(before + this.#printed.join(''), command);
      const answer = answered.has(waiting) ? undefined : answerTo(waiting, answers);
      if (answer === undefined) throw waiting === 'few-attempts' ? await this.#fewAttempts(command) : await this.#giveUp(command);
      answered.add(waiting);
      before += await this.#type(answer, partOf(act));
    }
  }

  #hear(text: string): void {
    this.#printed.push(text);
    this.#tail += text;
    if (this.#tail.length > tailLength) {
      this.#tail = withoutEcho(this.#tail, this.#typed).slice(-tailLength);
      this.#typed = '';
    }
    this.#transcript.add(text.replaceAll('\r', ''));
    this.#wake();
  }

  #forget(): void {
    this.#printed = [];
    this.#tail = '';
    this.#typed = '';
  }

  /** Types one line, under a permit of its own. Gives what was printed before it. */
  async #type(text: string, sending?: Sending): Promise<string> {
    await this.#wire.permit(sending);
    const before = this.#printed.join('');
    this.#forget();
    this.#typed = text;
    this.#terminal.write(`${text}\r`);
    return before;
  }

  /**
   * Waits until LunaSH wants something. A question that nobody knows, and a prompt where `complete` misses something before it, count only when nothing
   * more comes for a while: output may be cut anywhere.
   */
  async #waiting(tried: string, complete = () => true): Promise<Waiting> {
    const end = performance.now() + this.#patience.commandMs;
    for (;;) {
      const waiting = waitingFor(this.#tail, this.#typed);
      const doubtful = isDoubtful(waiting, complete);
      if (waiting && !doubtful) return waiting;
      if (this.#closed) throw ended(tried, 'the connection was closed');
      const left = end - performance.now();
      const more = await this.#more(doubtful ? Math.min(left, this.#patience.quietMs) : left);
      if (!more && !this.#closed) return doubtful ? waiting : this.#afterSilence(tried);
    }
  }

  /** A line that was begun and not ended may be a question. */
  #afterSilence(tried: string): Waiting {
    if (/\S[^\n]*$/.test(this.#tail)) return 'unknown';
    throw ended(tried, 'no answer');
  }

  /** Waits for more output, or the end of the connection; false when the time is up first. */
  #more(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const over = (more: boolean) => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve(more);
      };
      const timer = setTimeout(over, Math.max(0, timeoutMs), false);
      this.#wake = () => over(true);
    });
  }

  /** What was printed last, for the person who must act. */
  #lastWords(): Pick<Problem, 'evidence'> {
    const lines = this.#transcript
      .mask(this.#printed.join(''))
      .split('\n')
      .map((line) => line.trim());
    return quoting(source, lines.filter(Boolean).slice(-4).join(' / ').slice(-250));
  }

  async #giveUp(tried: string): Promise<StepFailure> {
    const evidence = this.#lastWords();
    await this.#resynchronize();
    const remedy = 'Nothing was answered. Run the command yourself, then retry.';
    return unsafe({ code: 'HSM_UNKNOWN_QUESTION', tried, summary: 'it asks something unknown', ...evidence, remedy });
  }

  async #fewAttempts(tried: string): Promise<StepFailure> {
    const evidence = this.#lastWords();
    await this.#resynchronize();
    return unsafe({
      code: 'HSM_SO_ATTEMPTS_USED',
      tried,
      summary: 'few sign-ins are left before the HSM erases itself',
      ...evidence,
      remedy: 'Nothing was tried. Sign in yourself as SO with the stored password, which resets the counter, then retry.',
    });
  }

  async #notTaken(tried: string): Promise<StepFailure> {
    const evidence = this.#lastWords();
    await this.#resynchronize();
    const remedy = 'The factory password still holds. Check the appliance’s rules for passwords, then retry.';
    return refused({ code: 'HSM_APPLIANCE_PASSWORD_NOT_TAKEN', tried, summary: 'the stored password was not taken', ...evidence, remedy });
  }

  /**
   * Leaves a question without an answer to it. Where it offers `quit`, that is said; else it is interrupted, and `quit` is said only at the prompt, where it
   * does nothing: at an unknown question for a password any line could count as an attempt. All of it needs a permit; without one the connection is reset.
   */
  async #resynchronize(): Promise<void> {
    await this.#leaveQuestion().catch((error: unknown) => {
      // Whoever waits is told why the question was not answered, not how the session ended.
      if (!(error instanceof NoPermit || error instanceof StepFailure)) throw error;
    });
  }

  async #leaveQuestion(): Promise<void> {
    if (!offersQuit(this.#tail)) {
      await this.#wire.permit();
      this.#forget();
      this.#terminal.write(interrupt);
      if (!(await this.#atPrompt())) return void this.#terminal.end();
    }
    await this.#type('quit');
    if (!(await this.#atPrompt())) this.#terminal.end();
  }

  async #atPrompt(): Promise<boolean> {
    while (waitingFor(this.#tail) !== 'command') if (this.#closed || !(await this.#more(this.#patience.quietMs))) return false;
    return true;
  }

  #failed(command: string, { errors, text }: Outcome): StepFailure {
    const said = this.#transcript.mask(errors.join(' ') || text.split('\n').filter(Boolean).slice(-2).join(' '));
    const remedy = 'Check the appliance, then retry.';
    return refused({ code: 'HSM_COMMAND_FAILED', tried: command, summary: 'the command did not succeed', ...quoting(source, said), remedy });
  }
}

/** Result 0, no error, and its success line. */
export function hasSucceeded({ result, errors, successes }: Outcome, successLine?: string): boolean {
  const isSaid = successLine === undefined || successes.some((name) => name.toLowerCase() === successLine.toLowerCase());
  return result === 0 && errors.length === 0 && isSaid;
}

const isDoubtful = (waiting: Waiting | undefined, complete: () => boolean): waiting is Waiting =>
  waiting === 'unknown' || (waiting === 'command' && !complete());

const acts: [command: RegExp, act: LastingActName][] = [
  [/^hsm init\b/i, 'lunash-init'],
  [/^(?:hsm (?:changePolicy|zeroize|factoryReset)|partition delete)\b/i, 'lunash-erasing-command'],
  [/^sysconf regenCert\b/i, 'lunash-certificate-replacement'],
  [/^client (?:delete|revokePartition)\b/i, 'lunash-client-removal'],
  [/^client (?:register|assignPartition)\b/i, 'lunash-access'],
  [/^partition create\b/i, 'lunash-partition-create'],
];

function actOf(command: string, { password, newPassword, domain }: Answers): LastingActName {
  const [, act] = acts.find(([known]) => known.test(command)) ?? [];
  if (act) return act;
  if (newPassword !== undefined || domain !== undefined) return 'lunash-new-password';
  return password === undefined ? 'lunash-command' : 'lunash-sign-in';
}

function answerTo(waiting: Waiting, { password, newPassword, domain, proceed }: Answers): string | undefined {
  switch (waiting) {
    case 'proceed':
      return proceed ? 'proceed' : 'quit';
    case 'so-password':
      return password;
    case 'so-password-to-be':
    case 'so-password-again':
      return newPassword;
    case 'domain':
    case 'domain-again':
      return domain;
    default:
      return undefined;
  }
}

/** What a cut command did is looked at by the next attempt. */
const ended = (tried: string, summary: string): StepFailure =>
  transient({ code: 'SSH_CONNECTION_FAILED', tried, summary, remedy: 'The next attempt checks what came of it.' });

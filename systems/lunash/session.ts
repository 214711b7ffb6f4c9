import type { ClientChannel } from 'ssh2';
import { refused, type StepFailure, transient, unsafe } from '../../domain/failure.ts';
import type { Transcript } from './transcript.ts';

const source = 'LunaSH';
/** The longest that a command may take: `hsm init`, `ntls bind`, `regenCert` and restarts need up to a minute. */
const commandTimeoutMs = 240_000;

export interface Answers {
  /** Typed where a password is asked for. */
  password?: string;
  /** Typed where a cloning domain is asked for. */
  domain?: string;
  /** Say `proceed` where it is asked for? Never to a caution about the last sign-in. */
  proceed?: boolean;
}

export interface Outcome {
  /** What the command printed, without its echo and its result line. */
  text: string;
  /** 0 is success, but not reliable alone. */
  result: number | undefined;
  errors: string[];
}

const promptAtEnd = /lunash:>\s*$/;
const resultLine = /Command Result\s*:\s*(\d+)\s*\(([^)]*)\)/i;

/** What LunaSH waits for, when it waits for something. */
type Waiting = 'command' | 'new-password' | 'retype' | 'answer';

export function waitingFor(text: string): Waiting | undefined {
  const end = text.trimEnd();
  if (promptAtEnd.test(end)) return 'command';
  if (/(?:re-?type|re-?enter) new password:$/i.test(end)) return 'retype';
  if (/new password:$/i.test(end)) return 'new-password';
  if (/(?:^|\n)\s*>$/.test(end)) return 'answer';
  return undefined;
}

/** Reads the output of one command. */
export function readOutcome(text: string, command: string): Outcome {
  const echoed = text.indexOf(command);
  const body = (echoed >= 0 && echoed < 200 ? text.slice(echoed + command.length) : text)
    .replace(/\n?\[[^\]\n]*\]\s*lunash:>\s*$/, '')
    .replace(/\n?lunash:>\s*$/, '');
  const result = resultLine.exec(body);
  return {
    text: body.replace(resultLine, '').trim(),
    result: result ? Number(result[1]) : undefined,
    errors: [...body.matchAll(/^\s*Error:\s*(.+)$/gim)].map(([, error]) => error!.trim()),
  };
}

/** One interactive LunaSH session: the HSM sign-in belongs to it. Keyed on the prompt `lunash:>`, never on a banner or a pause. */
export class LunashSession {
  readonly #channel: ClientChannel;
  readonly #transcript: Transcript;
  #buffer = '';
  #closed = false;
  #wake: () => void = () => {};

  constructor(channel: ClientChannel, transcript: Transcript) {
    this.#channel = channel;
    this.#transcript = transcript;
    channel.on('data', (chunk: Buffer) => {
      const text = chunk.toString('utf8').replaceAll('\r', '');
      this.#buffer += text;
      transcript.add(text);
      this.#wake();
    });
    for (const event of ['close', 'end', 'error'])
      channel.on(event, () => {
        this.#closed = true;
        this.#wake();
      });
  }

  /** Waits for the first prompt. `forced` where the appliance wants a new password before anything else. */
  async start(): Promise<'ready' | 'forced'> {
    const waiting = await this.#waiting('opening LunaSH');
    return waiting === 'new-password' ? 'forced' : 'ready';
  }

  /** Answers the forced change of the first sign-in. */
  async choosePassword(password: string): Promise<void> {
    this.#transcript.hide(password);
    const tried = 'replacing the factory password of the appliance';
    this.#type(password);
    if ((await this.#waiting(tried)) !== 'retype')
      throw refused({
        tried,
        seen: this.#buffer.trim().slice(-200),
        source,
        remedy: 'The kept password was not accepted and the factory password still holds; look at the rules, then retry.',
      });
    this.#type(password);
    if ((await this.#waiting(tried)) !== 'command')
      throw refused({ tried, seen: this.#buffer.trim().slice(-200), source, remedy: 'Look whether the factory or the kept password works now, then retry.' });
  }

  /** Runs a command that only reads: result 0 and no error. */
  async read(command: string): Promise<string> {
    const { text, result, errors } = await this.raw(command);
    if (result !== 0 || errors.length > 0) throw commandFailed(command, errors, text);
    return text;
  }

  /** Runs a command that changes something: result 0, no error, and where LunaSH has one its `'…' successful.` line. What it did is read back by the caller. */
  async change(command: string, answers: Answers = {}, successLine?: string): Promise<string> {
    const { text, result, errors } = await this.raw(command, answers);
    const said = successLine === undefined || text.toLowerCase().includes(`'${successLine.toLowerCase()}' successful`);
    if (result !== 0 || errors.length > 0 || !said) throw commandFailed(command, errors, text);
    return text;
  }

  /** Runs a command and gives what came of it, good or bad. */
  async raw(command: string, answers: Answers = {}): Promise<Outcome> {
    for (const secret of [answers.password, answers.domain]) if (secret) this.#transcript.hide(secret);
    this.#buffer = '';
    this.#channel.write(`${command}\r`);
    let whole = '';
    for (;;) {
      const waiting = await this.#waiting(command);
      whole += this.#buffer;
      if (waiting === 'command') return readOutcome(whole, command);
      this.#type(this.#answer(command, this.#buffer, answers));
    }
  }

  end(): void {
    if (!this.#closed) this.#channel.end('exit\r');
  }

  #answer(command: string, asked: string, { password, domain, proceed }: Answers): string {
    if (/LAST\s+available/i.test(asked)) {
      this.#type('quit');
      throw unsafe({
        tried: command,
        seen: 'it is the last sign-in before the HSM erases itself',
        source,
        remedy: 'Nothing was tried. Sign in by hand as SO with the kept password, which resets the counter, then retry.',
      });
    }
    if (/proceed/i.test(asked)) return proceed ? 'proceed' : 'quit';
    const answer = /domain/i.test(asked) ? domain : /password/i.test(asked) ? password : undefined;
    if (answer !== undefined) return answer;
    this.#channel.end();
    throw unsafe({
      tried: command,
      seen: `it asks something unknown: ${asked.trim().slice(-120)}`,
      source,
      remedy: 'Nothing was answered. Run the command by hand, then retry.',
    });
  }

  #type(text: string): void {
    this.#buffer = '';
    this.#channel.write(`${text}\r`);
  }

  /** Waits until LunaSH wants something. */
  async #waiting(tried: string): Promise<Waiting> {
    const end = Date.now() + commandTimeoutMs;
    for (;;) {
      const waiting = waitingFor(this.#buffer);
      if (waiting) return waiting;
      if (this.#closed) throw ended(tried, 'the connection was closed');
      if (Date.now() > end) throw ended(tried, 'no answer');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, end - Date.now()));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** What a cut command did is looked at by the next attempt. */
const ended = (tried: string, seen: string): StepFailure =>
  transient({ tried, seen, source: 'the connection', remedy: 'It looks again by itself what came of it.' });

export const commandFailed = (command: string, errors: string[], text: string): StepFailure =>
  refused({
    tried: command,
    seen: errors.join(' ') || text.split('\n').filter(Boolean).slice(-2).join(' ') || 'no result line',
    source,
    remedy: 'Look at the appliance, then retry.',
  });

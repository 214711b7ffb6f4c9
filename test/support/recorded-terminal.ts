import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { Terminal } from '../../systems/lunash/session.ts';

/** What an appliance printed until it waited, and what a person then typed; no text where it was not shown. */
interface Turn {
  printed: string;
  typed: string | undefined;
}

const waits =
  /(?<shell>lunash:>[^\S\n]?)(?<command>[^\n]*)(?:\n|$)|(?<=^|\n)(?<ask>[^\S\n]*>[^\S\n]?)(?<answer>[^\n]*)(?:\n|$)|(?<hidden>(?:retype |re-type |enter )?new password:[^\S\n]*)\n/gi;

/** Takes a recording apart where somebody typed. */
function turnsOf(recording: string): { turns: Turn[]; rest: string } {
  const turns: Turn[] = [];
  let from = 0;
  for (const found of recording.matchAll(waits)) {
    const { shell, command, ask, answer, hidden } = found.groups!;
    const typed = (command ?? answer)?.trim();
    turns.push({ printed: recording.slice(from, found.index) + (shell ?? ask ?? hidden), typed: typed === '' ? undefined : typed });
    from = found.index + found[0].length;
  }
  return { turns, rest: recording.slice(from) };
}

export interface Manner {
  lineEnd: '\r\n' | '\n';
  echo: boolean;
  /** After how many bytes the output is cut in two; each byte by itself where it says so. */
  cut?: number | 'everywhere';
}

/** Plays a recording to a session: prints up to where it waits, hears a line, goes on. What is typed must be what was typed then; stars stand for any secret. */
export class RecordedTerminal extends EventEmitter implements Terminal {
  /** Every line that was typed. */
  readonly typed: string[] = [];
  /** What went against the recording. */
  readonly strayed: string[] = [];
  ended = false;
  readonly #turns: Turn[];
  readonly #manner: Manner;
  #sent = 0;
  #printing: string | undefined;

  constructor(recording: string, manner: Manner) {
    super();
    const { turns, rest } = turnsOf(recording);
    // Some recordings end before the next prompt, which every command is followed by.
    this.#turns = rest.trim() === '' ? turns : [...turns, { printed: `${rest}\n[local_host] lunash:>`, typed: undefined }];
    this.#manner = manner;
    void this.#play();
  }

  write(text: string): void {
    if (text === '\x03') return void this.#print('^C\n[local_host] lunash:>');
    if (this.#printing?.trim()) this.strayed.push(`typed ${JSON.stringify(text)} before ${JSON.stringify(this.#printing)} was printed`);
    const line = text.replace(/\r$/, '');
    this.typed.push(line);
    const expected = this.#turns.shift()?.typed;
    if (line === 'quit' && expected !== 'quit') return void this.#print('quit\n\nCommand Result : 65535 (Luna Shell execution)\n\n[local_host] lunash:>');
    if (expected !== undefined && !/^\*+$/.test(expected) && expected.toLowerCase() !== line.toLowerCase()) this.strayed.push(`${line} instead of ${expected}`);
    void this.#play(expected === undefined || !this.#manner.echo ? '\n' : `${expected}\n`);
  }

  end(): void {
    this.ended = true;
    this.emit('close');
  }

  #play(echo = ''): Promise<void> {
    return this.#print(echo + (this.#turns[0]?.printed ?? ''));
  }

  async #print(text: string): Promise<void> {
    const bytes = Buffer.from(text.replaceAll('\n', this.#manner.lineEnd));
    const pieces = this.#pieces(bytes);
    this.#sent += bytes.length;
    for (const [at, piece] of pieces.entries()) {
      this.#printing = Buffer.concat(pieces.slice(at + 1)).toString('utf8');
      await setImmediate();
      this.emit('data', piece);
    }
  }

  #pieces(bytes: Buffer): Buffer[] {
    const { cut } = this.#manner;
    if (cut === 'everywhere') return [...bytes].map((byte) => Buffer.from([byte]));
    const at = (cut ?? -1) - this.#sent;
    return at > 0 && at < bytes.length ? [bytes.subarray(0, at), bytes.subarray(at)] : [bytes];
  }
}

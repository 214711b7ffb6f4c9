import type { ServerChannel } from 'ssh2';
import { Cut, type Echo, Interrupted } from './session.ts';

const erase = ['\x7f', '\b'];
const interrupt = '\x03';
/** Arrows and the like: this shell has no history. */
const escapeSequence = /^\x1b[[O][0-9;]*[A-Za-z~]/;

export interface Manner {
  /** Lines end without CR, although there is a terminal. */
  lf: boolean;
  /** Nothing that is typed is shown. */
  silent: boolean;
  /** Ctrl-C is ignored. */
  deaf: boolean;
}

/** The line discipline of one channel: echo, masked input, CRLF where there is a terminal. */
export class Terminal {
  readonly #channel: ServerChannel;
  readonly #tty: boolean;
  readonly #manner: Manner;
  #buffer = '';
  #unsent = '';
  #waiting: { echo: Echo; typed: string; resolve: (line: string) => void; reject: (error: Error) => void } | undefined;
  #ended = false;
  #gone = false;

  constructor(channel: ServerChannel, tty: boolean, manner: Manner) {
    this.#channel = channel;
    this.#tty = tty;
    this.#manner = manner;
    channel.on('data', (chunk: Buffer) => {
      this.#buffer += chunk.toString('utf8');
      this.#feed();
    });
    channel
      .on('close', () => this.#close())
      .on('end', () => this.#end())
      .on('error', () => this.#close());
  }

  /** What is printed and echoed in one turn of the event loop is sent together: a packet for every letter would take most of the simulator’s time. */
  write(text: string): void {
    if (this.#unsent === '') setImmediate(() => this.#send());
    this.#unsent += text;
  }

  /** The program that printed here is over. */
  exit(code: number): void {
    this.#send();
    this.#channel.exit(code);
    this.#channel.end();
  }

  #send(): void {
    const text = this.#unsent;
    this.#unsent = '';
    if (text !== '' && !this.#gone && this.#channel.writable) this.#channel.write(this.#tty && !this.#manner.lf ? text.replaceAll('\n', '\r\n') : text);
  }

  readLine(echo: Echo): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting = { echo, typed: '', resolve, reject };
      this.#feed();
      if (this.#ended) this.#end();
    });
  }

  #feed(): void {
    while (this.#waiting && this.#buffer !== '') {
      const [sequence] = escapeSequence.exec(this.#buffer) ?? [];
      if (sequence) {
        this.#buffer = this.#buffer.slice(sequence.length);
        continue;
      }
      const letter = this.#buffer[0]!;
      this.#buffer = this.#buffer.slice(1);
      if (letter === '\r' || letter === '\n') {
        if (letter === '\r' && this.#buffer.startsWith('\n')) this.#buffer = this.#buffer.slice(1);
        const { typed, resolve } = this.#waiting;
        this.#waiting = undefined;
        if (this.#tty) this.write('\n');
        resolve(typed);
      } else if (letter === interrupt) {
        if (this.#manner.deaf) continue;
        const { reject } = this.#waiting;
        this.#waiting = undefined;
        reject(new Interrupted());
      } else if (erase.includes(letter)) this.#waiting.typed = this.#waiting.typed.slice(0, -1);
      else if (letter >= ' ' || letter === '\t') {
        this.#waiting.typed += letter;
        if (this.#tty && !this.#manner.silent && this.#waiting.echo !== 'none') this.write(this.#waiting.echo === 'stars' ? '*' : letter);
      }
    }
  }

  /** Nothing more will be typed; what is printed is still read. */
  #end(): void {
    this.#ended = true;
    this.#waiting?.reject(new Cut());
    this.#waiting = undefined;
  }

  #close(): void {
    this.#gone = true;
    this.#end();
  }
}

import { quoting, refused, type StepFailure } from '../../domain/failure.ts';
import type { Wire } from '../fence.ts';
import { connectionLost } from '../ssh/connection.ts';

/** What is needed of a channel that runs scp on the other side. */
export interface Remote {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  on(event: 'exit', listener: (code: number | null) => void): unknown;
  readonly stderr: { on(event: 'data', listener: (chunk: Buffer) => void): unknown };
  write(data: Buffer | string): unknown;
  end(): unknown;
}

const [yes, warning, fatal] = [0, 1, 2];
const usualPatienceMs = 60_000;
/** A header or a message is one line; more without an end is no scp. */
const longestLine = 4_096;
/** Certificates have a few kilobytes. */
const largestFile = 16 * 2 ** 20;

/** The two directions of the protocol that scp has spoken since rcp, over any channel. */
export class Rcp {
  readonly #remote: Remote;
  readonly #wire: Wire;
  readonly #tried: string;
  readonly #patienceMs: number;
  #chunks: Buffer[] = [];
  #held = 0;
  #complaint = '';
  #code: number | null | undefined;
  #closed = false;
  #wake: () => void = () => {};

  constructor(remote: Remote, wire: Wire, tried: string, patienceMs = usualPatienceMs) {
    this.#remote = remote;
    this.#wire = wire;
    this.#tried = tried;
    this.#patienceMs = patienceMs;
    remote.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#held += chunk.length;
      this.#wake();
    });
    remote.stderr.on('data', (chunk) => {
      this.#complaint = (this.#complaint + chunk.toString('utf8')).slice(-longestLine);
    });
    remote.on('exit', (code) => {
      this.#code = code;
    });
    remote.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** Takes one file, which must have that name: another one was not asked for. */
  async receive(name: string): Promise<Buffer> {
    return this.#untilEnded(async () => {
      const size = await this.#announced(name);
      this.#say(yes);
      const content = await this.#bytes(size);
      await this.#agreed('it sent more than it announced');
      this.#say(yes);
      return content;
    });
  }

  /** Gives one file. It counts only when the other side acknowledged all of it. */
  async send(name: string, content: Buffer): Promise<void> {
    await this.#untilEnded(async () => {
      await this.#agreed();
      await this.#wire.permit();
      this.#remote.write(`C0644 ${content.length} ${name}\n`);
      await this.#agreed();
      await this.#wire.permit();
      this.#remote.write(Buffer.concat([content, Buffer.of(yes)]));
      await this.#agreed();
    });
  }

  async #untilEnded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      this.#remote.end();
    }
  }

  /** The size that is announced for the file; times, which come with `-p`, are acknowledged and not used. */
  async #announced(name: string): Promise<number> {
    for (;;) {
      this.#say(yes);
      const kind = await this.#byte();
      if (kind === warning || kind === fatal) throw this.#refused(await this.#line());
      const header = String.fromCharCode(kind) + (await this.#line());
      if (/^T\d+ \d+ \d+ \d+$/.test(header)) continue;
      const [, size, sent] = /^C[0-7]{4} (\d{1,15}) (.+)$/.exec(header) ?? [];
      if (size === undefined) throw this.#failed('it does not speak scp', header);
      if (sent !== name) throw this.#failed(`it sent “${readable(sent!)}”, which was not asked for`);
      if (Number(size) > largestFile) throw this.#failed(`the file has ${size} bytes, more than ${largestFile}`);
      return Number(size);
    }
  }

  #say(answer: number): void {
    this.#remote.write(Buffer.of(answer));
  }

  /** A zero byte is a yes; one or two begin a line that says why not. */
  async #agreed(otherwise = 'its acknowledgement is none'): Promise<void> {
    const code = await this.#byte();
    if (code === warning || code === fatal) throw this.#refused(await this.#line());
    if (code !== yes) throw this.#failed(`${otherwise}: it does not speak scp`);
  }

  async #byte(): Promise<number> {
    return (await this.#bytes(1))[0]!;
  }

  async #bytes(size: number): Promise<Buffer> {
    await this.#until(() => this.#held >= size);
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(size)];
    this.#held = all.length - size;
    return all.subarray(0, size);
  }

  async #line(): Promise<string> {
    let length = 0;
    await this.#until(() => {
      const all = Buffer.concat(this.#chunks);
      this.#chunks = [all];
      length = all.indexOf(10) + 1;
      return length > 0 || all.length > longestLine;
    });
    if (length === 0) throw this.#failed('it does not speak scp: a line has no end');
    return (await this.#bytes(length)).toString('utf8').trimEnd();
  }

  async #until(enough: () => boolean): Promise<void> {
    const end = performance.now() + this.#patienceMs;
    while (!enough()) {
      if (this.#closed) throw this.#endedEarly();
      if (performance.now() >= end) throw connectionLost(this.#tried, new Error('no answer'));
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, end - performance.now());
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** A program that ended with a status and a word refused; a connection that broke off did not. */
  #endedEarly(): StepFailure {
    const said = this.#complaint.trim().split('\n').at(-1);
    return this.#code && said ? this.#refused(said) : connectionLost(this.#tried, new Error(`it ended early${said ? `: ${readable(said)}` : ''}`));
  }

  #refused(why: string): StepFailure {
    return this.#failed('the other side refused it', why.replace(/^scp:\s*/, ''));
  }

  #failed(summary: string, said = ''): StepFailure {
    return refused({
      code: 'HSM_COMMAND_FAILED',
      tried: this.#tried,
      summary,
      ...quoting('scp', readable(said)),
      remedy: 'Check the files of tenantadmin (my file list), then retry.',
    });
  }
}

const readable = (text: string): string => text.replace(/\p{C}/gu, '?').slice(0, 200);

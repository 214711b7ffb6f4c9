import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Command {
  name: string;
  file: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  logFile: string;
}

/** A process of the stack. Its output goes to its log file. It has a process group of its own, so that Ctrl-C reaches it only through us, in order. */
export class Child {
  readonly name: string;
  readonly logFile: string;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  #alive = true;

  constructor({ name, file, args, env, logFile }: Command) {
    this.name = name;
    this.logFile = logFile;
    mkdirSync(dirname(logFile), { recursive: true });
    const log = openSync(logFile, 'a', 0o600);
    this.#process = spawn(file, args, { env, stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.ended = new Promise((resolve) => {
      const end = (ended: Ended) => {
        this.#alive = false;
        resolve(ended);
      };
      this.#process.once('exit', (code, signal) => end({ code, signal }));
      // Not that it began alone: a signal that cannot be sent is an error, too, of a process that lives.
      this.#process.on('error', () => this.#process.pid === undefined && end({ code: 127, signal: null }));
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Sends a signal and resolves with how the process ended. */
  async kill(signal: NodeJS.Signals): Promise<Ended> {
    if (this.#alive) this.#process.kill(signal);
    return await this.ended;
  }

  /** Asks it to end, and ends it after a grace of so many milliseconds. */
  async stop(graceMs = 20_000): Promise<Ended> {
    const impatience = setTimeout(() => this.#alive && this.#process.kill('SIGKILL'), graceMs);
    try {
      return await this.kill('SIGTERM');
    } finally {
      clearTimeout(impatience);
    }
  }

  /** The last lines of its log, for the person who must find out why. */
  lastLines(count = 20): string {
    try {
      return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
    } catch {
      return '';
    }
  }
}

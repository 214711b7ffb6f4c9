import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const quietMs = 200;

/** Keeps a JSON tree in a file: soon after each change, and at the end. */
export class StateFile {
  readonly state: Record<string, unknown>;
  readonly #path: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(path?: string) {
    this.#path = path;
    this.state = path && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  }

  changed(): void {
    if (this.#path) this.#timer ??= setTimeout(() => this.save(), quietMs);
  }

  /** Whole or not at all. */
  save(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#path) return;
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    writeFileSync(`${this.#path}.new`, JSON.stringify(this.state), { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }
}

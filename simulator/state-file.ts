import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const quietMs = 200;
const algorithm = 'aes-256-gcm';

/** Keeps a JSON tree in a file: soon after each change, and at the end. It is sealed: the simulated systems remember the passwords that they were given. */
export class StateFile {
  readonly state: Record<string, unknown>;
  readonly #path: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(path?: string, initial: Record<string, unknown> = {}) {
    this.#path = path;
    this.state = path && existsSync(path) ? JSON.parse(unseal(keyBeside(path), readFileSync(path))) : initial;
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
    writeFileSync(`${this.#path}.new`, seal(keyBeside(this.#path), JSON.stringify(this.state)), { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }
}

function keyBeside(path: string): Buffer {
  const file = `${path}.key`;
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, randomBytes(32), { mode: 0o600 });
  }
  return readFileSync(file);
}

function seal(key: Buffer, text: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv(algorithm, key, nonce);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

function unseal(key: Buffer, sealed: Buffer): string {
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, 12)).setAuthTag(sealed.subarray(12, 28));
  return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
}

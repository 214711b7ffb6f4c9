import type { WriteStream } from 'node:tty';
import { colored, type Paint, plain } from './format.ts';

/** A part of the terminal that is redrawn in place. Lines must fit the terminal's width: a broken line would shift everything. */
export class Screen {
  readonly #out: WriteStream;
  #height = 0;

  constructor(out: WriteStream) {
    this.#out = out;
  }

  get live(): boolean {
    return this.#out.isTTY === true;
  }

  get paint(): Paint {
    return this.live && !process.env.NO_COLOR ? colored : plain;
  }

  get columns(): number {
    return this.#out.columns ?? 120;
  }

  get rows(): number {
    return (this.#out.rows ?? 50) - 1;
  }

  /** Replaces what was drawn last. */
  draw(lines: readonly string[]): void {
    this.clear();
    this.#out.write(lines.map((line) => `${line}\n`).join(''));
    this.#height = lines.length;
  }

  /** Takes what was drawn last away. */
  clear(): void {
    if (this.#height > 0) this.#out.write(`\x1b[${this.#height}A\x1b[0J`);
    this.#height = 0;
  }

  /** Writes lines that stay. */
  print(...lines: string[]): void {
    this.clear();
    this.#out.write(lines.map((line) => `${line}\n`).join(''));
  }
}

const mask = '********';
/** A secret of which only so many letters were echoed before the end is hidden, too. */
const shortestStart = 3;
/** What a terminal may put between two letters where a line is full. */
const betweenLetters = '(?:\\x1b\\[[0-9;?]*[A-Za-z]|[ ]?[\\r\\n\\x08])*';

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
const wrapped = (secret: string): string => [...secret].map(literally).join(betweenLetters);
/** The beginning of a secret, of any length. */
const begun = (secret: string): string => {
  const letters = [...secret].map(literally);
  return (
    letters.slice(0, shortestStart).join(betweenLetters) +
    letters.slice(shortestStart).reduceRight((rest, letter) => `(?:${betweenLetters}${letter}${rest})?`, '')
  );
};

/** Collects what a terminal showed, for the report. Secrets never get in: whatever was typed at a prompt for one is replaced, wherever it shows. */
export class Transcript {
  readonly #secrets: string[] = [];
  readonly #parts: string[] = [];

  add(text: string): void {
    this.#parts.push(text);
  }

  /** From now on and in what was shown before. */
  hide(secret: string): void {
    if (secret === '' || this.#secrets.includes(secret)) return;
    this.#secrets.push(secret);
    // The longest first: one may begin another.
    this.#secrets.sort((a, b) => b.length - a.length);
  }

  /** Any text without the secrets, however they are broken into lines, and without the beginning of one at its end. */
  mask(text: string): string {
    if (this.#secrets.length === 0) return text;
    const whole = text.replace(new RegExp(this.#secrets.map(wrapped).join('|'), 'g'), mask);
    return whole.replace(new RegExp(`(?:${this.#secrets.map(begun).join('|')})${betweenLetters}$`), mask);
  }

  get masked(): string {
    return this.mask(this.#parts.join(''));
  }
}

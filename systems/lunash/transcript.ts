const mask = '********';

/** Collects what a terminal showed, for the report. Secrets never get in: whatever was typed at a prompt for one is replaced, wherever it shows. */
export class Transcript {
  readonly #secrets: string[] = [];
  #text = '';

  add(text: string): void {
    this.#text += text;
  }

  hide(secret: string): void {
    if (secret !== '' && !this.#secrets.includes(secret)) this.#secrets.push(secret);
  }

  get masked(): string {
    return this.#secrets.reduce((text, secret) => text.replaceAll(secret, mask), this.#text);
  }
}

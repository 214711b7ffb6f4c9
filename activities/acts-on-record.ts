import type { EntryName } from '../stores/record/events.ts';
import { entriesFor, type LastingActName } from '../systems/lasting-acts.ts';

/**
 * What the entries that one phase of an attempt made in the target record, or read there, allow it to send. Each act needs its own. One that says that something
 * is begun or tried opens one act, with whatever belongs to it: another act, the same one sent once more included, needs another entry. One that says that
 * somebody has a secret holds for all that this phase gives them, and one of a LunaSH command that erases nothing for all such commands of the phase: what another
 * run waits for is the last one.
 */
export class ActsOnRecord {
  readonly #entered = new Set<EntryName>();
  #begun: LastingActName | undefined;

  enter(entry: EntryName): void {
    this.#entered.add(entry);
  }

  begin(act: LastingActName): void {
    const needed = entriesFor(act);
    const missing = needed.filter((oneOf) => !oneOf.some((entry) => this.#entered.has(entry)));
    if (missing.length > 0) throw new Error(`${act} needs an entry of its own in the target record before it is sent: ${missing.map(inWords).join(', ')}.`);
    for (const entry of needed.flat()) if (!holding.some((event) => entry.endsWith(event))) this.#entered.delete(entry);
    this.#begun = act;
  }

  /** What belongs to an act that was begun: the answers to a command’s questions, the rest of a script. */
  goOn(act: LastingActName): void {
    if (entriesFor(act).length > 0 && act !== this.#begun) throw new Error(`${act} was not begun, so nothing that belongs to it may be sent.`);
  }
}

/** Events whose entry holds for a whole phase. */
const holding = ['/secret-given', '/command-begun'];

const inWords = (oneOf: readonly EntryName[]): string => oneOf.join(' or ');

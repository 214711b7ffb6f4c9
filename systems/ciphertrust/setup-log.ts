import { randomBytes } from 'node:crypto';
import type { Job } from '../../domain/results.ts';
import { StepLog } from '../../stores/reports/step-log.ts';
import type { Transcripts } from '../../stores/reports/transcripts.ts';

const sending = 'POST /v1/system/hsm/setup';
const notSent = 'not taken:';
const failed = 'failed:';
const unknown = 'unknown:';
const told = 'a person is told';
const doubt = 'doubted:';

/** An `hsm/setup` that left. */
export interface Sent {
  id: string;
  /** ms since the epoch, by the clock of the worker that sent it. */
  at: number;
  /** When the last was heard of it: its answer, or that there was none. */
  heardAt: number;
  /** Did CipherTrust Manager say what became of it? Else it may still be at work. */
  answered: boolean;
  /** It was answered that it failed; whether it wiped all the same is not known. */
  failed: boolean;
  /** What was heard; undefined where nobody heard anything. */
  answer?: string;
  /** The last order under which a person was told that it failed, or had no effect. */
  toldUnder?: string;
}

/**
 * Which `hsm/setup` this job sent: evidence for the report, and the memory of it. It is written before the request leaves, so that neither a killed worker nor
 * a retry that a person orders forgets it: what comes after a wipe cannot be told from a stranger by looking at it. Each request has a name in it, since two
 * workers may write at once where one lost Temporal; a line without one, from before they had names, is about the last request.
 */
export class SetupLog {
  readonly #log: StepLog;

  constructor(transcripts: Transcripts, job: Job) {
    this.#log = new StepLog(transcripts, job, 'set-root-of-trust');
  }

  /** A request leaves now; gives its name. */
  async sending(what: string): Promise<string> {
    const id = randomBytes(4).toString('hex');
    await this.#log.write(`#${id} ${sending} ${what}`);
    return id;
  }

  answered(id: string, said: string): Promise<void> {
    return this.#log.write(`#${id} ${said}`);
  }

  /** There was no answer, or none of CipherTrust Manager’s own. */
  unknown(id: string, said: string): Promise<void> {
    return this.#log.write(`#${id} ${unknown} ${said}`);
  }

  /** It surely never left. */
  notSent(id: string, why: string): Promise<void> {
    return this.#log.write(`#${id} ${notSent} ${why}`);
  }

  failed(id: string, said: string): Promise<void> {
    return this.#log.write(`#${id} ${failed} ${said}`);
  }

  /** A person gets to know that it failed or had no effect: only an order after this one is an order to send another. */
  told(id: string, order: string): Promise<void> {
    return this.#log.write(`#${id} ${told}`, order);
  }

  /** Something that a person should look at spoke against sending it. */
  doubted(why: string, order: string): Promise<void> {
    return this.#log.write(`${doubt} ${why}`, order);
  }

  /** Was just this doubted under an earlier order? Then a person knows of it and ordered to go on. */
  async wasDoubted(why: string, order: string): Promise<boolean> {
    return (await this.#log.lines()).some((line) => line.words === `${doubt} ${why}`.replace(/\s+/g, ' ') && line.order !== order);
  }

  /** The requests that left, in order. */
  async sent(): Promise<Sent[]> {
    const all: Sent[] = [];
    for (const { at, words: line, order } of await this.#log.lines()) {
      const [, id, words = ''] = /^(?:#(\w+) )?(.*)$/.exec(line)!;
      const one = id === undefined ? all.at(-1) : all.find((sent) => sent.id === id);
      if (words.startsWith(sending)) all.push({ id: id ?? `${all.length}`, at, heardAt: at, answered: false, failed: false });
      else if (!one || words.startsWith(doubt)) continue;
      else if (words.startsWith(notSent)) all.splice(all.indexOf(one), 1);
      else if (words.startsWith(told)) one.toldUnder = order;
      else Object.assign(one, { answer: words, heardAt: at, answered: !words.startsWith(unknown), failed: words.startsWith(failed) });
    }
    return all;
  }
}

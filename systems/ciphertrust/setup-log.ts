import type { Job } from '../../domain/results.ts';
import type { Transcripts } from '../transcripts.ts';

const step = 'set-root-of-trust';
const sending = 'POST /v1/system/hsm/setup';
const refused = 'not taken:';
const failed = 'failed:';
const doubt = 'doubted:';

/** An `hsm/setup` that left and was not refused. */
export interface Sent {
  /** ms since the epoch, by the clock of the worker that sent it. */
  at: number;
  /** When the last was heard of it: its answer, or that there was none. */
  heardAt: number;
  /** Under which order of a person: all attempts of one order count as one. */
  order: string;
  /** It said that it failed: a person may order another one, but whether it wiped is not known. */
  failed: boolean;
  /** What was answered; undefined where nobody heard an answer. */
  answer?: string;
}

/**
 * Which `hsm/setup` this job sent: evidence for the report, and the memory of it. It is written before the request leaves, so that neither a killed worker nor
 * a retry that a person orders forgets it: what comes after a wipe cannot be told from a stranger by looking at it.
 */
export class SetupLog {
  readonly #transcripts: Transcripts;
  readonly #job: Job;

  constructor(transcripts: Transcripts, job: Job) {
    this.#transcripts = transcripts;
    this.#job = job;
  }

  /** A request leaves now. */
  sending(what: string, order: string): Promise<void> {
    return this.#write(`${sending} ${what} (order ${order})`);
  }

  answered(said: string): Promise<void> {
    return this.#write(said);
  }

  /** The last request was refused, or never left: it changed nothing. */
  refused(said: string): Promise<void> {
    return this.#write(`${refused} ${said}`);
  }

  /** The last request was taken and failed. */
  failed(said: string): Promise<void> {
    return this.#write(`${failed} ${said}`);
  }

  /** Something that a person should look at spoke against sending it. */
  doubted(why: string, order: string): Promise<void> {
    return this.#write(`${doubt} ${why} (order ${order})`);
  }

  /** Was something doubted under an earlier order? Then a person knows of it and ordered to go on. */
  async wasDoubted(order: string): Promise<boolean> {
    return (await this.#lines()).some(({ words }) => words.startsWith(doubt) && orderOf(words) !== order);
  }

  /** The requests that left and were not refused, in order. */
  async sent(): Promise<Sent[]> {
    const all: Sent[] = [];
    for (const { at, words } of await this.#lines()) {
      if (words.startsWith(sending)) all.push({ at, heardAt: at, order: orderOf(words), failed: false });
      else if (words.startsWith(refused)) all.pop();
      else if (words.startsWith(failed)) Object.assign(all.at(-1) ?? {}, { failed: true, answer: words, heardAt: at });
      else if (!words.startsWith(doubt)) Object.assign(all.at(-1) ?? {}, { answer: words, heardAt: at });
    }
    return all;
  }

  async #lines(): Promise<{ at: number; words: string }[]> {
    const all = await this.#transcripts.list(this.#job.target, this.#job.runId);
    const text = all.find((transcript) => transcript.step === step)?.text ?? '';
    const lines = text.split('\n').filter((line) => line.includes(' '));
    return lines.map((line) => ({ at: Date.parse(line.slice(0, line.indexOf(' '))), words: line.slice(line.indexOf(' ') + 1) }));
  }

  #write(words: string): Promise<void> {
    return this.#transcripts.append(this.#job.target, this.#job.runId, step, `${new Date().toISOString()} ${words.replace(/\s+/g, ' ')}`);
  }
}

const orderOf = (words: string): string => /\(order ([^)]*)\)$/.exec(words)?.[1] ?? '';

import type { Job } from '../../domain/results.ts';
import type { Transcripts } from '../transcripts.ts';
import { StepLog } from './step-log.ts';

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
  /** Under which order of a person. */
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
  readonly #log: StepLog;

  constructor(transcripts: Transcripts, job: Job) {
    this.#log = new StepLog(transcripts, job, 'set-root-of-trust');
  }

  /** A request leaves now. */
  sending(what: string, order: string): Promise<void> {
    return this.#log.write(`${sending} ${what}`, order);
  }

  answered(said: string): Promise<void> {
    return this.#log.write(said);
  }

  /** The last request was refused, or never left: it changed nothing. */
  refused(said: string): Promise<void> {
    return this.#log.write(`${refused} ${said}`);
  }

  /** The last request was taken and failed. */
  failed(said: string): Promise<void> {
    return this.#log.write(`${failed} ${said}`);
  }

  /** Something that a person should look at spoke against sending it. */
  doubted(why: string, order: string): Promise<void> {
    return this.#log.write(`${doubt} ${why}`, order);
  }

  /** Was something doubted under an earlier order? Then a person knows of it and ordered to go on. */
  async wasDoubted(order: string): Promise<boolean> {
    return (await this.#log.lines()).some((line) => line.words.startsWith(doubt) && line.order !== order);
  }

  /** The requests that left and were not refused, in order. */
  async sent(): Promise<Sent[]> {
    const all: Sent[] = [];
    for (const { at, words, order } of await this.#log.lines()) {
      if (words.startsWith(sending)) all.push({ at, heardAt: at, order, failed: false });
      else if (words.startsWith(refused)) all.pop();
      else if (words.startsWith(failed)) Object.assign(all.at(-1) ?? {}, { failed: true, answer: words, heardAt: at });
      else if (!words.startsWith(doubt)) Object.assign(all.at(-1) ?? {}, { answer: words, heardAt: at });
    }
    return all;
  }
}

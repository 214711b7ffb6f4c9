import type { Job } from '../../domain/results.ts';
import type { Transcripts } from '../transcripts.ts';

const step = 'set-root-of-trust';
const sending = 'POST /v1/system/hsm/setup';
const notTaken = 'not taken:';

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
  sending(what: string): Promise<void> {
    return this.#write(`${sending} ${what}`);
  }

  answered(said: string): Promise<void> {
    return this.#write(said);
  }

  /** The last request was refused: it changed nothing. */
  refused(said: string): Promise<void> {
    return this.#write(`${notTaken} ${said}`);
  }

  /** How many requests left and were not refused. */
  async sent(): Promise<number> {
    const all = await this.#transcripts.list(this.#job.target, this.#job.runId);
    const lines = (all.find((transcript) => transcript.step === step)?.text ?? '').split('\n');
    const count = (words: string) => lines.filter((line) => line.slice(line.indexOf(' ') + 1).startsWith(words)).length;
    return count(sending) - count(notTaken);
  }

  #write(words: string): Promise<void> {
    return this.#transcripts.append(this.#job.target, this.#job.runId, step, `${new Date().toISOString()} ${words.replace(/\s+/g, ' ')}`);
  }
}

import type { Job } from '../../domain/results.ts';
import { cutOff, type Transcripts } from './transcripts.ts';

/** One line of a step’s log. */
interface Line {
  /** ms since the epoch, by the clock of the worker that wrote it. */
  at: number;
  words: string;
  /** Under which order of a person: all attempts of one order count as one. Empty where it was not said. */
  order: string;
}

/** What a step of a job did that nobody tells afterwards, a line each, in its transcript: evidence for the report, and the step’s memory across workers and orders. */
export class StepLog {
  readonly #transcripts: Transcripts;
  readonly #job: Job;
  readonly #step: string;

  constructor(transcripts: Transcripts, job: Job, step: string) {
    this.#transcripts = transcripts;
    this.#job = job;
    this.#step = step;
  }

  write(words: string, order?: string): Promise<void> {
    const line = `${new Date().toISOString()} ${words.replace(/\s+/g, ' ')}${order === undefined ? '' : ` (order ${order})`}`;
    return this.#transcripts.append(this.#job.target, this.#job.runId, this.#step, line);
  }

  /** Whole lines: what was cut off was never said, since whoever wrote it waits for the end before anything is done. */
  async lines(): Promise<Line[]> {
    const all = await this.#transcripts.list(this.#job.target, this.#job.runId);
    const text = all.find(({ step }) => step === this.#step)?.text ?? '';
    const whole = text.split('\n').slice(0, -1);
    return whole.flatMap((line) => {
      if (line.endsWith(cutOff)) return [];
      const [, at, words, order = ''] = /^(\S+) (.*?)(?: \(order ([^)]*)\))?$/.exec(line) ?? [];
      return at && words ? [{ at: Date.parse(at), words, order }] : [];
    });
  }
}

import { randomBytes } from 'node:crypto';
import type { StepContext } from '../../domain/results.ts';
import type { AttemptRecord } from '../../stores/record/attempt-record.ts';
import type { DataOf } from '../../stores/record/events.ts';
import { type Order, type SentSetup, sentSetups } from '../../stores/record/memory.ts';
import type { Transcripts } from '../../stores/reports/transcripts.ts';

interface Parts {
  record: AttemptRecord<'ciphertrust'>;
  transcripts: Transcripts;
  job: StepContext;
  /** Whose transcript says it, too. */
  step: string;
  order: Order;
  /** The Temporal server's time, in ms since the epoch. */
  now(): Promise<number>;
}

type Outcome = 'setup-answered' | 'setup-unknown' | 'setup-failed';

/** What a field of the record takes, in one line. */
const short = (text: string) => text.replace(/\s+/g, ' ').slice(0, 300);

/**
 * Which `hsm/setup` was sent to this manager, by whichever job: entered before the request leaves, so that nobody forgets it. What comes after a wipe cannot be
 * told from a stranger by looking at it. Each request has an id, since an answer belongs to one of them. The transcript says the same to people.
 */
export class SetupRecord {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  static newId(): string {
    return randomBytes(8).toString('hex');
  }

  /** The requests that may have left, in order; looks anew. */
  async look(): Promise<SentSetup[]> {
    return sentSetups(await this.#parts.record.look());
  }

  /** A request leaves now. Stale where anything was entered since the last look: then nothing may be sent. */
  async sending(sent: Omit<DataOf<'ciphertrust', 'setup-sent'>, 'serverTime'>): Promise<void> {
    await this.#parts.record.enter('setup-sent', { ...sent, serverTime: await this.#now() });
    try {
      await this.#tell(sent.id, `POST /v1/system/hsm/setup for partition ${sent.partitionSerial} on ${sent.hsmAddress}, with reset`);
    } catch (error) {
      await this.#parts.record.enterFact('setup-not-sent', { id: sent.id });
      throw error;
    }
  }

  answered(id: string, status: number): Promise<void> {
    return this.#becomes('setup-answered', { id, status, evidence: `${status}` });
  }

  /** There was no answer, or none of CipherTrust Manager’s own. */
  unknown(id: string, said: string): Promise<void> {
    return this.#becomes('setup-unknown', { id, evidence: short(`unknown: ${said}`) });
  }

  failed(id: string, status: number, said: string): Promise<void> {
    return this.#becomes('setup-failed', { id, status, evidence: short(`failed: ${said}`) });
  }

  /** It surely never left. */
  async notSent(id: string, why: string): Promise<void> {
    await this.#parts.record.enterFact('setup-not-sent', { id, evidence: short(why) });
    await this.#tell(id, `not taken: ${why}`);
  }

  /** A person gets to know that it failed or had no effect: only an order after this one is an order to send another. */
  async told(id: string): Promise<void> {
    await this.#parts.record.enterFact('setup-told', { id });
    await this.#tell(id, `a person is told (order ${this.#parts.order.execution})`);
  }

  /** Something that a person should look at spoke against sending it. */
  async doubted(doubt: string): Promise<void> {
    await this.#parts.record.enterFact('setup-doubted', { doubt: short(doubt) });
    await this.#tell(undefined, `doubted: ${doubt} (order ${this.#parts.order.execution})`);
  }

  /** Was just this doubted under an earlier order of this run? Then a person knows of it and ordered to go on. */
  async wasDoubted(doubt: string): Promise<boolean> {
    const { record, order } = this.#parts;
    const known = await record.known();
    return known.some(({ event, data, ...by }) => event === 'setup-doubted' && data.doubt === short(doubt) && isEarlier(by, order));
  }

  async #becomes(event: Outcome, data: { id: string; status?: number; evidence: string }): Promise<void> {
    const { status = 0, ...others } = data;
    const serverTime = await this.#now();
    if (event === 'setup-answered') await this.#parts.record.enterFact(event, { ...others, status, serverTime });
    else await this.#parts.record.enterFact(event, { ...data, serverTime });
    await this.#tell(data.id, data.evidence);
  }

  async #now(): Promise<number> {
    return Math.round(await this.#parts.now());
  }

  #tell(id: string | undefined, words: string): Promise<void> {
    const { transcripts, job, step } = this.#parts;
    const line = `${new Date().toISOString()} ${id === undefined ? '' : `#${id} `}${words.replace(/\s+/g, ' ')}`;
    return transcripts.append(job.target, job.runId, step, line);
  }
}

/** An earlier order of the same run: what another run was told is not known to have reached who ordered this one. */
export const isEarlier = (told: Order, { runId, execution }: Order): boolean => told.runId === runId && told.execution !== execution;

import type { Client } from '@temporalio/client';
import { Pollers, type Polling } from '../temporal/pollers.ts';
import { ask } from './temporal.ts';

/** How long an answer is good for: however many ask, Temporal is asked once in that time. */
const keptMs = 3_000;
const patienceMs = 2_000;

/** The workers of this installation, as Temporal saw them last. */
export interface WorkersView {
  /** Those that poll for workflows and for activities. */
  count: number;
  /** Where there is none: the last sign of one, or when this API started if it knows of none. */
  since?: string;
  /** The same for people. */
  detail?: string;
}

/** Who works on this installation's jobs. What Temporal does not tell is undefined: then nothing is said, since nothing is known. */
export class Workers {
  readonly #look: () => Promise<Polling>;
  readonly #taskQueue: string;
  readonly #now: () => number;
  readonly #began = new Date();
  #latest: Promise<WorkersView | undefined> | undefined;
  #askedAt = 0;

  constructor(client: Client, taskQueue: string, now: () => number = () => performance.now()) {
    this.#taskQueue = taskQueue;
    this.#now = now;
    let pollers: Pollers | undefined;
    this.#look = () =>
      ask(
        client,
        () => {
          pollers ??= new Pollers({ service: client.workflowService, namespace: client.options.namespace, taskQueue });
          return pollers.look();
        },
        patienceMs,
      );
  }

  /** Asks Temporal, or gives what it told a moment ago. Never fails. */
  view(): Promise<WorkersView | undefined> {
    if (!this.#latest || this.#now() - this.#askedAt > keptMs) {
      this.#askedAt = this.#now();
      this.#latest = this.#look().then(
        (polling) => this.#viewOf(polling),
        () => undefined,
      );
    }
    return this.#latest;
  }

  /** Only where no worker is there: what a job that is not over must say of it. */
  async missing(): Promise<WorkersView | undefined> {
    const view = await this.view();
    return view?.count === 0 ? view : undefined;
  }

  #viewOf({ identities, lastSeen }: Polling): WorkersView {
    if (identities.length > 0) return { count: identities.length };
    const since = (lastSeen ?? this.#began).toISOString();
    const detail = lastSeen
      ? `No worker polls the task queue ${this.#taskQueue}; the last one was seen at ${since}. Start a worker: jobs continue then.`
      : `No worker has polled the task queue ${this.#taskQueue} since this API started at ${since}. Start a worker: jobs continue then.`;
    return { count: 0, since, detail };
  }
}

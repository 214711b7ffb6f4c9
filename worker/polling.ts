import { Pollers, type TaskQueues } from '../temporal/pollers.ts';
import type { Readiness } from './health.ts';

/** A worker that was not seen polling for so long is not ready. */
const readyForMs = 30_000;
const lookEveryMs = 5_000;
/** Until it is seen for the first time: whoever started it waits for that. */
const firstLooksEveryMs = 200;
const patienceMs = 5_000;

/** Temporal's Worker, as far as it is needed here. */
interface PollingWorker {
  options: { identity: string; namespace: string; taskQueue: string };
  getState(): string;
}

/** The connection that the worker polls with. */
interface PollingConnection {
  workflowService: TaskQueues;
  withDeadline<T>(deadline: number, question: () => Promise<T>): Promise<T>;
}

/**
 * Does this worker poll? The SDK does not tell when a poll last succeeded, so Temporal is asked, over the connection that polls: it must answer, and list this
 * worker as a poller for workflows and for activities.
 */
export class OwnPolling {
  readonly #worker: PollingWorker;
  readonly #connection: PollingConnection;
  readonly #pollers: Pollers;
  readonly #now: () => number;
  readonly #began: number;
  #seenAt: number | undefined;
  #why = 'Temporal has not listed this worker yet.';
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(worker: PollingWorker, connection: PollingConnection, now: () => number = () => performance.now()) {
    this.#worker = worker;
    this.#connection = connection;
    this.#now = now;
    this.#began = now();
    const { namespace, taskQueue } = worker.options;
    this.#pollers = new Pollers({ service: connection.workflowService, namespace, taskQueue });
  }

  /** Looks again and again until it is stopped. */
  async start(): Promise<void> {
    await this.look();
    if (!this.#stopped) this.#timer = setTimeout(() => void this.start(), this.#seenAt === undefined ? firstLooksEveryMs : lookEveryMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  readiness(): Readiness {
    const state = this.#worker.getState();
    if (state !== 'RUNNING') return { ready: false, detail: `The worker's state is ${state}.` };
    const silentMs = this.#now() - (this.#seenAt ?? this.#began);
    if (this.#seenAt !== undefined && silentMs <= readyForMs) return { ready: true };
    return { ready: false, detail: `This worker has not been seen polling for ${Math.round(silentMs / 1000)} s. ${this.#why}` };
  }

  /** Asks Temporal once; never fails. */
  async look(): Promise<void> {
    try {
      const { identities } = await this.#connection.withDeadline(Date.now() + patienceMs, () => this.#pollers.look());
      if (identities.includes(this.#worker.options.identity)) this.#seenAt = this.#now();
      else this.#why = 'Temporal answers, but does not list it.';
    } catch (error) {
      this.#why = `Temporal does not answer: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}

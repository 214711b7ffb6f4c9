/**
 * A poll that finds nothing lasts a minute, and the server tells a poller's time only when one ends: an idle worker's is up to a minute old, and a few seconds
 * pass until the next look.
 */
const freshMs = 75_000;
/** The server forgets a poller after that long: an age beyond it is a difference of clocks. */
const forgottenMs = 300_000;

/** TASK_QUEUE_TYPE_WORKFLOW and TASK_QUEUE_TYPE_ACTIVITY. */
const kinds = [1, 2];

/** Temporal's workflow service, as far as it is needed here. */
export interface TaskQueues {
  describeTaskQueue(request: { namespace: string; taskQueue: { name: string }; taskQueueType: number }): Promise<{
    pollers?: { identity?: string | null; lastAccessTime?: { seconds?: unknown; nanos?: number | null } | null }[] | null;
  }>;
}

export interface PollersOptions {
  service: TaskQueues;
  namespace: string;
  taskQueue: string;
  clock?: { wallMs: () => number; monotonicMs: () => number };
}

export interface Polling {
  /** The workers that poll for workflows and for activities. */
  identities: readonly string[];
  /** When one of them was last seen, by the server's clock; undefined where the server knows of none. */
  lastSeen: Date | undefined;
}

interface Poller {
  identity: string;
  lastAccessMs: number;
}

/**
 * Who polls a task queue, as Temporal tells it (DescribeTaskQueue). The age of a poll is measured by this process' monotonic clock from when the server's time
 * of it was seen to change, because two machines' clocks may differ; only at the first look it is taken from them, where it can be right.
 */
export class Pollers {
  readonly #options: PollersOptions;
  readonly #clock: { wallMs: () => number; monotonicMs: () => number };
  readonly #seen = new Map<string, { lastAccessMs: number; since: number }>();
  #lastSeenMs = 0;

  constructor(options: PollersOptions) {
    this.#options = options;
    this.#clock = options.clock ?? { wallMs: () => Date.now(), monotonicMs: () => performance.now() };
  }

  /** Asks Temporal. Two requests; nothing is changed. */
  async look(): Promise<Polling> {
    const lists = await Promise.all(kinds.map((kind) => this.#pollers(kind)));
    const present = lists.map((pollers, index) => this.#fresh(pollers, kinds[index] ?? 0));
    const identities = [...(present[0] ?? [])].filter((identity) => present.every((list) => list.has(identity)));
    for (const { identity, lastAccessMs } of lists.flat())
      if (identities.length === 0 || identities.includes(identity)) this.#lastSeenMs = Math.max(this.#lastSeenMs, lastAccessMs);
    return { identities, lastSeen: this.#lastSeenMs === 0 ? undefined : new Date(this.#lastSeenMs) };
  }

  async #pollers(taskQueueType: number): Promise<Poller[]> {
    const { service, namespace, taskQueue } = this.#options;
    const { pollers } = await service.describeTaskQueue({ namespace, taskQueue: { name: taskQueue }, taskQueueType });
    return (pollers ?? []).map(({ identity, lastAccessTime }) => ({
      identity: identity ?? '',
      lastAccessMs: Number(lastAccessTime?.seconds ?? 0) * 1000 + Math.floor((lastAccessTime?.nanos ?? 0) / 1e6),
    }));
  }

  #fresh(pollers: readonly Poller[], kind: number): Set<string> {
    const now = this.#clock.monotonicMs();
    const fresh = pollers.filter(({ identity, lastAccessMs }) => {
      const key = `${kind} ${identity}`;
      const known = this.#seen.get(key);
      const since = known?.lastAccessMs === lastAccessMs ? known.since : now - this.#ageByClocks(lastAccessMs);
      this.#seen.set(key, { lastAccessMs, since });
      return now - since <= freshMs;
    });
    this.#forget(kind, pollers);
    return new Set(fresh.map(({ identity }) => identity));
  }

  #ageByClocks(lastAccessMs: number): number {
    const age = this.#clock.wallMs() - lastAccessMs;
    return age >= 0 && age <= forgottenMs ? age : 0;
  }

  #forget(kind: number, pollers: readonly Poller[]): void {
    const there = new Set(pollers.map(({ identity }) => `${kind} ${identity}`));
    for (const key of this.#seen.keys()) if (key.startsWith(`${kind} `) && !there.has(key)) this.#seen.delete(key);
  }
}

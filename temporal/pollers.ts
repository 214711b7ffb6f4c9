/**
 * A poll that finds nothing lasts a minute, and the server tells a poller's time only when one ends: an idle worker's is up to a minute old, and a few seconds
 * pass until the next look (docs/reference/temporal.md#pollers).
 */
const freshMs = 75_000;
/** The server forgets a poller after that long: an age beyond it is a difference of clocks. */
const forgottenMs = 300_000;

/** A queue is split into partitions, each of which knows its own pollers alone; how many there are hardly ever changes. */
const partitionsKeptMs = 60_000;

/** TASK_QUEUE_TYPE_WORKFLOW and TASK_QUEUE_TYPE_ACTIVITY. */
const workflows = 1;
const activities = 2;
const kinds = [workflows, activities];

/** Temporal's workflow service, as far as it is needed here. */
export interface TaskQueues {
  listTaskQueuePartitions(request: { namespace: string; taskQueue: { name: string } }): Promise<{
    workflowTaskQueuePartitions?: { key?: string | null }[] | null;
    activityTaskQueuePartitions?: { key?: string | null }[] | null;
  }>;
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
 * Who polls a task queue, as Temporal tells it (DescribeTaskQueue of each partition: that of the queue as a whole shows a part of the pollers, or old times of
 * them). The age of a poll is measured by this process' monotonic clock from when the server's time
 * of it was seen to change, because two machines' clocks may differ; only at the first look it is taken from them, where it can be right.
 */
export class Pollers {
  readonly #options: PollersOptions;
  readonly #clock: { wallMs: () => number; monotonicMs: () => number };
  readonly #seen = new Map<string, { lastAccessMs: number; since: number }>();
  #lastSeenMs = 0;
  #partitions: { names: Map<number, readonly string[]>; at: number } | undefined;

  constructor(options: PollersOptions) {
    this.#options = options;
    this.#clock = options.clock ?? { wallMs: () => Date.now(), monotonicMs: () => performance.now() };
  }

  /** Asks Temporal: two requests a partition; nothing is changed. */
  async look(): Promise<Polling> {
    const partitions = await this.#names();
    const lists = await Promise.all(kinds.map((kind) => this.#pollers(kind, partitions.get(kind) ?? [])));
    const present = lists.map((pollers, index) => this.#fresh(pollers, kinds[index] ?? 0));
    const identities = [...(present[0] ?? [])].filter((identity) => present.every((list) => list.has(identity)));
    for (const { identity, lastAccessMs } of lists.flat())
      if (identities.length === 0 || identities.includes(identity)) this.#lastSeenMs = Math.max(this.#lastSeenMs, lastAccessMs);
    return { identities, lastSeen: this.#lastSeenMs === 0 ? undefined : new Date(this.#lastSeenMs) };
  }

  /** The partitions of each kind. A server that does not tell has the queue's own name asked. */
  async #names(): Promise<Map<number, readonly string[]>> {
    const { service, namespace, taskQueue } = this.#options;
    const now = this.#clock.monotonicMs();
    if (this.#partitions && now - this.#partitions.at <= partitionsKeptMs) return this.#partitions.names;
    const told = await service.listTaskQueuePartitions({ namespace, taskQueue: { name: taskQueue } }).catch(() => undefined);
    const named = (list: { key?: string | null }[] | null | undefined): string[] => {
      const names = (list ?? []).flatMap(({ key }) => (key ? [key] : []));
      return names.length > 0 ? names : [taskQueue];
    };
    const names = new Map([
      [workflows, named(told?.workflowTaskQueuePartitions)],
      [activities, named(told?.activityTaskQueuePartitions)],
    ]);
    if (told) this.#partitions = { names, at: now };
    return names;
  }

  /** Each identity once, with its latest time. */
  async #pollers(kind: number, partitions: readonly string[]): Promise<Poller[]> {
    const latest = new Map<string, number>();
    for (const { identity, lastAccessMs } of (await Promise.all(partitions.map((name) => this.#pollersOf(kind, name)))).flat())
      latest.set(identity, Math.max(lastAccessMs, latest.get(identity) ?? 0));
    return [...latest].map(([identity, lastAccessMs]) => ({ identity, lastAccessMs }));
  }

  async #pollersOf(taskQueueType: number, name: string): Promise<Poller[]> {
    const { pollers } = await this.#options.service.describeTaskQueue({ namespace: this.#options.namespace, taskQueue: { name }, taskQueueType });
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

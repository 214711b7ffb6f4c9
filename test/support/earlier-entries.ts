import type { DataOf, EventOf, Subject } from '../../stores/record/events.ts';

/** What an earlier job entered in the target record, put at once into the values of a store in memory. */
export function enterEarlier<S extends Subject>(values: Map<string, string>, target: string, subject: S, events: readonly EarlierEntry<S>[]): void {
  const prefix = `${target}/${subject}/`;
  for (const [event, data] of events) {
    const n = [...values.keys()].filter((name) => name.startsWith(prefix)).length + 1;
    const by = { jobId: target, runId: 'run-0', execution: 'earlier', attempt: 1, retry: 1 };
    const entry = { n, id: String(n).padStart(32, '0'), at: '2026-11-24T10:00:00.000Z', ...by, event, data };
    values.set(`${prefix}${String(n).padStart(6, '0')}`, JSON.stringify(entry));
  }
}

export type EarlierEntry<S extends Subject> = { [E in EventOf<S>]: readonly [event: E, data: DataOf<S, E>] }[EventOf<S>];

/** A person or the system wants this process to end. */
class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export interface Leaving {
  readonly signal: AbortSignal;
  /** Why to leave, once there is a reason. */
  readonly reason: unknown;
  leave(reason: unknown): void;
}

/** Turns Ctrl-C and the system's polite wish to end into an abort signal, so that what runs can be stopped in order. */
export function interruption(): Leaving {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort(new Interrupted(`${signal} received`)));
  // Whoever started this process may be killed and cannot tell: then it has another parent.
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && controller.abort(new Interrupted('the starting process has ended')), 500).unref();
  return {
    signal: controller.signal,
    get reason() {
      return controller.signal.reason as unknown;
    },
    leave: (reason) => controller.abort(reason),
  };
}

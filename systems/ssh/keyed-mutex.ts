import { onAbort } from '../aborting.ts';

/** Lets one after the other have something, in the order of asking, by name. */
export class KeyedMutex {
  readonly #last = new Map<string, Promise<void>>();

  /** Waits for the turn; what it gives ends it. Who is aborted while waiting does not get one. Not to be asked for again by who has it. */
  async acquire(name: string, signal: AbortSignal): Promise<() => void> {
    const before = this.#last.get(name);
    let over: () => void = () => {};
    const mine = new Promise<void>((resolve) => {
      over = resolve;
    });
    const last = before === undefined ? mine : before.then(() => mine);
    this.#last.set(name, last);
    void last.then(() => {
      if (this.#last.get(name) === last) this.#last.delete(name);
    });
    try {
      await unlessAborted(before, signal);
      return over;
    } catch (error) {
      over();
      throw error;
    }
  }
}

async function unlessAborted(waitedFor: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (!waitedFor) return;
  let stopListening = () => {};
  const cut = new Promise<never>((_, reject) => {
    stopListening = onAbort(signal, () => reject(signal.reason));
  });
  await Promise.race([waitedFor, cut]).finally(() => stopListening());
}

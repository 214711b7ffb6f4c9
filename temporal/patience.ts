import { setTimeout as pause } from 'node:timers/promises';

/** The first pause between two tries, and the longest: each is twice the one before. */
const usualPauses = { firstMs: 500, longestMs: 10_000 };

export interface Patience {
  /** What is awaited, as a person reads it: `Temporal at 127.0.0.1:7233`. */
  what: string;
  /** Which failures pass by themselves; any other ends the waiting with that failure. */
  passes: (error: unknown) => boolean;
  /** One line a failed try. */
  log: (line: string) => void;
  /** Ends the waiting. */
  signal: AbortSignal;
  pauses?: { firstMs: number; longestMs: number };
}

/**
 * Tries until it succeeds, for as long as it takes; undefined where the signal ended the waiting first. A try that is under way then is left alone: whoever
 * aborts ends the process.
 */
export async function untilItSucceeds<T>(attempt: () => Promise<T>, { what, passes, log, signal, pauses = usualPauses }: Patience): Promise<T | undefined> {
  const aborted = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
  for (let pauseMs = pauses.firstMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, pauses.longestMs)) {
    try {
      return await Promise.race([attempt(), aborted]);
    } catch (error) {
      if (!passes(error)) throw error;
      log(`Waiting for ${what}: ${messageOf(error)} Next attempt in ${pauseMs / 1000} s.`);
    }
    await Promise.race([pause(pauseMs, undefined, { signal }).catch(() => {}), aborted]);
  }
  return undefined;
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.endsWith('.') ? message : `${message}.`;
}

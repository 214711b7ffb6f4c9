import { setTimeout as pause } from 'node:timers/promises';

/** Looks again and again until there is a value, and gives it; after the time is up it fails and says what never came. */
export async function until<T>(what: string, look: () => Promise<T | undefined>, { timeoutMs = 20_000, everyMs = 50 } = {}): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > end) throw new Error(`waited ${timeoutMs / 1000} s in vain for: ${what}`);
    await pause(everyMs);
  }
}

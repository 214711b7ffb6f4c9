import { setTimeout as pause } from 'node:timers/promises';

/** What stands around a test and can tell what it was doing: asked when a wait fails. */
type Witness = () => Promise<string>;
const witnesses = new Set<Witness>();

/** Adds to what a failed wait tells; gives how to take that away. */
export function witnessFailedWaits(witness: Witness): () => void {
  witnesses.add(witness);
  return () => witnesses.delete(witness);
}

/** Looks again and again until there is a value, and gives it; after the time is up it fails, and says what never came and what its witnesses saw. */
export async function until<T>(what: string, look: () => Promise<T | undefined>, { timeoutMs = 20_000, everyMs = 50 } = {}): Promise<T> {
  const end = performance.now() + timeoutMs;
  try {
    for (;;) {
      const seen = await look();
      if (seen !== undefined) return seen;
      if (performance.now() > end) throw new Error(`waited ${timeoutMs / 1000} s in vain for: ${what}`);
      await pause(everyMs);
    }
  } catch (error) {
    throw await withEvidence(error);
  }
}

async function withEvidence(error: unknown): Promise<unknown> {
  if (!(error instanceof Error)) return error;
  const evidence = await Promise.all([...witnesses].map((witness) => witness().catch((failure) => `(a witness failed: ${failure})`)));
  if (evidence.length > 0) error.message = [error.message, ...evidence].join('\n');
  return error;
}

import { read } from './kept.ts';
import type { SecretStore } from './store.ts';

/**
 * What is kept under NAME, NAME-2, NAME-3 … up to the first that is not there. No store lets an entry be replaced, and a key vault does not give a deleted name
 * away again: what may change one day is told by a new entry behind the others. Never for passwords.
 */
export async function versions(secrets: SecretStore, name: string): Promise<string[]> {
  const entries: string[] = [];
  for (;;) {
    const entry = await read(secrets, nameOfVersion(name, entries.length));
    if (entry === undefined) return entries;
    entries.push(entry);
  }
}

/** The name of the entry that stands behind so many others. */
export const nameOfVersion = (name: string, others: number): string => (others === 0 ? name : `${name}-${others + 1}`);

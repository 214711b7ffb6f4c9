/**
 * Values under names, each written once: the first writer wins. That makes numbering a compare-and-set. A name is a path of parts, such as
 * `luna-kylo-1a2b/hsm/000001`: letters, digits and dashes, separated by `/`.
 */
export interface NumberedStore {
  /**
   * Writes a value under a name that has none. Of several writers at once exactly one gets `won`; the others get the winner's value. Over once the value would
   * survive a loss of power.
   */
  create(name: string, value: string): Promise<{ won: boolean; value: string }>;
  /** All names that begin with the prefix, sorted. What was created before the call is in it. */
  list(prefix: string): Promise<string[]>;
  /** The value, undefined where there is none. */
  get(name: string): Promise<string | undefined>;
}

/** The name, if it is one that every store takes. */
export function checkedEntryName(name: string): string {
  if (!/^[A-Za-z0-9-]{1,127}(\/[A-Za-z0-9-]{1,127}){0,3}$/.test(name))
    throw new Error(`"${name}" cannot be the name of an entry: 1 to 4 parts of letters, digits and dashes, separated by "/".`);
  return name;
}

const suppressed = new WeakMap<Error, unknown[]>();

/** The errors that came after this one and were not thrown in its place: for the log. */
export const suppressedBy = (error: unknown): readonly unknown[] => (error instanceof Error && suppressed.get(error)) || [];

/** Remembers an error that came after another one, and gives that one. */
export function suppressing<E>(first: E, later: unknown): E {
  if (first instanceof Error && first !== later) suppressed.set(first, [...suppressedBy(first), later]);
  return first;
}

/** Does what must follow an error, and gives that error, whatever comes of it. */
export async function afterwards<E>(error: E, after: () => Promise<unknown>): Promise<E> {
  try {
    await after();
    return error;
  } catch (later) {
    return suppressing(error, later);
  }
}

/**
 * Does the work and then, whatever came of it, what must follow. Where both fail the work’s error is thrown: unlike in a `finally`, an error of what follows never
 * takes its place, and a refused sign-in is not taken for a full disk.
 */
export async function finishing<T>(work: () => Promise<T>, after: () => Promise<unknown>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    throw await afterwards(error, after);
  }
  await after();
  return result;
}

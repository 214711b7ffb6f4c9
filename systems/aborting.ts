/** Calls back when the signal aborts, at once where it has already. Gives what stops listening, so that a signal that outlives its listeners keeps none of them. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => {};
  }
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

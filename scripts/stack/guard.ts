const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const guarded = new Set<() => void>();

function endAll(): void {
  for (const end of guarded) end();
}

function die(signal: NodeJS.Signals): void {
  endAll();
  process.off(signal, die);
  process.kill(process.pid, signal);
}

/**
 * Calls `end` at once, and for nothing that waits, when this process ends without having stopped its stack: by `process.exit`, or by a signal that nobody
 * else handles. Returns how to take the guard away.
 */
export function guard(end: () => void): () => void {
  if (guarded.size === 0) {
    process.on('exit', endAll);
    for (const signal of signals) if (process.listenerCount(signal) === 0) process.on(signal, die);
  }
  guarded.add(end);
  return () => {
    guarded.delete(end);
    if (guarded.size > 0) return;
    process.off('exit', endAll);
    for (const signal of signals) process.off(signal, die);
  };
}

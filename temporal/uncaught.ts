/**
 * What a process does about an error that nobody caught ('uncaughtException', and 'unhandledRejection', which Node raises as the former).
 *
 * It goes on by default. Such an error belongs to one connection or one callback: a socket that fails a second time after whoever used it has left, a mistake
 * of ours in a listener. Ending the process for it ends every step of every job here, half of them in the middle of an act; what Node warns of, state that is
 * no longer consistent, is small here, because nothing of a job lives in memory: each step looks at the real system before it acts. A step whose own callback
 * threw may wait for an answer that never comes: its start-to-close time-out ends it, and the next attempt looks first.
 *
 * It ends where the process itself is broken: no memory, a broken invariant of Node or of Temporal's SDK, or so many mistakes of ours within a minute that
 * going on does nothing else. (A failure of the worker's run loop is none of these: it comes to whoever runs the worker, and ends the process there.)
 */

const brokenCodes: ReadonlySet<string> = new Set([
  'ENOMEM',
  'ERR_MEMORY_ALLOCATION_FAILED',
  'ERR_WORKER_OUT_OF_MEMORY',
  'ERR_WORKER_INIT_FAILED',
  'ERR_INTERNAL_ASSERTION',
]);
/** Temporal's SDK names its own broken invariants so. */
const brokenNames: ReadonlySet<string> = new Set(['UnexpectedError']);
const noMemory = /(allocation failed|out of memory)/i;
/** Codes of Node that mean a mistake in how it was called; all others come from the network, the file system, TLS or a child process. */
const callersMistake = /^ERR_(INVALID|MISSING|OUT_OF_RANGE|UNHANDLED|ASSERTION|METHOD)/;
const isOfTheSystem = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && !callersMistake.test(error.code);

export const mostMistakesAMinute = 20;

/** Is the process broken, so that it must end? Pure. */
export function isBroken(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && brokenCodes.has(error.code)) return true;
  return brokenNames.has(error.name) || (error instanceof RangeError && noMemory.test(error.message));
}

/** What may be written down of an error: nothing that hangs on it, such as headers or a request's body. */
export interface UncaughtError {
  name: string;
  message: string;
  stack: string;
}

export function describeUncaught(error: unknown): UncaughtError {
  if (error instanceof Error) return { name: error.name, message: error.message, stack: error.stack ?? '' };
  // Whatever else was thrown may hold anything.
  return { name: 'Error', message: `something of type ${typeof error} was thrown`, stack: '' };
}

export interface UncaughtPolicy {
  /** Told of each error, and whether the process goes on. */
  report: (error: UncaughtError, goesOn: boolean) => void;
  /** Ends the process at once with a code other than 0. */
  end: () => void;
  /** In milliseconds, and monotonic. */
  now?: () => number;
}

/** Judges one error after the other. */
export function uncaughtJudge({ report, end, now = () => performance.now() }: UncaughtPolicy): (error: unknown) => void {
  let mistakes: number[] = [];
  return (error) => {
    if (!isOfTheSystem(error)) mistakes = [...mistakes.filter((at) => now() - at < 60_000), now()];
    const goesOn = !isBroken(error) && mistakes.length <= mostMistakesAMinute;
    try {
      report(describeUncaught(error), goesOn);
    } finally {
      if (!goesOn) end();
    }
  };
}

/** Puts the policy in force for this process; gives how to take it away. */
export function surviveUncaught(policy: UncaughtPolicy): () => void {
  const judge = uncaughtJudge(policy);
  // Whoever read the log may have gone: that nothing can be reported must not be reported, again and again.
  const nobodyReads = (): void => {};
  const outputs = [process.stdout, process.stderr];
  for (const output of outputs) output.on('error', nobodyReads);
  process.on('uncaughtException', judge);
  return () => {
    process.off('uncaughtException', judge);
    for (const output of outputs) output.off('error', nobodyReads);
  };
}

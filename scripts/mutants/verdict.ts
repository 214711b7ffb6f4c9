/** What mocha's reporter wrote at the end of a run. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  firstFailure?: { title: string; isHook: boolean; timedOut: boolean };
}

/** How a run of tests ended. */
export interface TestRun {
  /** It took too long and was killed. */
  timedOut: boolean;
  /** Missing where mocha did not get as far as running tests, or to the end. */
  counts?: Counts;
  /** What mocha printed. */
  output: string;
}

/** Not judged is what the bench itself cannot tell: its tests fail without the bug, or the bug cannot be planted. */
export type Verdict = { is: 'found'; by: string } | { is: 'missed' | 'not judged'; why: string };

/**
 * Did the tests find the bug? Only a test that failed by itself did. A process that hangs, tests that cannot be loaded, a set-up that breaks and a test that
 * runs out of time have not found it: on a slow machine they would look the same.
 */
export function verdictOf({ timedOut, counts }: TestRun): Verdict {
  if (!counts) return missed(timedOut ? 'the tests did not end in time' : 'the tests could not be loaded');
  const { passed, failed, firstFailure } = counts;
  if (passed + failed === 0) return missed('no test ran');
  if (!firstFailure) return missed(`${passed} tests passed`);
  if (firstFailure.isHook) return missed(`a hook failed: ${firstFailure.title}`);
  if (firstFailure.timedOut) return missed(`a test ran out of time: ${firstFailure.title}`);
  return { is: 'found', by: firstFailure.title };
}

/** Without a bug, each selection must pass. Gives what is wrong, if anything. */
export function problemWithoutBug({ timedOut, counts }: TestRun): string | undefined {
  if (!counts) return timedOut ? 'the tests did not end in time' : 'the tests could not be loaded';
  if (counts.failed > 0) return `${counts.failed} failed, first: ${counts.firstFailure?.title}`;
  return counts.passed === 0 ? 'no test ran' : undefined;
}

const missed = (why: string): Verdict => ({ is: 'missed', why });

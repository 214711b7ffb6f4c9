import type { read, suiteNames } from '../setup/commands/test.mjs';

type Suite = keyof typeof suiteNames;

/** Suites by name: which files, and what differs from the usual settings. The long ones are no part of `npm test`. */
const suites: Record<Suite, string[]> = {
  contract: ['test/contract/**/*.test.ts', 'test/integration/contract/**/*.test.ts'],
  'luna-coverage': [
    'test/contract/luna*.test.ts',
    'test/unit/luna/**/*.test.ts',
    'test/unit/rules.test.ts',
    // One by one: mocha takes a comma, in braces too, for the end of a name.
    ...['lunash.test.ts', 'openssh.test.ts', 'create-partition.test.ts', 'partition.test.ts', 'client-identity.test.ts', 'trust-link.test.ts'].map(
      (name) => `test/integration/${name}`,
    ),
  ],
  // Two workers for each case, and a stack for each file: about one hour for all, which wait more than they work. Part of no other suite.
  zombies: ['test/chaos/zombies/**/*.test.ts'],
  // Every order of two attempts of a step; some of them are part of `npm test`.
  explorer: ['test/explorer/**/*.test.ts'],
  'azure-long': ['test/long/azure/**/*.test.ts'],
  'luna-long': ['test/long/luna/**/*.test.ts'],
  'ciphertrust-long': ['test/long/ciphertrust/**/*.test.ts'],
};

/** How many of its files at once, where they wait more than they work. */
const jobs: Partial<Record<Suite, number>> = { zombies: 5 };

export interface Covered {
  code: string[];
  /** Percent. */
  lines: number;
}

/** Of which code a suite must run how much. */
export const coverage: Partial<Record<Suite, Covered>> = {
  'luna-coverage': { code: ['systems/lunash/**', 'systems/lunacm/**', 'systems/scp/**'], lines: 95 },
};

/**
 * What mocha is given for what somebody typed. It adds the files of its configuration to those on its command line: where files are named, or a suite, the
 * configuration without files counts.
 */
export function argumentsOfMocha({ suite, mochaArguments, hasFiles }: ReturnType<typeof read>): string[] {
  if (suite === undefined && !hasFiles) return mochaArguments;
  return ['--config', '.mocharc.suite.json', ...(suite ? sideBySide(suite) : []), ...mochaArguments, ...(suite && !hasFiles ? suites[suite] : [])];
}

/** mocha ends the processes that it runs files in before they could write down what they ran: where that counts, files go one by one. */
const sideBySide = (suite: Suite): string[] => (coverage[suite] ? [] : ['--parallel', '--jobs', `${jobs[suite] ?? 3}`]);

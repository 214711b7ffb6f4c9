import { existsSync } from 'node:fs';
import { parse, UsageError } from '../command-line.mjs';

export const name = 'test';

/** The suites that run alone, and what they hold. */
export const suiteNames = {
  contract: 'what is held against recorded evidence and Microsoft’s specification: npm run test:contract',
  'luna-coverage': 'what speaks to the HSM and its client, with coverage: npm run coverage:luna',
  zombies: 'two workers at one step, for each act that must happen once: npm run test:zombies',
  explorer: 'every order of two attempts of a step: npm run test:explorer',
  'azure-long': 'the long tests of Azure: npm run test:azure-long',
  'luna-long': 'the long tests of the HSM: npm run test:luna-long',
  'ciphertrust-long': 'the long tests of CipherTrust Manager: npm run test:ciphertrust-long',
};

export const usage = `npm test -- [options] [FILE …]
  Lint, types, and all tests but the long ones, or those in the files. The last line counts the tests.

  -g, --grep REGEXP   only tests whose title matches
  -f, --fgrep TEXT    only tests whose title holds this text
  -i, --invert        only the others
  -b, --bail          stop at the first test that fails
  -t, --timeout MS    give each test so long
  --retries N         repeat a test that fails
  -j, --jobs N        so many files at a time
  --help              this text

Suites of their own take the same options:
${Object.entries(suiteNames)
  .map(([suite, about]) => `  ${suite.padEnd(18)}${about}`)
  .join('\n')}

With any other option of mocha: npx mocha --config .mocharc.suite.json FILE`;

const isPattern = (text) => /[*?[{]/.test(text);

/**
 * @param {readonly string[]} args
 * @returns {{ suite?: keyof typeof suiteNames, mochaArguments: string[], hasFiles: boolean }}
 */
export function read(args) {
  const [first = ''] = args;
  const suite = Object.hasOwn(suiteNames, first) ? first : undefined;
  const mochaArguments = suite === undefined ? [...args] : args.slice(1);
  const { positionals } = parse({
    args: mochaArguments,
    options: {
      grep: { type: 'string', short: 'g' },
      fgrep: { type: 'string', short: 'f' },
      invert: { type: 'boolean', short: 'i' },
      bail: { type: 'boolean', short: 'b' },
      timeout: { type: 'string', short: 't' },
      retries: { type: 'string' },
      jobs: { type: 'string', short: 'j' },
    },
    allowPositionals: true,
  });
  const missing = positionals.filter((file) => !isPattern(file) && !existsSync(file));
  if (missing.length > 0) throw new UsageError(`There is no suite or test file ${missing.join(', ')}; suites: ${Object.keys(suiteNames).join(', ')}.`);
  return { ...(suite === undefined ? {} : { suite }), mochaArguments, hasFiles: positionals.length > 0 };
}

import { readdirSync } from 'node:fs';
import { parse, UsageError } from '../command-line.mjs';

export const name = 'run mutants';

export const usage = `npm run mutants -- [options] [NAME …]
  Plants the bugs of test/mutants in a copy of the source, all or those named, and runs the tests that should find them.

  --list              only show the bugs
  --help              this text`;

const patches = new URL('../../../test/mutants/', import.meta.url);

/** @param {readonly string[]} args */
export function read(args) {
  const { values, positionals } = parse({ args: [...args], options: { list: { type: 'boolean', default: false } }, allowPositionals: true });
  const known = readdirSync(patches).map((file) => file.replace(/\.patch$/, ''));
  const unknown = positionals.filter((bug) => !known.includes(bug));
  if (unknown.length > 0) throw new UsageError(`There is no planted bug ${unknown.join(', ')}. All bugs: npm run mutants -- --list`);
  return { list: values.list, names: positionals };
}

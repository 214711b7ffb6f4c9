import { parse, UsageError } from '../command-line.mjs';

export const name = 'run secret';

export const usage = `npm run --silent secret -- [options] [NAME]
  Without a name: the names in the secret store. With a name: that secret, for a person who must sign in.

  --keep NAME         store what comes by standard input under this name: … --keep NAME < FILE
  --help              this text`;

/** @param {readonly string[]} args */
export function read(args) {
  const { values, positionals } = parse({ args: [...args], options: { keep: { type: 'string' } }, allowPositionals: true });
  if (values.keep !== undefined && positionals.length > 0)
    throw new UsageError(`With --keep give no other name: ${positionals.join(', ')}. The value comes by standard input.`);
  if (positionals.length > 1) throw new UsageError(`Give one name, not ${positionals.length}: ${positionals.join(', ')}.`);
  return { keep: values.keep, name: positionals[0] };
}

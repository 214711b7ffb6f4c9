import { CommandError } from './session.ts';

/** Splits a line into words; double quotes keep spaces together. */
export function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** Which options a command has: with a value, or a switch. */
export type OptionSpec = Record<string, 'value' | 'switch'>;
export type Options = Record<string, string | true | undefined>;

/** Reads options; names may be shortened as long as they are unambiguous, as LunaSH allows. */
export function readOptions(args: string[], spec: OptionSpec): Options {
  const options: Options = {};
  for (let at = 0; at < args.length; at++) {
    const given = args[at]!;
    const name = given.startsWith('-') ? match(given.slice(1).toLowerCase(), Object.keys(spec)) : undefined;
    if (!name) throw new CommandError([`Error:  Invalid argument: ${given}`, 'Use "help" for a list of valid arguments.']);
    if (spec[name] === 'switch') options[name] = true;
    else if (++at < args.length) options[name] = args[at]!;
    else throw new CommandError([`Error:  The argument -${name} needs a value.`]);
  }
  return options;
}

function match(given: string, names: string[]): string | undefined {
  const exact = names.find((name) => name.toLowerCase() === given);
  if (exact) return exact;
  const candidates = names.filter((name) => name.toLowerCase().startsWith(given));
  return candidates.length > 0 && given !== '' ? candidates[0] : undefined;
}

export function required(options: Options, name: string): string {
  const value = options[name];
  if (typeof value !== 'string') throw new CommandError([`Error:  The mandatory argument -${name} is missing.`]);
  return value;
}

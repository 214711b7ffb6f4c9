// Reads what was typed after an npm command, and answers --help and mistakes. It runs before anything is installed: Node's built-ins only.
import * as util from 'node:util';

/** A mistake in what somebody typed; the message says which. */
export class UsageError extends Error {
  name = 'UsageError';
}

/**
 * `parseArgs` of Node, with a UsageError for what somebody mistyped.
 * @type {typeof util.parseArgs}
 */
export const parse = (config) => {
  try {
    return util.parseArgs(config);
  } catch (error) {
    if (!`${error.code}`.startsWith('ERR_PARSE_ARGS')) throw error;
    // What follows is about positional arguments that start with a dash: nobody means that.
    const [message] = error.message.split('. To specify');
    throw new UsageError(message.endsWith('.') ? message : `${message}.`);
  }
};

/** @param {string} text */
export function readTimeScale(text) {
  const timeScale = Number(text);
  if (timeScale > 0) return timeScale;
  throw new UsageError(`--time-scale must be a number above 0, it is "${text}".`);
}

/**
 * What a command was asked for. Answers `--help` (exit code 0) and a mistake (exit code 2) by itself.
 * @template Options
 * @param {{ name: string, usage: string, read: (args: readonly string[]) => Options }} command
 * @param {readonly string[]} args
 * @returns {Options}
 */
export function readOrExit({ name, usage, read }, args) {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  try {
    return read(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\nTo see what there is: npm ${name} -- --help\n`);
    process.exit(2);
  }
}

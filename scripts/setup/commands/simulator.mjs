import { OptionError, readOptions } from '../../../simulator/command-line.mjs';
import { UsageError } from '../command-line.mjs';

export { usage } from '../../../simulator/command-line.mjs';

export const name = 'run simulator';

/** @param {readonly string[]} args */
export function read(args) {
  try {
    return readOptions(args);
  } catch (error) {
    throw error instanceof OptionError ? new UsageError(error.message) : error;
  }
}

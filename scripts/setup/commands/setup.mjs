import { parse } from '../command-line.mjs';

export const name = 'run setup';

export const usage = `npm run setup -- [options]
  Gets what is missing: the Node packages and a Temporal server. Every other command does that by itself.

  --help              this text`;

/** @param {readonly string[]} args */
export const read = (args) => parse({ args: [...args], options: {} }).values;

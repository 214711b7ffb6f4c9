import { parse } from '../command-line.mjs';

export const name = 'run bench';

export const usage = `npm run bench -- [options]
  Measures one job, the service's overhead and its memory; fails outside the limits. Takes about 3 minutes.

  --help              this text`;

/** @param {readonly string[]} args */
export const read = (args) => parse({ args: [...args], options: {} }).values;

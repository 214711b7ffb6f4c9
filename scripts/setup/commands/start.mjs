import { parse, readTimeScale } from '../command-line.mjs';

export const name = 'start';

export const usage = `npm start -- [options]
  The service with simulated systems on this machine, until Ctrl-C. Jobs, the simulated world and the secrets survive a restart.

  --time-scale N      how many times faster than in reality the simulated world goes (60)
  --help              this text`;

/** @param {readonly string[]} args */
export function read(args) {
  const { values } = parse({ args: [...args], options: { 'time-scale': { type: 'string', default: '60' } } });
  return { timeScale: readTimeScale(values['time-scale']) };
}

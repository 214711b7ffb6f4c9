// What may be typed after `npm run simulator --`. JavaScript, and nothing but Node's built-ins: it answers before anything is installed.
import * as util from 'node:util';
import { readQuirks, variants } from './variants.mjs';

/** A mistake in what somebody typed; the message says which. */
export class OptionError extends Error {
  name = 'OptionError';
}

/** What `--scenario` may name. */
export const scenarioNames = {
  empty: 'nothing is there (default)',
  'ready-hsm': 'HSM, Windows host and CipherTrust Manager are deployed and untouched',
};

/** What `--fault` may name: scripted faults, each with what a job meets. */
export const faultNames = {
  unsealed: 'CipherTrust Manager says that it took the HSM, wipes itself and restarts, and is not sealed',
  'azure-storm': 'Azure on a bad day: throttled, cut and failed requests; all of it passes, and the job goes on by itself',
};

const described = (things) => Object.entries(things).map(([name, about]) => `      ${name.padEnd(14)}${about}`);

export const usage = `npm run simulator -- [options]
  The simulated world: Azure, a Luna HSM, a Windows host and a CipherTrust Manager, over their real protocols, on loopback.

  --time-scale N      how many times faster than in reality (60)
  --state FILE        keep the world in this file, and go on from it
  --scenario NAME     what is there at the start:
${described(scenarioNames).join('\n')}
  --ready-file FILE   write the addresses here, as JSON, when everything listens
  --fault NAME        scripted faults:
${described(faultNames).join('\n')}
  --variant NAME=VALUE  an unverified fact the other way round; may be repeated
  --capture FILE      append every exchange with ARM to this file, a JSON object a line, secrets kept out
  --arm-port N  --socks-port N  --control-port N   (free ones)
  --help              this text

  Variants, with their usual value first:
${Object.entries(variants)
  .map(([name, { values = ['…'], about }]) => `    ${`${name}=${values.join('|')}`.padEnd(58)}${about}`)
  .join('\n')}`;

function parse(args) {
  try {
    return util.parseArgs({
      args: [...args],
      options: {
        'time-scale': { type: 'string', default: '60' },
        state: { type: 'string' },
        scenario: { type: 'string', default: 'empty' },
        'ready-file': { type: 'string' },
        fault: { type: 'string' },
        variant: { type: 'string', multiple: true, default: [] },
        capture: { type: 'string' },
        'arm-port': { type: 'string', default: '0' },
        'socks-port': { type: 'string', default: '0' },
        'control-port': { type: 'string', default: '0' },
      },
    }).values;
  } catch (error) {
    throw new OptionError(/[.?]$/.test(error.message) ? error.message : `${error.message}.`);
  }
}

function portOf(option, text) {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new OptionError(`--${option} must be a port number from 0 to 65535, it is "${text}".`);
}

function named(what, things, name) {
  if (Object.hasOwn(things, name)) return name;
  throw new OptionError(`There is no ${what} "${name}"; known ${what}s: ${Object.keys(things).join(', ')}.`);
}

function readTimeScale(text) {
  const timeScale = Number(text);
  if (timeScale > 0) return timeScale;
  throw new OptionError(`--time-scale must be a number above 0, it is "${text}".`);
}

function variantsOf(options) {
  try {
    return readQuirks(options);
  } catch (error) {
    throw new OptionError(error.message);
  }
}

/**
 * What was asked for; an OptionError where something was mistyped.
 * @param {readonly string[]} args
 */
export function readOptions(args) {
  const values = parse(args);
  return {
    timeScale: readTimeScale(values['time-scale']),
    /** @type {keyof typeof scenarioNames} */
    scenario: named('scenario', scenarioNames, values.scenario),
    /** @type {keyof typeof faultNames | undefined} */
    fault: values.fault === undefined ? undefined : named('fault', faultNames, values.fault),
    variants: variantsOf(values.variant),
    state: values.state,
    readyFile: values['ready-file'],
    capture: values.capture,
    ports: {
      arm: portOf('arm-port', values['arm-port']),
      socks: portOf('socks-port', values['socks-port']),
      control: portOf('control-port', values['control-port']),
    },
  };
}

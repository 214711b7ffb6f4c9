import { existsSync } from 'node:fs';
import { faultNames } from '../../../simulator/command-line.mjs';
import { parse, readTimeScale, UsageError } from '../command-line.mjs';

export const name = 'run demo';

export const usage = `npm run demo -- [options]
  The whole job on this machine, against simulated systems; asks before it erases the HSM.

  --yes               approve by itself, as the approver; an incident aborts the job
  --fault NAME        let the simulated world misbehave:
${Object.entries(faultNames)
  .map(([fault, about]) => `      ${fault.padEnd(14)}${about}`)
  .join('\n')}
  --time-scale N      how many times faster than in reality the simulated world goes (150)
  --request FILE      what to provision (examples/luna-kylo.json)
  --help              this text`;

function faultNamed(fault) {
  if (Object.hasOwn(faultNames, fault)) return fault;
  throw new UsageError(`There is no fault "${fault}"; known faults: ${Object.keys(faultNames).join(', ')}.`);
}

function fileNamed(file) {
  if (existsSync(file)) return file;
  throw new UsageError(`There is no request file ${file}.`);
}

/**
 * @param {readonly string[]} args
 * @returns {{ yes: boolean, timeScale: number, requestFile?: string, fault?: keyof typeof faultNames }}
 */
export function read(args) {
  const { values } = parse({
    args: [...args],
    options: {
      yes: { type: 'boolean', default: false },
      fault: { type: 'string' },
      'time-scale': { type: 'string', default: '150' },
      request: { type: 'string' },
    },
  });
  return {
    yes: values.yes,
    timeScale: readTimeScale(values['time-scale']),
    ...(values.request === undefined ? {} : { requestFile: fileNamed(values.request) }),
    ...(values.fault === undefined ? {} : { fault: faultNamed(values.fault) }),
  };
}

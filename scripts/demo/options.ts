import { parseArgs } from 'node:util';

export const usage = `npm run demo -- [options]
  --yes               approve by itself, as the approver; an incident aborts the job
  --fault NAME        let the simulated world misbehave: one of its named faults, such as unsealed
  --time-scale N      how many times faster than in reality the simulated world goes (150)
  --request FILE      what to provision (examples/luna-kylo.json)
  --help              this text`;

export interface DemoOptions {
  yes: boolean;
  fault?: string;
  timeScale: number;
  requestFile: string;
}

/** Reads the command line; fails with a sentence for the person who typed it. `undefined` means that help was asked for. */
export function readOptions(args: readonly string[], usualRequest: string): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      yes: { type: 'boolean', default: false },
      fault: { type: 'string' },
      'time-scale': { type: 'string', default: '150' },
      request: { type: 'string', default: usualRequest },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const timeScale = Number(values['time-scale']);
  if (!(timeScale > 0)) throw new Error(`--time-scale must be a number above 0, it is "${values['time-scale']}"`);
  return { yes: values.yes, timeScale, requestFile: values.request, ...(values.fault ? { fault: values.fault } : {}) };
}

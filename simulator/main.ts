import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createAzure } from './azure/azure.ts';
import { createControl } from './control/control.ts';
import { createWorld } from './create-world.ts';
import { createSocks } from './network/socks.ts';
import { quirks, readQuirks } from './quirks.ts';
import { faultScripts, scenarios } from './scenarios.ts';

const help = `The simulated world: Azure, a Luna HSM, a Windows host and a CipherTrust Manager, over their real protocols, on loopback.

  npm run simulator -- [options]
    --time-scale N      how many times faster than in reality (60)
    --state FILE        keep the world in this file, and go on from it
    --scenario NAME     empty (default), or ready-hsm: HSM, Windows host and CipherTrust Manager are deployed and untouched
    --ready-file FILE   write the addresses here, as JSON, when everything listens
    --fault NAME        scripted weather: ${Object.keys(faultScripts).join(', ')}
    --quirk NAME=VALUE  an unverified fact the other way round; may be repeated
    --capture FILE      append every exchange with ARM to this file, a JSON object a line, secrets kept out
    --arm-port N  --socks-port N  --control-port N   (free ones)

  Quirks, with their usual value first:
${Object.entries(quirks)
  .map(([name, { values = ['…'], about }]) => `    ${`${name}=${values.join('|')}`.padEnd(58)}${about}`)
  .join('\n')}
`;

function fail(why: string): never {
  console.error(`${why}\nRun with --help to see what there is.`);
  process.exit(2);
}

/** A mistake of the person who typed it ends the run with words, not with a stack. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return fail((error as Error).message);
  }
}

const { values } = reading(() =>
  parseArgs({
    options: {
      help: { type: 'boolean' },
      'time-scale': { type: 'string', default: '60' },
      state: { type: 'string' },
      scenario: { type: 'string', default: 'empty' },
      'ready-file': { type: 'string' },
      fault: { type: 'string' },
      quirk: { type: 'string', multiple: true, default: [] },
      capture: { type: 'string' },
      'arm-port': { type: 'string', default: '0' },
      'socks-port': { type: 'string', default: '0' },
      'control-port': { type: 'string', default: '0' },
    },
  }),
);

if (values.help) {
  console.log(help);
  process.exit(0);
}
const portOf = (option: 'arm-port' | 'socks-port' | 'control-port'): number => {
  const port = Number(values[option]);
  return Number.isInteger(port) && port >= 0 && port < 65_536 ? port : fail(`--${option} is no port: ${values[option]}`);
};
const named = <T>(what: string, things: Record<string, T>, name: string): T =>
  Object.hasOwn(things, name) ? things[name]! : fail(`There is no ${what} ${name}; known are ${Object.keys(things).join(', ')}.`);
const timeScale = Number(values['time-scale']);
if (!(timeScale > 0)) fail(`--time-scale is above 0, not ${values['time-scale']}.`);
const scenario = named('scenario', scenarios, values.scenario);
const script = values.fault === undefined ? [] : named('fault', faultScripts, values.fault);
const ports = { arm: portOf('arm-port'), socks: portOf('socks-port'), control: portOf('control-port') };
const chosenQuirks = reading(() => readQuirks(values.quirk));

const world = await createWorld({ timeScale, quirks: chosenQuirks, ...(values.state ? { stateFile: values.state } : {}) });
for (const fault of script) world.weather.add(fault);
const azure = await createAzure(world, ports.arm, values.capture);
const socks = await createSocks(world, ports.socks);
const control = await createControl(world, azure, ports.control);
const machines = await scenario(world, azure);

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, async () => {
    if (stopping) return;
    stopping = true;
    await Promise.all([control.stop(), socks.stop(), azure.stop()]);
    await world.stop();
    process.exit(0);
  });

const caFile = values.state ? `${values.state}.ca.pem` : join(mkdtempSync(join(tmpdir(), 'hsm-simulator-')), 'ca.pem');
await world.save();
writeFileSync(caFile, azure.caPem);
const ready = {
  arm: azure.arm,
  authority: azure.authority,
  socks: `socks5://127.0.0.1:${socks.port}`,
  control: `http://127.0.0.1:${control.port}`,
  caFile,
  ...azure.credentials,
  subscriptionId: azure.subscriptionId,
  ...machines,
};
for (const [name, address] of Object.entries({ ARM: ready.arm, authority: ready.authority, SOCKS5: ready.socks, control: ready.control, CA: caFile }))
  console.log(`${name.padEnd(10)}${address}`);
if (values['ready-file']) {
  writeFileSync(`${values['ready-file']}.new`, JSON.stringify(ready), { mode: 0o600 });
  renameSync(`${values['ready-file']}.new`, values['ready-file']);
}

import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createAzure } from './azure/azure.ts';
import { createControl } from './control/control.ts';
import { createWorld } from './create-world.ts';
import { createSocks } from './network/socks.ts';
import { readyHsm } from './ready-hsm.ts';
import { faultScripts } from './scenarios.ts';

const help = `The simulated world: Azure, a Luna HSM, a Windows host and a CipherTrust Manager, over their real protocols, on loopback.

  npm run simulator -- [options]
    --time-scale N      how many times faster than in reality (60)
    --state FILE        keep the world in this file, and go on from it
    --scenario NAME     empty (default), or ready-hsm: HSM, Windows host and CipherTrust Manager are deployed and untouched
    --ready-file FILE   write the addresses here, as JSON, when everything listens
    --fault NAME        scripted weather: ${Object.keys(faultScripts).join(', ')}
    --quirk NAME=VALUE  an unverified fact the other way round; may be repeated
    --arm-port N  --socks-port N  --control-port N   (free ones)
`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    'time-scale': { type: 'string', default: '60' },
    state: { type: 'string' },
    scenario: { type: 'string', default: 'empty' },
    'ready-file': { type: 'string' },
    fault: { type: 'string' },
    quirk: { type: 'string', multiple: true, default: [] },
    'arm-port': { type: 'string', default: '0' },
    'socks-port': { type: 'string', default: '0' },
    'control-port': { type: 'string', default: '0' },
  },
});

function fail(why: string): never {
  console.error(`${why}\n\n${help}`);
  process.exit(2);
}

if (values.help) {
  console.log(help);
  process.exit(0);
}
if (!['empty', 'ready-hsm'].includes(values.scenario)) fail(`There is no scenario ${values.scenario}.`);
const script = values.fault === undefined ? [] : (faultScripts[values.fault] ?? fail(`There is no fault ${values.fault}.`));

const world = await createWorld({
  timeScale: Number(values['time-scale']),
  quirks: Object.fromEntries(values.quirk.map((text) => text.split('=', 2) as [string, string])),
  ...(values.state ? { stateFile: values.state } : {}),
});
for (const fault of script) world.weather.add(fault);
const azure = await createAzure(world, Number(values['arm-port']));
const socks = await createSocks(world, Number(values['socks-port']));
const control = await createControl(world, azure, Number(values['control-port']));
const machines = values.scenario === 'ready-hsm' ? await readyHsm(world, azure) : {};

const caFile = values.state ? `${values.state}.ca.pem` : join(mkdtempSync(join(tmpdir(), 'hsm-simulator-')), 'ca.pem');
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

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, async () => {
    if (stopping) return;
    stopping = true;
    await Promise.all([control.stop(), socks.stop(), azure.stop()]);
    await world.stop();
    process.exit(0);
  });

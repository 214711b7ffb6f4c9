import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAzure } from './azure/azure.ts';
import { OptionError, readOptions, usage } from './command-line.mjs';
import { createControl } from './control/control.ts';
import { createWorld } from './create-world.ts';
import { createSocks } from './network/socks.ts';
import { faultScripts, scenarios } from './scenarios.ts';

/** A mistake of the person who typed it ends the run with words, not with a stack. */
function optionsOrExit(args: readonly string[]): ReturnType<typeof readOptions> {
  if (args.includes('--help')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return readOptions(args);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    console.error(`${error.message}\nRun with --help to see what there is.`);
    process.exit(2);
  }
}

const { timeScale, scenario, fault: faultName, variants, state, readyFile, capture, ports } = optionsOrExit(process.argv.slice(2));
const world = await createWorld({ timeScale, variants, ...(state ? { stateFile: state } : {}) });
for (const fault of faultName ? faultScripts[faultName] : []) world.faults.add(fault);
const azure = await createAzure(world, ports.arm, capture);
const socks = await createSocks(world, ports.socks);
const control = await createControl(world, azure, ports.control);
const machines = await scenarios[scenario](world, azure);

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, async () => {
    if (stopping) return;
    stopping = true;
    await Promise.all([control.stop(), socks.stop(), azure.stop()]);
    await world.stop();
    process.exit(0);
  });

const caFile = state ? `${state}.ca.pem` : join(mkdtempSync(join(tmpdir(), 'hsm-simulator-')), 'ca.pem');
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
if (readyFile) {
  writeFileSync(`${readyFile}.new`, JSON.stringify(ready), { mode: 0o600 });
  renameSync(`${readyFile}.new`, readyFile);
}

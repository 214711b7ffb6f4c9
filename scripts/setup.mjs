// Everything that the service needs on this machine: Node packages and a Temporal server. Runs on Node 20, before anything is installed; older ones get a sentence.
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readOrExit } from './setup/command-line.mjs';
import * as command from './setup/commands/setup.mjs';
import { installPackages, needServiceNode, serviceNode } from './setup/packages.mjs';
import { needFolder } from './setup/room.mjs';
import { SetupError, say } from './setup/say.mjs';
import { obtainTemporal } from './setup/temporal.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Older ones lack what the set-up itself uses. */
export function needNode() {
  if (Number(process.versions.node.split('.')[0]) < 20)
    throw new SetupError(`Node 20 or later is needed, this is ${process.versions.node}: install it from https://nodejs.org and try again.`);
}

/** Sets up what is missing, a Temporal server only for those who start one, and returns the Node that the service runs on. Under a second when nothing is. */
export async function setUp({ temporal = true } = {}, env = process.env) {
  needNode();
  needServiceNode(root);
  needFolder(root, 'the packages and the data of the service');
  await installPackages(root);
  if (temporal && !env.TEMPORAL_ADDRESS) await obtainTemporal(env);
  return serviceNode(root);
}

/** Says a failure in one sentence and ends. Only what nobody foresaw shows where it happened. */
export function giveUp(error) {
  say(error instanceof SetupError ? error.message : (error?.stack ?? String(error)));
  process.exit(1);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  readOrExit(command, process.argv.slice(2));
  await setUp().then((node) => say(`Everything is set up (Node: ${node}, Temporal: ${process.env.TEMPORAL_ADDRESS ?? 'embedded'}).`), giveUp);
}

// `npm run --silent secret` lists the names in the secret store; `-- NAME` prints that secret, for a person who must sign in by hand; `-- --keep NAME < FILE` keeps
// one that a request names. A value comes by standard input: arguments can be read by everybody on the machine.
import { text } from 'node:stream/consumers';
import { createStore } from '../stores/secrets/create-store.ts';
import { namesIn } from '../stores/secrets/file-store.ts';
import { azureConnection } from '../systems/azure/connection.ts';
import { createOutbound } from '../systems/outbound.ts';
import { readSettings } from '../worker/settings.ts';
import { readOrExit } from './setup/command-line.mjs';
import * as command from './setup/commands/secret.mjs';

/** What comes by standard input; a single line without its end, as `echo` writes one. */
async function given(name: string): Promise<string> {
  if (process.stdin.isTTY) throw new Error(`The secret is read from standard input: npm run --silent secret -- --keep ${name} < FILE`);
  const whole = await text(process.stdin);
  const value = whole.replace(/^([^\n]*?)\r?\n$/, '$1');
  if (value === '') throw new Error('Nothing came by standard input: nothing was kept.');
  return value;
}

try {
  const { keep, name } = readOrExit(command, process.argv.slice(2));
  const settings = readSettings();
  const { secrets } = settings;
  const place = secrets.kind === 'file' ? secrets.folder : secrets.url;
  const store = createStore(secrets, azureConnection(settings, createOutbound(settings.proxy)));
  if (keep !== undefined) {
    const value = await given(keep);
    if ((await store.create(keep, value)) !== value)
      throw new Error(`${place} already has another value under "${keep}", which stays: take another name, and name that in the request.`);
    console.log(`Kept "${keep}" in ${place}.`);
  } else if (name) {
    const value = await store.get(name);
    if (value === undefined) throw new Error(`There is no secret "${name}" in ${place}.`);
    process.stdout.write(`${value}\n`);
  } else if (secrets.kind === 'file') console.log(namesIn(secrets.folder).sort().join('\n'));
  else
    throw new Error(
      `Names in a vault: az keyvault secret list --vault-name ${new URL(place).hostname.split('.')[0]} --query "[].name". Give a name to read the version that counts, the oldest.`,
    );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

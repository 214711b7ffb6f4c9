// `npm run --silent secret` lists the names in the secret store; `npm run --silent secret -- NAME` prints that secret, for a person who must sign in by hand.
import { readdirSync } from 'node:fs';
import { createOutbound } from '../systems/outbound.ts';
import { createStore } from '../systems/secrets/create-store.ts';
import { readSettings } from '../worker/settings.ts';

const [name] = process.argv.slice(2);

function names(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((file) => (file.endsWith('.secret') ? [file.slice(0, -'.secret'.length)] : []));
  } catch {
    return [];
  }
}

try {
  const settings = readSettings();
  const { secrets } = settings;
  const place = secrets.kind === 'file' ? secrets.folder : secrets.url;
  if (name) {
    const value = await createStore(settings, createOutbound(settings.proxy)).get(name);
    if (value === undefined) throw new Error(`There is no secret "${name}" in ${place}.`);
    process.stdout.write(`${value}\n`);
  } else if (secrets.kind === 'file') console.log(names(secrets.folder).sort().join('\n'));
  else
    throw new Error(
      `Names in a vault: az keyvault secret list --vault-name ${new URL(place).hostname.split('.')[0]} --query "[].name". Give a name to read the version that counts, the oldest.`,
    );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

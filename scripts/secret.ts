// `npm run --silent secret` lists the names in the secret store; `npm run --silent secret -- NAME` prints that secret, for a person who must sign in by hand.
import { readdirSync } from 'node:fs';
import { createFileStore } from '../systems/secrets/file-store.ts';
import { readSettings } from '../worker/settings.ts';

const { secrets } = readSettings();
const [name] = process.argv.slice(2);

function names(): string[] {
  try {
    return readdirSync(secrets.folder).flatMap((file) => (file.endsWith('.secret') ? [file.slice(0, -'.secret'.length)] : []));
  } catch {
    return [];
  }
}

try {
  if (name) {
    const value = await createFileStore(secrets).get(name);
    if (value === undefined) throw new Error(`There is no secret "${name}" in ${secrets.folder}.`);
    process.stdout.write(`${value}\n`);
  } else console.log(names().sort().join('\n'));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

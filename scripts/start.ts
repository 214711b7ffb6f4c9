// `npm start`: the whole stack on this machine, against simulated systems, until Ctrl-C. Jobs, the simulated world and the secrets survive a restart.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { markNewWorld } from './demo/world.ts';
import { readOrExit } from './setup/command-line.mjs';
import * as command from './setup/commands/start.mjs';
import { interruption } from './stack/interruption.ts';
import { type Stack, StackError, startStack } from './stack.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dataFolder = resolve(process.env.HSM_DATA_FOLDER ?? `${root}.data`);
const tokensFile = process.env.HSM_TOKENS_FILE;

/** What a service for real systems is told by these, the simulated world keeps in its own folder: neither may be taken for the other. */
const notUsed = [
  'HSM_SECRETS',
  'HSM_SECRETS_FOLDER',
  'HSM_SECRETS_KEY_FILE',
  'HSM_KEY_VAULT_URL',
  'HSM_RECORD',
  'HSM_RECORD_FOLDER',
  'HSM_RECORD_CONTAINER_URL',
  'HSM_REPORTS',
  'HSM_REPORTS_FOLDER',
  'HSM_REPORTS_CONTAINER_URL',
] as const;

/** The operator’s token, by role or, where only people sign in, the first one’s who may. */
const tokenIn = (file: string) =>
  `node -p "const t = JSON.parse(fs.readFileSync(process.argv[1])); t.operator ?? t.people.find(({ roles }) => roles.includes('operator')).token" '${file.replaceAll("'", `'\\''`)}'`;

const howTo = ({ api, ui, temporal, tokensFile, dataFolder: folder }: Stack): string => `
  API          ${api}  (documentation: ${api}/docs)
  Temporal     ${temporal}${ui ? `  (UI: ${ui})` : ''}
  Tokens       ${tokensFile}  (operator, approver)
  Logs         ${folder}/logs

Start a job:
  TOKEN=$(${tokenIn(tokensFile)})
  curl -s ${api}/v1/provisionings -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' -H "Idempotency-Key: $(date +%s)" -d @examples/luna-kylo.json

Ctrl-C stops everything; jobs go on at the next start.
`;

async function main(): Promise<number> {
  const { timeScale } = readOrExit(command, process.argv.slice(2));
  const told = notUsed.filter((name) => process.env[name]);
  if (told.length > 0) console.log(`Not used here: ${told.join(', ')}. Everything of the simulated world is in ${dataFolder}.`);
  const leaving = interruption();
  markNewWorld(dataFolder);
  console.log('Starting Temporal, the simulated world, the worker and the API …');
  const stack = await startStack({
    dataFolder,
    timeScale,
    ports: 'fixed',
    supervise: console.error,
    ...(tokensFile ? { tokensFile: resolve(tokensFile) } : {}),
  });
  console.log(howTo(stack));
  void stack.broken.then((error) => leaving.leave(error));
  await new Promise((leave) => (leaving.signal.aborted ? leave(undefined) : leaving.signal.addEventListener('abort', leave)));
  console.log('Stopping …');
  await stack.stop();
  if (!(leaving.reason instanceof StackError)) return 0;
  console.error(leaving.reason.message);
  return 1;
}

try {
  process.exit(await main());
} catch (error) {
  console.error(error instanceof StackError ? error.message : error);
  process.exit(1);
}

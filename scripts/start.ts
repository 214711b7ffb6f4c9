// `npm start`: the whole stack on this machine, against simulated systems, until Ctrl-C. Jobs, the simulated world and the secrets survive a restart.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { markNewWorld } from './demo/world.ts';
import { interruption } from './stack/interruption.ts';
import { type Stack, StackError, startStack } from './stack.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dataFolder = resolve(process.env.HSM_DATA_FOLDER ?? `${root}.data`);

const howTo = ({ api, ui, temporal, tokensFile, dataFolder: folder }: Stack): string => `
  API          ${api}  (documentation: ${api}/docs)
  Temporal     ${temporal}${ui ? `  (UI: ${ui})` : ''}
  Tokens       ${tokensFile}  (operator, approver)
  Logs         ${folder}/logs

Start a job:
  TOKEN=$(node -p "JSON.parse(fs.readFileSync('${tokensFile}')).operator")
  curl -s ${api}/v1/provisionings -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' -H "Idempotency-Key: $(date +%s)" -d @examples/luna-kylo.json

Ctrl-C stops everything; jobs go on at the next start.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { 'time-scale': { type: 'string', default: '60' } } });
  const leaving = interruption();
  markNewWorld(dataFolder);
  console.log('Starting Temporal, the simulated world, the worker and the API …');
  const stack = await startStack({ dataFolder, timeScale: Number(values['time-scale']), ports: 'fixed' });
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

import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { taskQueueFrom } from '../temporal/contract.ts';
import { surviveUncaught } from '../temporal/uncaught.ts';
import { reportsOf } from '../worker/open-reports.ts';
import { buildApp } from './app.ts';
import { readTokens } from './tokens.ts';

const {
  HSM_API_HOST: host = '127.0.0.1',
  HSM_API_PORT: port = '8080',
  HSM_DATA_FOLDER: dataFolder = '.data',
  HSM_TOKENS_FILE: tokensFile = join(dataFolder, 'tokens.json'),
  HSM_EVENT_KEEP_ALIVE_MS: eventKeepAlive = '15000',
} = process.env;

const eventKeepAliveMs = Number(eventKeepAlive);
if (!(eventKeepAliveMs >= 1_000 && eventKeepAliveMs <= 3_600_000)) {
  console.error(`HSM_EVENT_KEEP_ALIVE_MS must be a number of milliseconds between 1000 and 3600000, is "${eventKeepAlive}".`);
  process.exit(1);
}

const { tokens, made } = orEnd(() => readTokens(tokensFile));
const { connectionOptions, namespace } = loadClientConnectConfig();
let uncaughtErrors = 0;
// Lazy: the API answers while Temporal is still starting, and says so at /readyz.
const connection = Connection.lazy(connectionOptions);
const app = await buildApp({
  client: new Client({ connection, namespace: namespace ?? 'default' }),
  taskQueue: taskQueueFrom(process.env),
  tokens,
  reports: orEnd(() => reportsOf(process.env)),
  eventKeepAliveMs,
  uncaughtErrors: () => uncaughtErrors,
  logger: { level: process.env.HSM_LOG_LEVEL ?? 'info', redact: ['req.headers.authorization'] },
});
surviveUncaught({
  report(error, goesOn) {
    uncaughtErrors++;
    app.log.error({ error }, goesOn ? 'Uncaught error. The API continues.' : 'Uncaught error. The API exits with code 70.');
  },
  // EX_SOFTWARE of sysexits.h: the process itself was broken.
  end: () => process.exit(70),
});
await listenOrEnd();
app.log.info(`${made ? 'New tokens' : 'Tokens'} are in ${tokensFile}; it names ${tokens.people?.length || 'no'} people`);
// A person who starts it by hand gets to see them once; a log file never does.
if (made && process.stdout.isTTY) process.stdout.write(`operator: ${tokens.operator}\napprover: ${tokens.approver}\n`);

/** What is wrong with a file or a setting is for a person who edits it: no stack. */
function orEnd<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

/** A port that is taken is for a person to solve: no stack. */
async function listenOrEnd(): Promise<void> {
  try {
    await app.listen({ host, port: Number(port) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`The API cannot listen on ${host}, port ${port}: ${reason}. Set HSM_API_HOST or HSM_API_PORT.`);
    process.exit(1);
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    await app.close();
    await connection.close();
    process.exit(0);
  });

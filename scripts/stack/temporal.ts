import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { untilItSucceeds } from '../../temporal/patience.ts';
import { StackError } from './ready.ts';

const connectTimeoutMs = 2_000;
const startUpMs = 60_000;

type Settings = ReturnType<typeof loadClientConnectConfig>;

/** Fails unless a Temporal server takes orders for the namespace; that its port answers comes seconds before. */
async function needNamespace({ connectionOptions, namespace = 'default' }: Settings): Promise<true> {
  const connection = await Connection.connect({ ...connectionOptions, connectTimeout: connectTimeoutMs });
  try {
    await connection.withDeadline(Date.now() + connectTimeoutMs, () => connection.workflowService.describeNamespace({ namespace }));
    return true;
  } finally {
    await connection.close();
  }
}

/** Does the stack's own server take orders? */
export const takesOrders = (port: number): Promise<true | undefined> =>
  needNamespace({ connectionOptions: { address: `127.0.0.1:${port}` }, namespace: 'default' }).catch(() => undefined);

/** Waits for a server that is not the stack's own, which may be starting; says what it waits for, and gives up after a minute. */
export async function untilForeignTemporal(env: NodeJS.ProcessEnv, log: (line: string) => void, timeoutMs = startUpMs): Promise<void> {
  const settings = loadClientConnectConfig({ overrideEnvVars: defined(env) });
  const what = `Temporal at ${settings.connectionOptions.address}, namespace ${settings.namespace ?? 'default'}`;
  let last = '';
  const there = await untilItSucceeds(() => needNamespace(settings), {
    what,
    passes: () => true,
    log(line) {
      last = line;
      log(line);
    },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!there) throw new StackError(`${what} does not respond. Start it, or check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE. ${last}`);
}

const defined = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));

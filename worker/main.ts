import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, TransportError, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { createActivities } from '../activities/registry.ts';
import { afterwards } from '../domain/first-error.ts';
import type { Settings } from '../systems/settings.ts';
import { taskQueueFrom } from '../temporal/contract.ts';
import { untilItSucceeds } from '../temporal/patience.ts';
import { surviveUncaught } from '../temporal/uncaught.ts';
import { ActivityInterceptor } from './activity-interceptor.ts';
import { type Address, defaultHealthAddress, parseAddress } from './addresses.ts';
import { announceHealth, type Readiness, serveHealth } from './health.ts';
import { log } from './log.ts';
import { OwnPolling } from './polling.ts';
import { runUntil } from './running.ts';
import { type Counters, RuntimeInstaller } from './runtime.ts';
import { readSettings } from './settings.ts';
import { createSystems } from './systems.ts';
import { workflowCode } from './workflow-bundle.ts';

/** EX_SOFTWARE of sysexits.h: the process itself was broken. */
const brokenExitCode = 70;

interface Configuration {
  settings: Settings;
  temporal: ReturnType<typeof loadClientConnectConfig>;
  healthAddress: Address;
}

interface Connected {
  connection: NativeConnection;
  worker: Worker;
}

let counters: Counters = { uncaught: () => {} };
let readiness: () => Readiness = () => ({ ready: false, detail: 'The worker is starting.' });

/** Hosts the workflow and every activity until it is told to stop; what it is doing then goes on elsewhere, or here after the next start. */
async function main({ settings, temporal, healthAddress }: Configuration, signal: AbortSignal): Promise<void> {
  const health = await serveHealth(healthAddress, () => readiness());
  announceHealth(health, process.env.HSM_READY_FILE);
  const workflowBundle = await workflowCode(process.env.HSM_WORKFLOW_CODE_FOLDER);
  const connected = await connect({ settings, temporal, workflowBundle }, signal);
  if (connected) await run(connected, signal);
  health.close();
}

/** Waits for Temporal and the namespace, for as long as it takes; undefined where this process is told to end first. */
async function connect(
  { settings, temporal, workflowBundle }: Pick<Configuration, 'settings' | 'temporal'> & { workflowBundle: WorkflowBundleOption },
  signal: AbortSignal,
): Promise<Connected | undefined> {
  const runtime = new RuntimeInstaller(process.env.HSM_METRICS_ADDRESS);
  const activities = createActivities(createSystems(settings));
  const { connectionOptions, namespace = 'default' } = temporal;
  const attempt = async (): Promise<Connected> => {
    counters = runtime.install();
    const connection = await NativeConnection.connect(connectionOptions);
    try {
      const worker = await Worker.create({
        connection,
        namespace,
        taskQueue: taskQueueFrom(process.env),
        workflowBundle,
        activities,
        interceptors: { activity: [(context) => ({ inbound: new ActivityInterceptor(context, settings.pollIntervalMs) })] },
        shutdownGraceTime: '5 seconds',
        shutdownForceTime: '15 seconds',
        maxCachedWorkflows: 100,
      });
      return { connection, worker };
    } catch (error) {
      throw await afterwards(error, () => connection.close());
    }
  };
  const what = `Temporal at ${connectionOptions.address}, namespace ${namespace}`;
  const waiting = (line: string): void => {
    readiness = () => ({ ready: false, detail: line });
    log('WARN', line);
  };
  return await untilItSucceeds(attempt, { what, passes: (error) => error instanceof TransportError, log: waiting, signal });
}

async function run({ connection, worker }: Connected, signal: AbortSignal): Promise<void> {
  const polling = new OwnPolling(worker, connection);
  readiness = () => polling.readiness();
  await runUntil(signal, { worker, connection, polling });
}

/** A mistake in the settings is for a person who edits them: all of them, and no stack. */
function configuration(): Configuration {
  try {
    const healthAddress = parseAddress(process.env.HSM_WORKER_HEALTH_ADDRESS || defaultHealthAddress);
    const settings = readSettings();
    if (!healthAddress) throw new Error('HSM_WORKER_HEALTH_ADDRESS must be an IP address with a port.');
    return { settings, temporal: loadClientConnectConfig(), healthAddress };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

surviveUncaught({
  report(error, goesOn) {
    log('ERROR', goesOn ? 'Uncaught error; this worker goes on.' : 'Uncaught error; this worker ends.', { error });
    counters.uncaught();
  },
  end: () => process.exit(brokenExitCode),
});
const leaving = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => leaving.abort());
try {
  await main(configuration(), leaving.signal);
} catch (error) {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  log('ERROR', `This worker ends: ${message}`, { stack });
  process.exit(1);
}
// What a try to connect left behind, or a library keeps open, must not keep this process.
process.exit(0);

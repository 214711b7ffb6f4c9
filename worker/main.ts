import { writeFileSync } from 'node:fs';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/registry.ts';
import { taskQueueFrom } from '../temporal/contract.ts';
import { ActivityInterceptor } from './activity-interceptor.ts';
import { readSettings } from './settings.ts';
import { createSystems } from './systems.ts';
import { workflowCode } from './workflow-code.ts';

/** Hosts the workflow and every activity until it is told to stop; what it is doing then goes on elsewhere, or here after the next start. */
async function main(): Promise<void> {
  const settings = readSettings();
  installRuntime();
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  try {
    const worker = await Worker.create({
      connection,
      namespace: namespace ?? 'default',
      taskQueue: taskQueueFrom(process.env),
      workflowBundle: await workflowCode(process.env.HSM_WORKFLOW_CODE_FOLDER),
      activities: createActivities(createSystems(settings)),
      interceptors: { activity: [(context) => ({ inbound: new ActivityInterceptor(context, settings.pollIntervalMs) })] },
      shutdownGraceTime: '5 seconds',
      shutdownForceTime: '15 seconds',
      maxCachedWorkflows: 100,
    });
    const running = worker.run();
    announce();
    await running;
  } finally {
    await connection.close();
  }
}

function installRuntime(): void {
  const metricsAddress = process.env.HSM_METRICS_ADDRESS;
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, timestampNanos, message, meta }) => {
      process.stderr.write(`${JSON.stringify({ time: new Date(Number(timestampNanos / 1_000_000n)).toISOString(), level, message, ...meta })}\n`);
    }),
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }), forward: {} },
      ...(metricsAddress
        ? { metrics: { prometheus: { bindAddress: metricsAddress, useSecondsForDurations: true, countersTotalSuffix: true, unitSuffix: true } } }
        : {}),
    },
    shutdownSignals: ['SIGINT', 'SIGTERM'],
  });
}

/** Tells whoever started this process that it polls. */
function announce(): void {
  const file = process.env.HSM_READY_FILE;
  if (file) writeFileSync(file, JSON.stringify({ pid: process.pid }));
}

await main();

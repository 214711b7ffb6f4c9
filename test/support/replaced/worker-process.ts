// A worker as a process of its own, with the real steps and the interceptor of the product. It can be stopped, continued, and cut off from Temporal.
import { writeFileSync } from 'node:fs';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../../../activities/registry.ts';
import { ActivityInterceptor } from '../../../worker/activity-interceptor.ts';
import { readSettings } from '../../../worker/settings.ts';
import { createSystems } from '../../../worker/systems.ts';

const [address = '', taskQueue = '', readyFile = ''] = process.argv.slice(2);
Runtime.install({ logger: new DefaultLogger('WARN') });
const settings = readSettings();
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  // One at a time: a stopped worker that still polled would be given the later attempts, too.
  maxConcurrentActivityTaskExecutions: 1,
  activities: createActivities(createSystems(settings)),
  interceptors: { activity: [(context) => ({ inbound: new ActivityInterceptor(context, settings.pollIntervalMs) })] },
});
const running = worker.run();
writeFileSync(readyFile, '');
await running;

// A worker as a process of its own: the real workflow and the real CipherTrust steps, every other step answered from a file. It can be killed in earnest.
import { readFileSync, writeFileSync } from 'node:fs';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../../../activities/registry.ts';
import type { Activities, StepContext } from '../../../domain/results.ts';
import { ActivityInterceptor } from '../../../worker/activity-interceptor.ts';
import { readSettings } from '../../../worker/settings.ts';
import { createSystems } from '../../../worker/systems.ts';
import { azureWithMachines } from '../own-machines.ts';
import { stubActivities } from '../stub-activities.ts';
import type { WorkerInstructions } from './trust-jobs.ts';

const { address, taskQueue, bundle, readyFile, results, real } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as WorkerInstructions;
Runtime.install({ logger: new DefaultLogger('ERROR') });
const settings = readSettings();
const all = createActivities({ ...createSystems(settings), azure: azureWithMachines() });
const answered = Object.fromEntries(Object.entries(results).map(([id, result]) => [id, async () => result]));
const vm = async ({ request }: StepContext) => ({ id: '/vm', privateAddress: request.cipherTrust.address, reachable: request.cipherTrust.address });
const carriedOut = Object.fromEntries(real.map((id) => [id, all[id]]));
const { activities } = stubActivities({ ...answered, 'ciphertrust-vm': vm, ...carriedOut } as Partial<Activities>);
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  workflowBundle: { codePath: bundle },
  activities: { ...activities, 'enter-approval': all['enter-approval'] },
  interceptors: { activity: [(context) => ({ inbound: new ActivityInterceptor(context, settings.pollIntervalMs) })] },
});
const running = worker.run();
writeFileSync(readyFile, '');
await running;

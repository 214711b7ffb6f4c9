// A worker as a process of its own: the real workflow and the real CipherTrust steps, every other step answered from a file. It can be killed in earnest.
import { readFileSync, writeFileSync } from 'node:fs';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../../../activities/registry.ts';
import type { Activities, StepContext } from '../../../domain/results.ts';
import { ActivityInterceptor } from '../../../worker/activity-interceptor.ts';
import { readSettings } from '../../../worker/settings.ts';
import { createSystems } from '../../../worker/systems.ts';
import { azureWithMachines, managerCreated } from '../own-machines.ts';
import { stubActivities } from '../stub-activities.ts';
import type { WorkerInstructions } from './trust-jobs.ts';

const { address, taskQueue, bundle, readyFile, results, real } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as WorkerInstructions;
Runtime.install({ logger: new DefaultLogger('ERROR') });
const settings = readSettings();
const systems = { ...createSystems(settings), azure: azureWithMachines() };
const all = createActivities(systems);
const answered = Object.fromEntries(Object.entries(results).map(([id, result]) => [id, async () => result]));
/** The manager's VM was created by this job, and that is on record; a further attempt enters nothing. */
async function vm({ target, runId, request }: StepContext) {
  const record = systems.records.of(target, 'ciphertrust', { jobId: target, runId, execution: 'ciphertrust-vm', attempt: 1, retry: 1 });
  if ((await record.read()).length === 0) {
    const [[begun, machine], [created, its]] = managerCreated(request);
    await record.append(begun, machine);
    await record.append(created, its);
  }
  const { address } = request.cipherTrust;
  return { id: '/vm', privateAddress: address, reachable: address };
}

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

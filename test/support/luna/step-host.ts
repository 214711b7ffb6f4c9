// A process that carries out Luna steps, as a worker does: one attempt at a time, asked for and answered over the channel to its parent. It is there to be
// killed: whatever an attempt had in memory, its connections included, dies with it.
import { asyncLocalStorage, Context, type Info } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure, noopMetricMeter } from '@temporalio/common';
import { createActivities } from '../../../activities/registry.ts';
import type { Systems } from '../../../activities/systems.ts';
import { openRecords } from '../../../stores/record/open-records.ts';
import { folderTranscripts } from '../../../stores/reports/transcripts.ts';
import { createStore } from '../../../stores/secrets/create-store.ts';
import { azureConnection } from '../../../systems/azure/connection.ts';
import { runWithFence } from '../../../systems/fence.ts';
import { Luna } from '../../../systems/lunash/luna.ts';
import { createOutbound } from '../../../systems/outbound.ts';
import { createWindows } from '../../../systems/windows/windows.ts';
import { readSettings } from '../../../worker/settings.ts';
import { clocksOfWorker } from '../clocks.ts';
import { MemoryFence } from '../fence.ts';
import { azureWithMachines } from '../own-machines.ts';
import type { Asked, LunaStep, Reply } from './step-hosts.ts';

const tell = (told: Reply) => process.send!(told);
let steps: Record<LunaStep, (input: never) => Promise<unknown>> | undefined;

/** Everything that Luna steps speak to; of Azure the machines alone, and no CipherTrust Manager. */
function stepsOf(environment: NodeJS.ProcessEnv): typeof steps {
  const settings = readSettings(environment);
  const outbound = createOutbound(settings.proxy);
  const secrets = createStore(settings.secrets, azureConnection(settings, outbound));
  const transcripts = folderTranscripts((settings.reports as { folder: string }).folder);
  const windows = createWindows(outbound, secrets);
  const records = openRecords(settings.record, azureConnection(settings, outbound), secrets);
  const luna = new Luna({ settings, outbound, secrets, windows, transcripts, records });
  const systems = { settings, outbound, secrets, records, transcripts, windows, luna, azure: azureWithMachines(), clocks: clocksOfWorker() };
  return createActivities(systems as unknown as Systems);
}

const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: (message: string) => console.error(message) };

async function attempt({ step, input, info }: Extract<Asked, { kind: 'attempt' }>, cancelled: AbortController): Promise<void> {
  const never = new Promise<never>(() => {});
  const heartbeat = (details: unknown) => tell({ kind: 'heartbeat', details: details ?? null });
  const context = new Context(info as Info, never, cancelled.signal, heartbeat, undefined, quiet, noopMetricMeter, {} as never);
  try {
    const result = await asyncLocalStorage.run(context, () => runWithFence(new MemoryFence(), () => steps![step](input as never)));
    tell({ kind: 'done', result });
  } catch (error) {
    if (!(error instanceof ApplicationFailure)) return void tell({ kind: 'broken', why: error instanceof Error ? `${error.stack}` : String(error) });
    const { message, type, nonRetryable, details, nextRetryDelay, category } = error;
    tell({ kind: 'failed', failure: { message, type, nonRetryable, details, nextRetryDelay, category } as never });
  }
}

let current = new AbortController();
process.on('message', (asked: Asked) => {
  if (asked.kind === 'environment') steps = stepsOf(asked.environment);
  else if (asked.kind === 'cancel') current.abort(new CancelledFailure('CANCELLED'));
  else {
    current = new AbortController();
    void attempt(asked, current);
  }
});
process.on('disconnect', () => process.exit(0));

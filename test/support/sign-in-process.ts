// A process that signs in at Azure as its environment says and asks one thing, again while it is told that this passes. It tells what came of it, and ends.
import { setTimeout as pause } from 'node:timers/promises';
import { StepFailure } from '../../domain/failure.ts';
import { createAzure } from '../../systems/azure/azure.ts';
import { createOutbound } from '../../systems/outbound.ts';
import { readSettings } from '../../worker/settings.ts';
import { exampleRequest } from './example.ts';

export interface SignedIn {
  state?: string;
  problem?: string;
}

const settings = readSettings();
const azure = createAzure(settings, createOutbound(settings.proxy));

async function ask(): Promise<SignedIn> {
  for (;;) {
    try {
      const { features } = await azure.clients(exampleRequest().azure);
      const { properties } = await azure.ask('reading the feature', () => features.features.get('Microsoft.HardwareSecurityModules', 'AzureDedicatedHSM'));
      return { state: properties?.state ?? '' };
    } catch (error) {
      if (!(error instanceof StepFailure) || error.problem.kind !== 'Transient') return { problem: (error as Error).message };
      await pause(50);
    }
  }
}

process.send!(await ask());
process.disconnect();

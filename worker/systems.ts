import { join } from 'node:path';
import { createClocks } from '../activities/clocks.ts';
import type { Systems } from '../activities/systems.ts';
import { createAzure } from '../systems/azure/azure.ts';
import { createCipherTrust } from '../systems/ciphertrust/ciphertrust.ts';
import { Luna } from '../systems/lunash/luna.ts';
import { createOutbound } from '../systems/outbound.ts';
import { createStore } from '../systems/secrets/create-store.ts';
import type { Settings } from '../systems/settings.ts';
import { folderTranscripts } from '../systems/transcripts.ts';
import { createWindows } from '../systems/windows/windows.ts';

/** Puts together everything that activities speak to. */
export function createSystems(settings: Settings): Systems {
  const outbound = createOutbound(settings.proxy);
  const secrets = createStore(settings, outbound);
  const transcripts = folderTranscripts(join(settings.reportsFolder, 'transcripts'));
  const windows = createWindows(outbound, secrets);
  const [azure, cipherTrust] = [createAzure(settings, outbound), createCipherTrust(outbound, windows)];
  return {
    settings,
    outbound,
    secrets,
    transcripts,
    windows,
    azure,
    luna: new Luna({ settings, outbound, secrets, windows, transcripts }),
    cipherTrust,
    clocks: createClocks({ azure, cipherTrust, ...(settings.temporalAddress ? { temporalAddress: settings.temporalAddress } : {}) }),
  };
}

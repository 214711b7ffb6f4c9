import { join } from 'node:path';
import type { Systems } from '../activities/systems.ts';
import { folderTranscripts } from '../stores/reports/transcripts.ts';
import { createStore } from '../stores/secrets/create-store.ts';
import { createAzure } from '../systems/azure/azure.ts';
import { azureConnection } from '../systems/azure/connection.ts';
import { createCipherTrust } from '../systems/ciphertrust/ciphertrust.ts';
import { Luna } from '../systems/lunash/luna.ts';
import { createOutbound } from '../systems/outbound.ts';
import type { Settings } from '../systems/settings.ts';
import { createWindows } from '../systems/windows/windows.ts';

/** Puts together everything that activities speak to. */
export function createSystems(settings: Settings): Systems {
  const outbound = createOutbound(settings.proxy);
  const secrets = createStore(settings.secrets, azureConnection(settings, outbound));
  const transcripts = folderTranscripts(join(settings.reportsFolder, 'transcripts'));
  const windows = createWindows(outbound, secrets);
  return {
    settings,
    outbound,
    secrets,
    transcripts,
    windows,
    azure: createAzure(settings, outbound),
    luna: new Luna({ settings, outbound, secrets, windows, transcripts }),
    cipherTrust: createCipherTrust(outbound, windows),
  };
}

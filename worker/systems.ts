import { createClocks } from '../activities/clocks.ts';
import type { Systems } from '../activities/systems.ts';
import { openRecords } from '../stores/record/open-records.ts';
import { openReports } from '../stores/reports/open-reports.ts';
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
  const connection = azureConnection(settings, outbound);
  const secrets = createStore(settings.secrets, connection);
  const { reports, transcripts } = openReports(settings.reports, connection);
  const windows = createWindows(outbound, secrets);
  const [azure, cipherTrust] = [createAzure(settings, outbound), createCipherTrust(outbound, windows)];
  const records = openRecords(settings.record, connection, secrets);
  return {
    settings,
    outbound,
    secrets,
    records,
    reports,
    transcripts,
    windows,
    azure,
    luna: new Luna({ settings, outbound, secrets, windows, transcripts, records }),
    cipherTrust,
    clocks: createClocks({ azure, cipherTrust, ...(settings.temporalAddress ? { temporalAddress: settings.temporalAddress } : {}) }),
  };
}

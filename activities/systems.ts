import type { Records } from '../stores/record/record.ts';
import type { ReportStore } from '../stores/reports/report-store.ts';
import type { Transcripts } from '../stores/reports/transcripts.ts';
import type { SecretStore } from '../stores/secrets/store.ts';
import type { Azure } from '../systems/azure/azure.ts';
import type { CipherTrust } from '../systems/ciphertrust/ciphertrust.ts';
import type { Luna } from '../systems/lunash/luna.ts';
import type { Outbound } from '../systems/outbound.ts';
import type { Settings } from '../systems/settings.ts';
import type { Windows } from '../systems/windows/windows.ts';
import type { Clocks } from './clocks.ts';

/** Everything an activity may speak to. */
export interface Systems {
  settings: Settings;
  outbound: Outbound;
  secrets: SecretStore;
  /** What happened to targets: the memory that outlives jobs. */
  records: Records;
  reports: ReportStore;
  transcripts: Transcripts;
  azure: Azure;
  windows: Windows;
  luna: Luna;
  cipherTrust: CipherTrust;
  clocks: Clocks;
}

/** For a rule’s `staleReadDelaysMs`: Azure answers reads from caches, which may show for some seconds what was before. Half a minute in all with the usual interval. */
export const staleReadDelays = ({ settings: { pollIntervalMs } }: Pick<Systems, 'settings'>): number[] =>
  [0.1, 0.2, 0.4, 0.8, 1.5].map((part) => part * pollIntervalMs);

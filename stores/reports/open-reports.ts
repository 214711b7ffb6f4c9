import { join } from 'node:path';
import type { AzureConnection } from '../azure-connection.ts';
import { blobContainer } from '../blob-container.ts';
import type { Place } from '../place.ts';
import { blobReports, folderReports, type ReportStore } from './report-store.ts';
import { blobTranscripts, folderTranscripts, type Transcripts } from './transcripts.ts';

/** Reports and transcripts in the place that the settings choose. */
export function openReports(place: Place, connection: AzureConnection): { reports: ReportStore; transcripts: Transcripts } {
  if (place.kind === 'folder') return { reports: folderReports(place.folder), transcripts: folderTranscripts(join(place.folder, 'transcripts')) };
  const container = blobContainer(place.url, connection);
  return { reports: blobReports(container), transcripts: blobTranscripts(container) };
}

import type { AzureConnection } from '../azure-connection.ts';
import { blobContainer } from '../blob-container.ts';
import type { Place } from '../place.ts';
import type { SecretStore } from '../secrets/store.ts';
import { blobNumberedStore } from './blob-store.ts';
import { folderNumberedStore } from './folder-store.ts';
import type { NumberedStore } from './numbered-store.ts';
import { createRecords, type Records } from './record.ts';
import { sealedStore } from './sealed-store.ts';

/** The records in the place that the settings choose, sealed with a key among the secrets. */
export const openRecords = (place: Place, connection: AzureConnection, secrets: SecretStore): Records =>
  createRecords(sealedStore(numberedStoreAt(place, connection), secrets));

export const numberedStoreAt = (place: Place, connection: AzureConnection): NumberedStore =>
  place.kind === 'folder' ? folderNumberedStore(place.folder) : blobNumberedStore(blobContainer(place.url, connection));

import type { AzureConnection } from '../azure-connection.ts';
import { createFileStore } from './file-store.ts';
import { createKeyVaultStore } from './key-vault-store.ts';
import type { SecretSettings } from './settings.ts';
import type { SecretStore } from './store.ts';

/** The store that the settings choose. */
export const createStore = (settings: SecretSettings, connection: AzureConnection): SecretStore =>
  settings.kind === 'file' ? createFileStore(settings) : createKeyVaultStore(settings, connection);

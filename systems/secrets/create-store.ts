import type { Outbound } from '../outbound.ts';
import type { Settings } from '../settings.ts';
import { createFileStore } from './file-store.ts';
import { createKeyVaultStore } from './key-vault-store.ts';
import type { SecretStore } from './store.ts';

/** The store that the settings choose. */
export const createStore = (settings: Settings, outbound: Outbound): SecretStore =>
  settings.secrets.kind === 'file' ? createFileStore(settings.secrets) : createKeyVaultStore(settings, settings.secrets, outbound);

import { randomBytes } from 'node:crypto';
import { refused } from '../../domain/failure.ts';
import { keyBytes, seal, unseal } from '../seal.ts';
import { read, storeFailed } from '../secrets/kept.ts';
import { recordKeyName, type SecretStore } from '../secrets/store.ts';
import type { NumberedStore } from './numbered-store.ts';

/**
 * The same store with every value encrypted, bound to its name: whoever can write to the folder or container but does not have the secrets can neither read nor
 * forge an entry, nor move one elsewhere.
 */
export function sealedStore(store: NumberedStore, secrets: SecretStore): NumberedStore {
  let key: Promise<Buffer> | undefined;
  const recordKey = (): Promise<Buffer> => {
    key ??= readKey(store, secrets);
    // A failure is not remembered: the secret store may answer the next time.
    key.catch(() => {
      key = undefined;
    });
    return key;
  };
  const opened = async (name: string, value: string) => open(await recordKey(), name, value);
  return {
    list: (prefix) => store.list(prefix),
    async get(name) {
      const value = await store.get(name);
      return value === undefined ? undefined : opened(name, value);
    },
    async create(name, value) {
      const created = await store.create(name, seal(await recordKey(), name, value).toString('base64'));
      return { won: created.won, value: created.won ? value : await opened(name, created.value) };
    },
  };
}

function open(key: Buffer, name: string, value: string): string {
  try {
    return unseal(key, name, Buffer.from(value, 'base64'));
  } catch {
    throw refused({
      code: 'RECORD_DAMAGED',
      tried: `reading the entry ${name}`,
      summary: 'it was sealed with another key, or it was changed',
      remedy: `Restore the secret ${recordKeyName}, or the entry, from the backup, then retry. Nothing was done.`,
    });
  }
}

/** A key is created only where there is no entry yet that it should open. */
async function readKey(store: NumberedStore, secrets: SecretStore): Promise<Buffer> {
  const text = (await read(secrets, recordKeyName)) ?? (await firstKey(store, secrets));
  const key = Buffer.from(text, 'base64');
  if (key.length !== keyBytes) throw new Error(`The secret ${recordKeyName} is not a key: it must hold ${keyBytes} bytes in base64.`);
  return key;
}

async function firstKey(store: NumberedStore, secrets: SecretStore): Promise<string> {
  const hasEntries = (await store.list('')).length > 0;
  // Another worker may have created the key and entered something since the first look: its key is then there.
  const found = await read(secrets, recordKeyName);
  if (found !== undefined) return found;
  if (hasEntries)
    throw refused({
      code: 'RECORD_DAMAGED',
      tried: `reading the secret ${recordKeyName}`,
      summary: 'it is missing, but the target record has entries; no other key was created',
      remedy: `Restore the secret ${recordKeyName} from the backup, then retry. Nothing was done.`,
    });
  return creating(secrets);
}

async function creating(secrets: SecretStore): Promise<string> {
  try {
    return await secrets.create(recordKeyName, randomBytes(keyBytes).toString('base64'));
  } catch (error) {
    throw storeFailed(`storing the secret ${recordKeyName}`, error);
  }
}

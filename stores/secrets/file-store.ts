import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { refused } from '../../domain/failure.ts';
import { createFile } from '../durable.ts';
import { keyBytes, seal, unseal } from '../seal.ts';
import { checkedName, type SecretStore } from './store.ts';

export interface FileStoreOptions {
  folder: string;
  /** A file with 32 random bytes in base64, made at first use, readable by its owner alone. */
  keyFile: string;
  /** The key itself, base64; then the file is not used. */
  key?: string;
}

const ending = '.secret';

/** The names in a folder of secrets. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((file) => (file.endsWith(ending) ? [file.slice(0, -ending.length)] : []));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Secrets in one encrypted file each (AES-256-GCM, bound to the name), all of them with one key. Safe with several processes at once: of two writers the first
 * wins.
 */
export function createFileStore({ folder, keyFile, key: given }: FileStoreOptions): SecretStore {
  let cached: Buffer | undefined;
  const key = () => (cached ??= decodeKey(given ?? keyFromFile(keyFile, folder), given ? 'HSM_SECRETS_KEY' : keyFile));
  let proven = false;
  const provenKey = async () => {
    if (!proven) await needKeyOf(folder, key());
    proven = true;
    return key();
  };
  const path = (name: string) => join(folder, `${checkedName(name)}${ending}`);
  const get = async (name: string): Promise<string | undefined> => {
    const sealed = await readFile(path(name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return sealed && opened(key(), name, sealed);
  };
  return {
    get,
    async create(name, value) {
      checkedName(name);
      const sealed = seal(await provenKey(), name, value);
      await createFile(path(name), sealed);
      return (await get(name))!;
    },
  };
}

function opened(key: Buffer, name: string, sealed: Buffer): string {
  try {
    return unseal(key, name, sealed);
  } catch {
    throw refused({
      code: 'SECRET_KEY_LOST',
      tried: `opening the secret ${name}`,
      summary: 'it was kept with another key, or its file was changed',
      remedy:
        'Bring back the key that it was kept with, or the file, from the backup, then retry. Keep a copy of the key that is used now: what was kept since needs that one.',
    });
  }
}

/** Nothing is kept with a key that opens none of what is there: whoever brings the right one back would lose what was kept with this one. */
async function needKeyOf(folder: string, key: Buffer): Promise<void> {
  const names = namesIn(folder);
  for (const name of names) {
    const sealed = await readFile(join(folder, `${name}${ending}`));
    try {
      unseal(key, name, sealed);
      return;
    } catch {
      // One file may be damaged; the next tells.
    }
  }
  if (names.length === 0) return;
  throw refused({
    code: 'SECRET_KEY_LOST',
    tried: 'keeping a secret',
    summary: `the key opens none of the ${names.length} secrets in ${folder}`,
    remedy:
      'Nothing was kept. Bring back the key of that folder (HSM_SECRETS_KEY_FILE, HSM_SECRETS_KEY), or name another folder (HSM_SECRETS_FOLDER), then retry.',
  });
}

/** A key is made only where there is nothing yet that it should open. */
function keyFromFile(path: string, folder: string): string {
  // The look at the folder comes first: what another process keeps after it, it keeps with a key that is then there.
  const secrets = namesIn(folder).length;
  if (!existsSync(path)) {
    if (secrets > 0) throw keyLost(path, folder, secrets);
    makeKeyFile(path);
  }
  if (statSync(path).mode & 0o077) throw new Error(`The key file ${path} can be read by others: make it its owner’s alone (chmod 600).`);
  return readFileSync(path, 'utf8').trim();
}

const keyLost = (path: string, folder: string, secrets: number) =>
  refused({
    code: 'SECRET_KEY_LOST',
    tried: `reading the key file ${path}`,
    summary: `it is not there, but ${folder} holds ${secrets} secret${secrets === 1 ? '' : 's'}; no other key was made`,
    remedy:
      'Bring the key back: its mount, its backup, or HSM_SECRETS_KEY; then retry. If it is lost, so is what it opens: only when none of that is in use any more, move the folder away to begin anew.',
  });

/** Whole or not at all, and never over a key that another process made meanwhile. */
function makeKeyFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, `${randomBytes(keyBytes).toString('base64')}\n`, { mode: 0o600, flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
  syncFolder(dirname(path));
}

/** A new name is on the disk only when its folder is: a password that was used must not be lost with the power. Windows has no such call. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function decodeKey(text: string, source: string): Buffer {
  const key = Buffer.from(text, 'base64');
  if (key.length !== keyBytes) throw new Error(`${source} does not hold a key: ${keyBytes} bytes in base64 are needed (openssl rand -base64 32).`);
  return key;
}

import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkedName, type SecretStore } from './store.ts';

export interface FileStoreOptions {
  folder: string;
  /** A file with 32 random bytes in base64, made at first use, readable by its owner alone. */
  keyFile: string;
  /** The key itself, base64; then the file is not used. */
  key?: string;
}

const algorithm = 'aes-256-gcm';

/** Secrets in one encrypted file each (AES-256-GCM, bound to the name). Safe with several processes at once: of two writers the first wins. */
export function createFileStore({ folder, keyFile, key: given }: FileStoreOptions): SecretStore {
  let cached: Buffer | undefined;
  const key = () => (cached ??= decodeKey(given ?? keyFromFile(keyFile), given ? 'HSM_SECRETS_KEY' : keyFile));
  const path = (name: string) => join(folder, `${checkedName(name)}.secret`);
  const get = async (name: string): Promise<string | undefined> => {
    const sealed = await readFile(path(name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return sealed && unseal(key(), name, sealed);
  };
  return {
    get,
    async create(name, value) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const draft = join(folder, `.${randomUUID()}.new`);
      await writeDurably(draft, seal(key(), name, value));
      try {
        await link(draft, path(name)); // fails where the name is taken: the first writer wins
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      } finally {
        await unlink(draft);
      }
      syncFolder(folder);
      return (await get(name))!;
    },
  };
}

function seal(key: Buffer, name: string, value: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(name));
  const body = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

function unseal(key: Buffer, name: string, sealed: Buffer): string {
  try {
    const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, 12)).setAAD(Buffer.from(name)).setAuthTag(sealed.subarray(12, 28));
    return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
  } catch {
    throw new Error(`The secret ${name} cannot be opened: it was kept with another key, or its file was changed.`);
  }
}

async function writeDurably(path: string, content: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

function keyFromFile(path: string): string {
  if (!existsSync(path)) makeKeyFile(path);
  if (statSync(path).mode & 0o077) throw new Error(`The key file ${path} can be read by others: make it its owner’s alone (chmod 600).`);
  return readFileSync(path, 'utf8').trim();
}

/** Whole or not at all, and never over a key that another process made meanwhile. */
function makeKeyFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flush: true });
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
  if (key.length !== 32) throw new Error(`${source} does not hold a key: 32 bytes in base64 are needed (openssl rand -base64 32).`);
  return key;
}

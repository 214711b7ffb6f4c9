import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFile } from '../durable.ts';
import { checkedEntryName, type NumberedStore } from './numbered-store.ts';

/** One file an entry. The ending keeps out what is no entry: drafts that a process left behind, and whatever else lies in the folder. */
const ending = '.entry';

/** Entries in a folder, which several workers may share: a draft is written and synced, then linked to its name, which fails where that is taken. */
export function folderNumberedStore(folder: string): NumberedStore {
  const path = (name: string) => join(folder, `${checkedEntryName(name)}${ending}`);
  const get = async (name: string): Promise<string | undefined> => (await unlessAbsent(readFile(path(name)), undefined))?.toString('utf8');
  return {
    get,
    async create(name, value) {
      if (await createFile(path(name), value)) return { won: true, value };
      const first = await get(name);
      if (first === undefined) throw new Error(`The entry ${name} in ${folder} was there and is gone.`);
      return { won: false, value: first };
    },
    async list(prefix) {
      // Only whole parts are walked; the last part of the prefix narrows the names within them.
      const under = prefix.split('/').slice(0, -1).join('/');
      return (await namesUnder(folder, under)).filter((name) => name.startsWith(prefix)).sort();
    },
  };
}

async function namesUnder(folder: string, under: string): Promise<string[]> {
  const entries = await unlessAbsent(readdir(join(folder, under), { withFileTypes: true, recursive: false }), []);
  const names = entries.map(async (entry) => {
    const name = under === '' ? entry.name : `${under}/${entry.name}`;
    if (entry.isDirectory()) return namesUnder(folder, name);
    return name.endsWith(ending) ? [name.slice(0, -ending.length)] : [];
  });
  return (await Promise.all(names)).flat();
}

/** Not being there is an answer; whatever else is wrong with a file or folder is none. */
async function unlessAbsent<Value, Other>(asked: Promise<Value>, absent: Other): Promise<Value | Other> {
  try {
    return await asked;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return absent;
    throw error;
  }
}

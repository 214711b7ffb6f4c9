import type { BlobContainer } from '../blob-container.ts';
import { checkedEntryName, type NumberedStore } from './numbered-store.ts';

/** Entries in a container of Azure Blob Storage, one blob each, written with `If-None-Match: *`. Needs no folder that workers share. */
export function blobNumberedStore(container: BlobContainer): NumberedStore {
  return {
    get: (name) => container.read(checkedEntryName(name)),
    list: (prefix) => container.list(prefix),
    async create(name, value) {
      if (await container.write(checkedEntryName(name), value, { isFirst: true })) return { won: true, value };
      const first = await container.read(name);
      if (first === undefined) throw new Error(`The entry ${name} in ${container.url} was there and is gone.`);
      return { won: false, value: first };
    },
  };
}

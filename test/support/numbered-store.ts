import type { NumberedStore } from '../../stores/record/numbered-store.ts';

/** A store in memory, shared by everybody who holds `values`: names and values, in the order of their creation. */
export function memoryNumberedStore(values: Map<string, string> = new Map()): NumberedStore {
  return {
    async create(name, value) {
      const first = values.get(name);
      if (first !== undefined) return { won: false, value: first };
      values.set(name, value);
      return { won: true, value };
    },
    async list(prefix) {
      return [...values.keys()].filter((name) => name.startsWith(prefix)).sort();
    },
    async get(name) {
      return values.get(name);
    },
  };
}

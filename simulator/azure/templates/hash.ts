import { createHash } from 'node:crypto';

/** Stable over the order of keys. */
export function templateHash(template: unknown): string {
  const digest = createHash('sha256').update(stable(template)).digest();
  return digest.readBigUInt64BE().toString();
}

/** JSON with the keys in order. */
export function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  return `{${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${stable(inner)}`)
    .join(',')}}`;
}

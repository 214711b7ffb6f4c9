import { webcrypto } from 'node:crypto';

type Generate = typeof webcrypto.subtle.generateKey;

/** Keys of simulated certificates, made once and used in turn: thousands of schedules would otherwise do little else than search for primes. */
export function pooledKeys(size = 6): { restore(): void } {
  const own = webcrypto.subtle.generateKey;
  const pools = new Map<string, Promise<unknown>[]>();
  let next = 0;
  const pooled = (algorithm: unknown, extractable: boolean, usages: readonly string[]): Promise<unknown> => {
    const name = JSON.stringify(algorithm, (_, value) => (value instanceof Uint8Array ? [...value] : value));
    const make = () => (own as (...args: unknown[]) => Promise<unknown>).call(webcrypto.subtle, algorithm, extractable, usages);
    const pool = pools.get(name) ?? [];
    pools.set(name, pool);
    const at = next++ % size;
    return (pool[at] ??= make());
  };
  webcrypto.subtle.generateKey = pooled as Generate;
  return {
    restore() {
      webcrypto.subtle.generateKey = own;
    },
  };
}

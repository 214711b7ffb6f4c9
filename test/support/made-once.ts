import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { until } from './until.ts';

/** A file or folder that several test processes need and one of them makes: the first caller makes it, the others wait for that. `make` lets it appear at once, whole. */
export async function madeOnce(path: string, make: () => Promise<void>): Promise<void> {
  await until(
    path,
    async () => {
      if (existsSync(path)) return true;
      if (!(await lock(path))) return undefined;
      await make().finally(() => rm(`${path}.lock`, { force: true }));
      return true;
    },
    { timeoutMs: 300_000, everyMs: 200 },
  );
}

/** One process alone gets it; that of a process that is gone counts no more. */
async function lock(path: string): Promise<boolean> {
  const file = `${path}.lock`;
  const taken = await writeFile(file, `${process.pid}`, { flag: 'wx' }).then(
    () => true,
    () => false,
  );
  if (taken) return true;
  const owner = Number(await readFile(file, 'utf8').catch(() => ''));
  if (owner > 0 && !isAlive(owner)) await rm(file, { force: true });
  return false;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child.ts';

/** A part of the stack that did not come up, or ended by itself: which, why, and where to read on. */
export class StackError extends Error {
  override readonly name = 'StackError';
}

const lookEveryMs = 50;

/** Looks until `look` gives something; fails when the process ends first or the time (ms) is over. */
export async function untilReady<Seen>(child: Child, timeoutMs: number, look: () => Promise<Seen | undefined> | Seen | undefined): Promise<Seen> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (!child.alive) {
      const { code, signal } = await child.ended;
      throw failed(child, `ended while starting (${signal ?? `exit ${code}`})`);
    }
    if (performance.now() > deadline) throw failed(child, `was not ready after ${timeoutMs / 1000} s`);
    await sleep(lookEveryMs);
  }
}

export const failed = (child: Child, what: string): StackError =>
  new StackError(`The ${child.name} ${what}. Its log is ${child.logFile}; the last lines:\n${child.lastLines()}`);

/** What a ready file says; undefined until it is written whole. */
export function readyFile<Said>(file: string): Said | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Said;
  } catch {
    return undefined;
  }
}

/** True when the service there says that it is ready. */
export const saysReady = (url: string): Promise<true | undefined> =>
  fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    ({ ok }) => ok || undefined,
    () => undefined,
  );

/** Below those that systems hand out by themselves: nobody else gets one of them before its owner listens, or while that is being restarted. */
const anyPorts = { from: 10_000, below: 32_000 };
const attempts = 50;

/** A port that is free now; 0 asks for any. Fails in one sentence where the asked one is taken. */
export async function freePort(wanted: number, purpose: string, setting: string): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = wanted || randomInt(anyPorts.from, anyPorts.below);
    const why = (await isUnsafe(port)) ? 'is one that browsers and fetch never connect to' : await whyNot(port);
    if (!why) return port;
    if (!wanted && attempt < attempts) continue;
    const ways = why === taken ? 'end what listens there, or set' : 'set';
    throw new StackError(`Port ${port} (${purpose}) ${why}: ${ways} ${setting} to another port, or to 0 for any.`);
  }
}

/** Ports of other protocols, such as 6000 or 10080, are refused before anything is sent: the list is in the Fetch standard. */
const isUnsafe = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/`, { method: 'HEAD', signal: AbortSignal.timeout(1) }).then(
    () => false,
    ({ cause }: Error) => cause instanceof Error && cause.message === 'bad port',
  );

const taken = 'is taken';

/** Why nobody can listen on a port; undefined where it is free. */
const whyNot = (port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EADDRINUSE' ? taken : `cannot be used (${code})`));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(undefined)));
  });

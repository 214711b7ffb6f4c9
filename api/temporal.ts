import { type Client, ServiceError } from '@temporalio/client';
import { Problem } from './problem.ts';

/** How long Temporal is waited for before the API says that it does not answer. */
const usualPatienceMs = 5_000;
/** gRPC’s own words for it: DEADLINE_EXCEEDED and UNAVAILABLE. */
const silent = [4, 14];

const away = (): Problem => new Problem(503, 'Temporal does not answer', 'Jobs go on by themselves; ask again when Temporal is back.');

const isSilence = (error: unknown): boolean => {
  const { code } = (error instanceof ServiceError ? (error.cause ?? error) : error) as { code?: number };
  return code !== undefined && silent.includes(code);
};

/** Asks Temporal something, for a bounded time: a client that waits by itself would keep the caller waiting for minutes. */
export async function ask<T>(client: Client, question: () => Promise<T>, patienceMs = usualPatienceMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(away()), patienceMs);
  });
  try {
    return await Promise.race([client.withDeadline(Date.now() + patienceMs, question), tooLong]);
  } catch (error) {
    throw isSilence(error) ? away() : error;
  } finally {
    clearTimeout(timer);
  }
}

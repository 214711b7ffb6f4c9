import type { Engine } from './engine.ts';
import { ArmError, type ArmReply, type ArmRequest } from './http.ts';

type Match = RegExpExecArray;
export type Handler = (engine: Engine, request: ArmRequest, match: Match, lies: boolean) => ArmReply;

/** `operation` is its name in request log and faults, without the method. */
export type Route = [method: string, path: string, operation: string, handler: Handler];

export const ok = (body: unknown, status = 200): ArmReply => ({ status, body });
export const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

const usualPage = 100;

/** A list, a page at a time: the rest is at `nextLink`, which carries everything that the client asked with. */
export function listed({ world }: Engine, { query, base, path }: ArmRequest, items: Record<string, unknown>[]): ArmReply {
  const size = Number(query.get('$top') ?? world.variants['azure.pageSize'] ?? usualPage);
  const from = Number(query.get('$skiptoken') ?? 0);
  if (!Number.isInteger(size) || size < 1 || !Number.isInteger(from))
    throw new ArmError(400, 'InvalidRequestUri', `The value of '$top' or '$skiptoken' is invalid.`);
  const next = new URL(`${base}${path}`);
  for (const [name, value] of query) next.searchParams.set(name, value);
  next.searchParams.set('$skiptoken', `${from + size}`);
  return ok({ value: items.slice(from, from + size), ...(from + size < items.length ? { nextLink: next.href } : {}) });
}

/** To be asked again at the same address. */
export function stillRunning({ world }: Engine, { base, path, query }: ArmRequest, seconds: number): ArmReply {
  return { status: 202, headers: { location: `${base}${path}?${query}`, 'retry-after': `${world.clock.retryAfterSeconds(seconds)}` } };
}

import type { World } from '../world.ts';
import { badRequest, notFound } from './errors.ts';
import type { ManagerState } from './state.ts';

/** One request to the REST API. */
export interface Call {
  world: World;
  state: ManagerState;
  /** The value of `{id}` in the path. */
  id: string;
  query: URLSearchParams;
  authorization: string | undefined;
  accept: string | undefined;
  /** Who is signed in; nobody where no sign-in is needed. */
  username: string;
  body: Record<string, unknown>;
}

export interface Reply {
  status: number;
  body?: unknown;
}

export interface Route {
  /** `VERB /v1/path`, with `{id}` for a varying part. */
  operation: string;
  /** Needs no sign-in. */
  open?: boolean;
  /** Is answered before the services are up, too. */
  duringBoot?: boolean;
  answer(call: Call): Promise<Reply> | Reply;
  /** How to answer so that nothing changes; absent for what only reads. */
  lie?(call: Call, how: string | undefined): Promise<Reply> | Reply;
}

export const ok = (body: unknown, status = 200): Reply => ({ status, body });
export const noContent: Reply = { status: 204 };

/** A page of a list, in the usual form or with less around it; never more at once than it gives. */
export function list({ query, world }: Call, resources: unknown[]): Reply {
  const form = world.variants['ciphertrust.lists'] ?? 'paged';
  const most = Number(world.variants['ciphertrust.listMost'] ?? Number.MAX_SAFE_INTEGER);
  const [skip, limit] = [Number(query.get('skip') ?? 0), Math.min(most, Number(query.get('limit') ?? 10))];
  const page = resources.slice(skip, skip + limit);
  if (form === 'bare') return ok({ resources });
  return ok({ ...(form === 'paged' ? { skip, limit } : {}), total: resources.length, resources: page });
}

export function text(body: Record<string, unknown>, field: string): string {
  const value = body[field];
  if (typeof value !== 'string' || value === '') throw badRequest(`Validation errors:\n${field}: ${field} is a required field`);
  return value;
}

export function find<Thing>(things: Thing[], wanted: (thing: Thing) => boolean): Thing {
  const found = things.find(wanted);
  if (found === undefined) throw notFound();
  return found;
}

export function remove<Thing>({ world }: Call, things: Thing[], wanted: (thing: Thing) => boolean): Reply {
  things.splice(things.indexOf(find(things, wanted)), 1);
  world.changed();
  return noContent;
}

import type { Engine } from './engine.ts';
import { type Handler, listed, ok, type Route, same } from './handler.ts';
import { ArmError } from './http.ts';

/** A management lock: nothing at or below its scope can be deleted, or changed at all. */
export interface Lock {
  id: string;
  /** As in a path: of the subscription, a group or a resource. */
  scope: string;
  name: string;
  level: 'CanNotDelete' | 'ReadOnly';
  notes?: string;
}

const at = (scope: string, id: string): boolean => same(scope, id) || id.toLowerCase().startsWith(`${scope.toLowerCase()}/`);

/** Questions that are asked with POST. */
const asking = /\/(validate|whatIf|exportTemplate|instanceView)$/i;
const aboutLocks = /\/providers\/Microsoft\.Authorization\/locks\/[^/]+$/i;

/** Refuses what a lock forbids: one at or above what is to be changed, and for a deletion also one below it. */
export function needUnlocked({ state }: Engine, method: string, path: string): void {
  const locks = Object.values(state.locks ?? {});
  if (locks.length === 0 || aboutLocks.test(path)) return;
  const forbidding = locks.filter(({ scope, level }) => {
    if (method === 'DELETE') return at(scope, path) || at(path, scope);
    return level === 'ReadOnly' && !/GET|HEAD/.test(method) && !asking.test(path) && at(scope, path);
  });
  if (forbidding.length === 0) return;
  throw new ArmError(
    409,
    'ScopeLocked',
    `The scope '${path}' cannot perform ${method === 'DELETE' ? 'delete' : 'write'} operation because following scope(s) are locked: '${forbidding.map(({ scope }) => scope).join(',')}'. Please remove the lock and try again.`,
  );
}

const view = ({ id, name, level, notes }: Lock): Record<string, unknown> => ({
  properties: { level, ...(notes ? { notes } : {}) },
  id,
  type: 'Microsoft.Authorization/locks',
  name,
});

const found = ({ state }: Engine, id: string): Lock => {
  const lock = state.locks?.[id.toLowerCase()];
  if (!lock) throw new ArmError(404, 'LockNotFound', `The lock '${id.split('/').at(-1)}' could not be found.`);
  return lock;
};

const put: Handler = (engine, { path, body }, [, scope = '', name = ''], lies) => {
  const { level, notes } = (body['properties'] ?? {}) as { level?: Lock['level']; notes?: string };
  if (level !== 'CanNotDelete' && level !== 'ReadOnly')
    throw new ArmError(400, 'LockLevelNotSupported', `The lock level '${level}' is not one of CanNotDelete, ReadOnly.`);
  needScope(engine, scope);
  const locks = (engine.state.locks ??= {});
  const lock = { id: path, scope, name, level, ...(notes ? { notes } : {}) };
  const created = locks[path.toLowerCase()] === undefined;
  if (!lies) locks[path.toLowerCase()] = lock;
  engine.world.changed();
  return ok(view(lock), created ? 201 : 200);
};

function needScope(engine: Engine, scope: string): void {
  const [, group, inside] = /\/resourcegroups\/([^/]+)(\/.+)?$/i.exec(scope) ?? [];
  if (inside) engine.need(scope);
  else if (group) engine.needGroup(group);
}

const remove: Handler = ({ state, world }, { path }, _, lies) => {
  if (!state.locks?.[path.toLowerCase()]) return { status: 204 };
  if (!lies) delete state.locks[path.toLowerCase()];
  world.changed();
  return { status: 200 };
};

const list: Handler = (engine, request, [, scope = '']) => {
  const here = Object.values(engine.state.locks ?? {}).filter((lock) => at(scope, lock.scope));
  return listed(engine, request, here.map(view));
};

const scope = '(/subscriptions/[^/]+(?:/resourcegroups/[^/]+(?:/providers/.+?)?)?)';
const locks = `${scope}/providers/Microsoft\\.Authorization/locks`;
const kind = 'Microsoft.Authorization/locks';

export const lockRoutes: Route[] = [
  ['PUT', `${locks}/([^/]+)`, kind, put],
  ['GET', `${locks}/([^/]+)`, kind, (engine, { path }) => ok(view(found(engine, path)))],
  ['DELETE', `${locks}/([^/]+)`, kind, remove],
  ['GET', locks, kind, list],
];

import type { World } from '../world.ts';
import type { ArmReply, ArmRequest } from './http.ts';

/** Reads that lag behind: ARM answers them from caches, which may go on showing for a while what was before a change that was accepted. */

interface Old {
  reply: ArmReply;
  left: number;
}

const expandOf = (query: URLSearchParams): string => query.get('$expand') ?? '';
const keyOf = (path: string, expand: string): string => `${path} ${expand}`.toLowerCase();

/** What a change at a path shows in: the thing itself, and what it is a part of. Deployments are told at once. */
function affected(path: string): string[] {
  if (/\/Microsoft\.Resources\/deployments\//i.test(path)) return [];
  const whole = path.replace(/\/(subnets|securityRules|start|restart|powerOff|deallocate|register)(\/[^/]+)?$/i, '');
  const machine = /\/virtualMachines\/[^/]+$/i.test(whole) ? [`${whole}/instanceView`] : [];
  return [...new Set([path, whole, ...machine])];
}

export class StaleReads {
  readonly #world: World;
  readonly #old = new Map<string, Old>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Answers a request, a read perhaps with what it would have been before the last change. `read` answers a read as things are now. */
  answer({ method, path, query }: ArmRequest, now: () => ArmReply, read: (path: string, expand: string) => ArmReply): ArmReply {
    const left = Number(this.#world.variants['azure.staleReads'] ?? 0);
    if (left === 0) return now();
    if (method === 'GET') {
      const old = this.#old.get(keyOf(path, expandOf(query)));
      return old && old.left-- > 0 ? old.reply : now();
    }
    const before = affected(path).flatMap((one) => ['', 'instanceView'].map((expand): [string, ArmReply] => [keyOf(one, expand), read(one, expand)]));
    const reply = now();
    if (reply.status < 400) for (const [key, was] of before) this.#old.set(key, { reply: structuredClone(was), left });
    return reply;
  }
}

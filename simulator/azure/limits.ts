import type { World } from '../world.ts';
import type { ArmReply } from './http.ts';
import { subscriptionId } from './state.ts';

/** What is counted apart, as the headers name it. */
type Counted = 'reads' | 'writes' | 'deletes';
const kindOf = (method: string): Counted => (method === 'GET' || method === 'HEAD' ? 'reads' : method === 'DELETE' ? 'deletes' : 'writes');

/** How many requests of a kind a subscription takes in an hour; what is not used up grows again all the time. */
const usualPerHour: Record<Counted, number> = { reads: 12_000, writes: 1200, deletes: 15_000 };

interface Bucket {
  left: number;
  at: number;
}

/** What is left after a request, and the refusal where nothing was. */
export interface Allowance {
  headers: Record<string, string>;
  refusal?: ArmReply;
}

/** ARM’s own limits: a bucket of requests for each scope and kind. `azure.requestsPerHour` makes them small enough to meet. */
export class Limits {
  readonly #world: Pick<World, 'clock' | 'variants'>;
  readonly #now: () => number;
  readonly #perHour: Record<Counted, number>;
  readonly #buckets = new Map<string, Bucket>();

  constructor(world: Pick<World, 'clock' | 'variants'>, now: () => number = Date.now) {
    this.#world = world;
    this.#now = now;
    const [reads, writes, deletes] = (world.variants['azure.requestsPerHour'] ?? '').split(',').map((text) => Number(text) || undefined);
    this.#perHour = { reads: reads ?? usualPerHour.reads, writes: writes ?? usualPerHour.writes, deletes: deletes ?? usualPerHour.deletes };
  }

  /** Counts a request: below a subscription for that one, else for the tenant. */
  take(method: string, path: string): Allowance {
    const [, subscription] = /^\/subscriptions\/([^/]+)/i.exec(path) ?? [];
    const kind = kindOf(method);
    const scope = subscription === undefined ? 'tenant' : 'subscription';
    const bucket = this.#filled(`${subscription?.toLowerCase()} ${kind}`, kind);
    const enough = bucket.left >= 1;
    if (enough) bucket.left--;
    const headers = { [`x-ms-ratelimit-remaining-${scope}-${kind}`]: `${Math.floor(bucket.left)}` };
    return enough ? { headers } : { headers, refusal: tooMany(kind, Math.ceil((this.#realMsEach(kind) * (1 - bucket.left)) / 1000)) };
  }

  #realMsEach(kind: Counted): number {
    return this.#world.clock.realMs(60) / this.#perHour[kind];
  }

  #filled(key: string, kind: Counted): Bucket {
    const most = this.#perHour[kind];
    const bucket = this.#buckets.get(key) ?? { left: most, at: this.#now() };
    this.#buckets.set(key, bucket);
    bucket.left = Math.min(most, bucket.left + (this.#now() - bucket.at) / this.#realMsEach(kind));
    bucket.at = this.#now();
    return bucket;
  }
}

function tooMany(kind: Counted, seconds: number): ArmReply {
  const wait = Math.max(1, seconds);
  return {
    status: 429,
    headers: { 'retry-after': `${wait}` },
    body: {
      error: {
        code: 'SubscriptionRequestsThrottled',
        message: `Number of '${kind.replace(/s$/, '')}' requests for subscription '${subscriptionId}' exceeded. Please try again after '${wait}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional information.`,
      },
    },
  };
}

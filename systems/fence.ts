import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntryName } from '../stores/record/events.ts';
import type { LastingActName } from './lasting-acts.ts';

/**
 * This attempt may not change anything: it was replaced, cancelled, reset or paused, or nobody could confirm in time that it was not. Never retried within the
 * attempt, and nothing more is sent. Its code survives where an HTTP client wraps it.
 */
export class NoPermit extends Error {
  readonly code = 'NO_PERMIT';

  constructor(why: string, options?: ErrorOptions) {
    super(why, options);
    this.name = 'NoPermit';
  }
}

/** The refusal in an error or in the errors that caused it. */
export function noPermitIn(error: unknown): NoPermit | undefined {
  for (let each = error, depth = 0; each instanceof Error && depth < 8; each = each.cause, depth++) if (each instanceof NoPermit) return each;
  return undefined;
}

/** The lasting act that is sent, or something that belongs to one that was begun: an answer to a question of its command, the next part of its script. */
export type Sending = LastingActName | { readonly partOf: LastingActName };

export const actOf = (sending: Sending | undefined): LastingActName | undefined => (typeof sending === 'object' ? sending.partOf : sending);

/** The next part of it. */
export const partOf = (sending: Sending | undefined): Sending | undefined => (typeof sending === 'string' ? { partOf: sending } : sending);

/** One attempt's right to change something. There is one for each attempt, and it owns all heartbeats of that attempt. */
export interface Fence {
  /**
   * Asks whether this attempt is still the current one. Write in the same turn of the event loop as the answer, once for each permit. Name the act where it goes
   * on by itself on the other side, once for each time that it is sent: further lines of the same act are parts of it. Throws NoPermit; once it has refused, it
   * refuses for good.
   */
  permit(sending?: Sending): Promise<void>;
  /** The heartbeat detail that a later attempt finds, from now on and with every heartbeat; undefined clears it. */
  remember(detail: unknown): void;
  /** Hears of each entry that this attempt makes in the target record, or finds there, for what it is about to do. */
  entered?(entry: EntryName): void;
  /** How long after its replacement an attempt may still write under its last permit, with a margin. A later attempt waits that long, too. */
  readonly graceMs: number;
}

/** A permit is good for so long since before it was asked for. */
export const leaseMs = 2_000;
const marginMs = 1_000;
export const usualGraceMs = leaseMs + marginMs;

/** Outside an attempt nothing may be changed. */
const closed: Fence = {
  permit: () => Promise.reject(new NoPermit('Nothing was sent: this code runs outside an attempt.')),
  remember: () => {},
  graceMs: usualGraceMs,
};

const current = new AsyncLocalStorage<Fence>();

/** Does something as the attempt whose fence this is. */
export const runWithFence = <T>(fence: Fence, work: () => T): T => current.run(fence, work);

/** The fence of this attempt. Take it where a connection or client is made, not in a callback of one: events may come from elsewhere. */
export const currentFence = (): Fence => current.getStore() ?? closed;

/** A connection on which single lines, commands or requests are sent under permits. */
export interface Wire {
  /**
   * Waits until nothing that was sent before is left at any hop, then asks for the permit. Write in the same turn of the event loop. Where it refuses, it has reset
   * the connection: an attempt without a permit types neither `quit` nor Ctrl-C, and what lies at a hop is not delivered later.
   */
  permit(sending?: Sending): Promise<void>;
}

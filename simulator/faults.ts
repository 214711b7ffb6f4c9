import { randomUUID } from 'node:crypto';

/**
 * What can go wrong with an operation:
 * `throttle` answers 429 (or the protocol's nearest), `error` a server error, `page` a gateway's HTML page in place of an answer, `reset` cuts the
 * connection before anything is done, `reset-after-accept` cuts it after the change was made, `stall` makes the change, sends half of the answer and falls
 * silent, `slow` delays the answer, `lie` answers success and changes nothing, `hold` keeps the request received and unanswered until released (`question lunash:hsm init`: keeps a question of that command unasked; `arrived lunacm:role login`: any command of lunacm, also one that only looks), `fail` makes
 * the operation end in failure with a message, `never` lets something that takes time never finish.
 */
export const faultKinds = ['throttle', 'error', 'page', 'reset', 'reset-after-accept', 'stall', 'slow', 'lie', 'hold', 'fail', 'never'] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  id: string;
  kind: FaultKind;
  /** Which operations, as in the request log; `*` stands for any text, letters' case does not count. */
  operation: string;
  /** Of which target alone, as in the request log; letters’ case does not count. Only ARM’s requests are asked for it. */
  target?: string;
  /** How many times more it strikes; once when nothing is said, 0 means until removed. */
  times: number;
  /** Lets so many pass by first. */
  skip?: number;
  /** For `slow`: simulated minutes. For `throttle`: seconds of Retry-After, none when absent. */
  amount?: number;
  /** For `throttle`: how the time to wait is told; in seconds when absent. */
  tell?: 'seconds' | 'date' | 'milliseconds';
  /** For `error` and `page`: the status. For `fail` and `error`: what is said, and its code where the protocol has codes. */
  status?: number;
  code?: string;
  message?: string;
}

export type FaultRequest = Pick<Fault, 'kind' | 'operation'> & Partial<Omit<Fault, 'id' | 'kind' | 'operation'>>;

interface Ordered extends Fault {
  left: number;
  toPass: number;
}

const matches = (pattern: string, operation: string): boolean =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    'i',
  ).test(operation);

/** The faults, lies and holds that were ordered through the control interface. */
export class Faults {
  #faults: Ordered[] = [];
  readonly #held = new Map<string, { operation: string; release: () => void }>();

  add(request: FaultRequest): Fault {
    const fault = { times: 1, ...request, id: randomUUID(), left: request.times ?? 1, toPass: request.skip ?? 0 };
    this.#faults.push(fault);
    return fault;
  }

  /** Tells whether an operation is meant by a pattern. */
  matcher(pattern: string): (operation: string) => boolean {
    return (operation) => matches(pattern, operation);
  }

  list(): Fault[] {
    return this.#faults.map(({ left: _, toPass: __, ...fault }) => fault);
  }

  remove(id: string): boolean {
    const before = this.#faults.length;
    this.#faults = this.#faults.filter((fault) => fault.id !== id);
    return this.#faults.length < before;
  }

  clear(): void {
    this.#faults = [];
    for (const held of this.#held.values()) held.release();
  }

  /**
   * To be asked once at each arrival. A `hold` is waited out here (the request is received, nothing is done yet) and then the next matching fault
   * counts; any other fault is returned for the system to act out in its own protocol.
   */
  async strike(operation: string, target?: string): Promise<Fault | undefined> {
    for (;;) {
      const fault = this.#next(operation, faultKinds, '', target);
      if (fault?.kind !== 'hold') return fault;
      await this.#released(operation);
    }
  }

  /** Waits out a hold at a place within an operation, such as a question. Only a pattern that begins with the prefix means it. */
  async hold(prefix: string, what: string): Promise<void> {
    while (this.#next(`${prefix}${what}`, ['hold'], prefix)) await this.#released(`${prefix}${what}`);
  }

  #released(operation: string): Promise<void> {
    return new Promise((resolve) => {
      const id = randomUUID();
      this.#held.set(id, {
        operation,
        release: () => {
          this.#held.delete(id);
          resolve();
        },
      });
    });
  }

  /** The fault of one of these kinds that strikes what is no request and cannot be held. Only a pattern that begins with the prefix means it. */
  take(prefix: string, what: string, kinds: readonly FaultKind[]): Fault | undefined {
    return this.#next(`${prefix}${what}`, kinds, prefix);
  }

  #next(operation: string, kinds: readonly FaultKind[], prefix = '', target = ''): Ordered | undefined {
    const meant = this.#faults.filter(
      (fault) =>
        kinds.includes(fault.kind) &&
        (fault.target === undefined || matches(fault.target, target)) &&
        fault.operation.toLowerCase().startsWith(prefix) &&
        matches(fault.operation, operation),
    );
    const fault = meant.find(({ toPass }) => toPass === 0);
    for (const other of meant) if (other.toPass > 0) other.toPass--;
    if (fault && fault.times > 0 && --fault.left <= 0) this.#faults = this.#faults.filter((other) => other !== fault);
    return fault;
  }

  /** Requests that are received and unanswered now. */
  held(): { id: string; operation: string }[] {
    return [...this.#held].map(([id, { operation }]) => ({ id, operation }));
  }

  release(id: string): boolean {
    const held = this.#held.get(id);
    held?.release();
    return held !== undefined;
  }
}

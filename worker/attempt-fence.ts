import { uptime } from 'node:os';
import type { Context } from '@temporalio/activity';
import { type Fence, leaseMs, NoPermit, usualGraceMs } from '../systems/fence.ts';

/** Three clocks, in milliseconds: one stands still while a machine sleeps, one is set by people, one does neither on most systems. */
export interface Clocks {
  steady(): number;
  up(): number;
  wall(): number;
}

const machineClocks: Clocks = { steady: () => performance.now(), up: () => uptime() * 1000, wall: () => Date.now() };
/** `os.uptime()` has hundredths of a second, and clocks are slewed. */
const toleranceMs = 20;

/** Temporal's word that an attempt is still the current one; all of its heartbeats, periodic ones and permits, are sent from here. */
export class AttemptFence implements Fence {
  readonly graceMs = usualGraceMs;
  readonly #context: Context;
  readonly #clocks: Clocks;
  #detail: unknown;
  #refusal: NoPermit | undefined;

  constructor(context: Context, clocks = machineClocks) {
    this.#context = context;
    this.#clocks = clocks;
  }

  /** Says that the worker is alive. The first one clears the detail of the attempt before. */
  beat(): void {
    this.#context.heartbeat(this.#detail);
  }

  /** What a later attempt finds. */
  get remembered(): unknown {
    return this.#detail;
  }

  remember(detail: unknown): void {
    this.#detail = detail;
    this.beat();
  }

  async permit(): Promise<void> {
    if (this.#refusal) throw this.#refusal;
    const before = this.#now();
    try {
      if (this.#context.cancellationSignal.aborted) throw this.#context.cancellationSignal.reason;
      await inTime(this.#ask());
    } catch (error) {
      throw this.#refuse(`Temporal did not confirm that this attempt is still the current one (${nameOf(error)})`, error);
    }
    const ages = this.#now().map((clock, at) => clock - before[at]!);
    const [least, most] = [Math.min(...ages), Math.max(...ages)];
    if (least < -toleranceMs || most > leaseMs)
      throw this.#refuse(`Temporal’s confirmation came too late, or a clock was set (it took ${Math.round(least)} to ${Math.round(most)} ms)`);
    if (this.#refusal) throw this.#refusal;
  }

  /**
   * By task token, never by activity id: by id, Temporal does not check which attempt asks. A heartbeat without the detail would clear it, and a codec that binds
   * the workflow id could not read it back without the context (docs/reference/temporal.md#heartbeats).
   */
  async #ask(): Promise<void> {
    const { client, info } = this.#context;
    const { activityId, namespace, taskToken, workflowExecution } = info;
    const { workflowId } = workflowExecution!;
    const serializationContext = { type: 'activity', namespace, workflowId, activityId, isLocal: false } as const;
    await client.withDeadline(Date.now() + leaseMs, () => client.activity.heartbeat(taskToken, this.#detail, { serializationContext }));
  }

  #now(): number[] {
    return [this.#clocks.steady(), this.#clocks.up(), this.#clocks.wall()];
  }

  #refuse(why: string, cause?: unknown): NoPermit {
    this.#refusal ??= new NoPermit(`${why}. Nothing more was sent.`, { cause });
    return this.#refusal;
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));

/** The client's own deadline is a moment of the wall clock, which may be set meanwhile. */
async function inTime(answer: Promise<void>): Promise<void> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error(`no answer within ${leaseMs / 1000} s`)), leaseMs);
  await Promise.race([answer, timeout.promise]).finally(() => clearTimeout(timer));
}

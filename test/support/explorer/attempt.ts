import { asyncLocalStorage, Context, type Info } from '@temporalio/activity';
import { ApplicationFailure, noopMetricMeter } from '@temporalio/common';
import { type Fence, NoPermit, runWithFence } from '../../../systems/fence.ts';
import { Actor, actAs, type Seen } from './actor.ts';

/** How an attempt ended: done, or the kind of its failure and what was said. */
export interface Ended {
  kind: string;
  said: string;
  /** What the step gave, where it is done. */
  result?: unknown;
}

const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const never = new Promise<never>(() => {});

/** Temporal’s word, as far as the explorer plays it: who was replaced is told so at the next permit. */
const fenceOf = (actor: Actor, remember: (detail: unknown) => void): Fence => {
  let refused = false;
  return {
    graceMs: 0,
    async permit() {
      await actor.gate('permit');
      refused ||= actor.replaced;
      if (refused) {
        actor.touchesNothing();
        throw new NoPermit('This attempt was replaced. Nothing more was sent.');
      }
      actor.permit();
    },
    remember: (detail) => {
      // Temporal takes no heartbeat of an attempt that was replaced.
      if (!actor.replaced) remember(detail);
    },
  };
};

interface Beginning {
  name: string;
  number: number;
  step: string;
  /** What the attempt before left with its last heartbeat. */
  detail: unknown;
  seen: () => Seen;
  remember: (detail: unknown) => void;
}

/** Begins an attempt of a step: it stands before its first deed. */
export function begin({ name, number, step, detail, seen, remember }: Beginning, work: () => Promise<unknown>): Actor {
  const actor = new Actor(name, number, seen);
  const now = Date.now();
  const info = {
    attempt: number,
    activityId: step,
    activityType: step,
    scheduledTimestampMs: now,
    currentAttemptScheduledTimestampMs: now,
    startToCloseTimeoutMs: 600_000,
    heartbeatDetails: detail,
    workflowExecution: { workflowId: 'target', runId: 'run-1' },
  } as unknown as Info;
  const context = new Context(info, never, new AbortController().signal, () => {}, undefined, quiet, noopMetricMeter, {} as never);
  actAs(actor, () => asyncLocalStorage.run(context, () => runWithFence(fenceOf(actor, remember), work))).then(
    (result) => {
      actor.ended = { kind: 'done', said: '', result };
    },
    (error: unknown) => {
      const kind = error instanceof ApplicationFailure ? (error.type ?? 'unknown') : 'defect';
      actor.ended = { kind, said: error instanceof Error ? error.message : String(error) };
    },
  );
  return actor;
}

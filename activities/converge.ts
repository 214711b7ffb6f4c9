import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { notReady, type Problem, StepFailure, sentence, transient, unsafe } from '../domain/failure.ts';
import { suppressedBy } from '../domain/first-error.ts';
import type { Job } from '../domain/results.ts';
import { currentFence, type Fence, type NoPermit, noPermitIn, runWithFence } from '../systems/fence.ts';
import { type LastingActName, settlingAfterEndMs, settlingMs } from '../systems/lasting-acts.ts';
import { localFault } from '../systems/local-faults.ts';
import type { Settings } from '../systems/settings.ts';
import { tellOutcome } from './outcome.ts';

export type Decision<Result, Change extends string> =
  | { kind: 'done'; result: Result }
  | { kind: 'act'; change: Change }
  | { kind: 'wait'; why: string; retryAfterMs?: number }
  | { kind: 'stop'; problem: Omit<Problem, 'kind'> & { kind: 'Refused' | 'Unsafe' } };

export const done = <Result>(result: Result) => ({ kind: 'done', result }) as const;
export const act = <Change extends string>(change: Change) => ({ kind: 'act', change }) as const;
/** Not there yet: look again later. What is said here is the step's live detail. */
export const wait = (why: string, retryAfterMs?: number) => ({ kind: 'wait', why, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }) as const;
type Told = Omit<Problem, 'kind'>;
/** A person must change something first. */
export const refuse = (told: Told) => ({ kind: 'stop', problem: { ...told, kind: 'Refused' } }) as const;
/** Acting would destroy or lock something, or the state is unknown. */
export const halt = (told: Told) => ({ kind: 'stop', problem: { ...told, kind: 'Unsafe' } }) as const;

export interface Rule<Input, Seen, Result, Change extends string> {
  /** Looks; changes nothing. */
  observe(input: Input, attempt: Attempt): Promise<Seen>;
  /** Pure: a table in a unit test. */
  decide(seen: Seen, input: Input): Decision<Result, Change>;
  /** Makes one change; the next look tells whether it came about. */
  act: Record<Change, (input: Input, seen: Seen, attempt: Attempt) => Promise<void>>;
  /** What is compared to find out whether a change came about; everything that was seen when absent. */
  sight?(seen: Seen): unknown;
  /**
   * What reads of a system may lag behind what it accepted: the pauses between further looks, in milliseconds, before a change counts as one that did not come
   * about. Without them the first look decides.
   */
  lateMs?: readonly number[];
  /** What this step may leave at work on the other side; it gets a permit for no other lasting act. */
  lasting?: Lasting;
  /**
   * Ends what an earlier attempt left at work at the last hop, before a later attempt looks. Gives how long is still to be waited for what it left elsewhere, in
   * milliseconds. Without it the whole of what `lasting` says is waited for.
   */
  endFirst?(input: Input, attempt: Attempt): Promise<number>;
}

export interface Lasting {
  acts: readonly LastingActName[];
  /** How long a later attempt waits for them before it looks, in milliseconds. */
  settleMs: number;
  /** The same where none of its programs runs on the Windows host any more. */
  settleAfterEndMs: number;
}

/** For a rule: the lasting acts of its step, by their names in the one table. */
export const lasting = ({ commandMs }: Pick<Settings, 'commandMs'>, ...acts: LastingActName[]): Lasting => ({
  acts,
  settleMs: settlingMs(acts, commandMs),
  settleAfterEndMs: settlingAfterEndMs(acts, commandMs),
});

/** One attempt of an activity. Its connections end with the signal, so that no old attempt acts beside a new one. */
export interface Attempt {
  signal: AbortSignal;
  number: number;
  /** When the step was first asked for (ms since the epoch): what failed before that is history, what fails after it is this step’s. */
  askedAt: number;
  /** How long after that this attempt was asked for, both by the Temporal server’s clock. */
  waitedMs: number;
  /** The same for all attempts, and another one when a person orders a retry. */
  order: string;
  /** When the attempt before looked last (ms since the epoch, by its worker's clock: for people), where that one ended by itself because it was not time yet. */
  lookedAt?: number;
}

/** How long before the attempt's time is up its connections are cut, in milliseconds. */
const marginMs = 5_000;

function thisAttempt(): Attempt {
  const { info, cancellationSignal } = Context.current();
  const lookedAt = endBefore()?.lookedAt;
  const outOfTime = AbortSignal.timeout(Math.max(1_000, info.startToCloseTimeoutMs - marginMs));
  return {
    signal: AbortSignal.any([cancellationSignal, outOfTime]),
    number: info.attempt,
    askedAt: info.scheduledTimestampMs,
    waitedMs: Math.max(0, info.currentAttemptScheduledTimestampMs - info.scheduledTimestampMs),
    order: info.activityId,
    ...(lookedAt === undefined ? {} : { lookedAt }),
  };
}

/**
 * Heartbeat detail of an attempt that ended by itself because it was not time yet. It proves that nothing of that attempt is still at work on the other side. The
 * next attempt's first heartbeat clears it, and so does every permit: where nothing is known, the other side is given its time.
 */
interface Ended {
  endedByItself: true;
  /** When it looked last, ms since the epoch. */
  lookedAt: number;
  /** Did it, or an attempt before it, change something? */
  changed?: boolean;
}

function endBefore(): Ended | undefined {
  const detail: unknown = Context.current().info.heartbeatDetails;
  return isEnded(detail) ? detail : undefined;
}

const isEnded = (detail: unknown): detail is Ended =>
  typeof detail === 'object' &&
  detail !== null &&
  'endedByItself' in detail &&
  detail.endedByItself === true &&
  'lookedAt' in detail &&
  typeof detail.lookedAt === 'number';

/** Gives what an earlier attempt may have sent, until its permit ended, the time to end, or ends it. */
async function settle<Input extends Pick<Job, 'order'>>(
  { lasting: left, endFirst }: Pick<Rule<Input, never, never, never>, 'lasting' | 'endFirst'>,
  input: Input,
  attempt: Attempt,
): Promise<void> {
  const isFirst = attempt.number === 1 && (input.order ?? 1) === 1;
  if (!left || left.settleMs === 0 || isFirst || endBefore()) return;
  const { signal } = attempt;
  // Until then the one before may still write what it was permitted.
  await sleep(currentFence().graceMs, undefined, { signal });
  await sleep(endFirst ? await endFirst(input, attempt) : left.settleMs, undefined, { signal });
}

/** A lasting act that a rule does not declare is a defect: no later attempt would wait for it. */
const declaredOnly = (fence: Fence, acts: readonly LastingActName[]): Fence => ({
  permit: async (act) => {
    if (act && !acts.includes(act)) throw new Error(`The rule of this step does not declare ${act} among its lasting acts.`);
    await fence.permit(act);
  },
  remember: (detail) => fence.remember(detail),
  graceMs: fence.graceMs,
});

/**
 * Look, decide, make one change, look again, until done. May be run twice, by two processes, after any crash.
 * The same change on the same sight twice means that it does not work: stop and ask, at once or after the looks that the rule allows.
 */
export const converge =
  <Input extends Pick<Job, 'order'>, Seen, Result, Change extends string>(rule: Rule<Input, Seen, Result, Change>) =>
  (input: Input): Promise<Result> =>
    asApplicationFailure(() =>
      runWithFence(declaredOnly(currentFence(), rule.lasting?.acts ?? []), async () => {
        const attempt = thisAttempt();
        await settle<Input>(rule, input, attempt);
        const story: Story = { changed: (input.order ?? 1) > 1 || mayHaveChanged(attempt) };
        try {
          return await untilDone(rule, input, attempt, story);
        } catch (error) {
          if (!story.changed && !story.ended) currentFence().remember({ changed: false });
          throw error;
        }
      }),
    );

/** What the attempts of a step did so far. */
interface Story {
  /** Something was changed, or may have been: an attempt that was lost, or an earlier order, counts as one that acted. */
  changed: boolean;
  ended?: true;
}

/** Did an attempt before this one change something? Not where each of them ended by itself and said so. */
function mayHaveChanged({ number }: Attempt): boolean {
  const detail: unknown = Context.current().info.heartbeatDetails;
  const isUnchanged = typeof detail === 'object' && detail !== null && 'changed' in detail && detail.changed === false;
  return number > 1 && !isUnchanged;
}

async function untilDone<Input, Seen, Result, Change extends string>(
  rule: Rule<Input, Seen, Result, Change>,
  input: Input,
  attempt: Attempt,
  story: Story,
): Promise<Result> {
  for (let last = '', again = 0; ; ) {
    const lookedAt = Date.now();
    const seen = await rule.observe(input, attempt);
    const next = rule.decide(seen, input);
    if (next.kind === 'done') {
      tellOutcome(story.changed ? 'changed' : 'unchanged');
      return next.result;
    }
    if (next.kind === 'wait') {
      story.ended = true;
      currentFence().remember({ endedByItself: true, lookedAt, changed: story.changed } satisfies Ended);
      throw notReady(next.why, next.retryAfterMs);
    }
    if (next.kind === 'stop') throw new StepFailure(next.problem);
    const turn = JSON.stringify([next.change, rule.sight ? rule.sight(seen) : seen]);
    if (turn === last) {
      const pause = rule.lateMs?.[again++];
      if (pause === undefined) throw changedNothing(next.change);
      await sleep(pause, undefined, { signal: attempt.signal });
      continue;
    }
    attempt.signal.throwIfAborted();
    story.changed = true;
    await rule.act[next.change](input, seen, attempt);
    last = turn;
    again = 0;
  }
}

const changedNothing = (change: string) =>
  unsafe({
    tried: change,
    seen: 'success was reported, but nothing changed',
    source: 'this service',
    remedy: 'Look at the system by hand; retry once it does what it says, or abort.',
  });

/** Temporal's form of a failure: its type is the kind, its details hold the problem; a cause or a stack never goes into history. */
async function asApplicationFailure<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { info, cancellationSignal, log } = Context.current();
    if (cancellationSignal.aborted) throw cancellationSignal.reason;
    const { problem } = failureOf(error, info.activityType);
    if (problem.kind !== 'NotReady') log.warn(sentence(problem), { kind: problem.kind, error: describe(error) });
    throw ApplicationFailure.create({
      message: sentence(problem),
      type: problem.kind,
      details: [problem],
      nonRetryable: problem.kind === 'Refused' || problem.kind === 'Unsafe',
      ...(problem.kind === 'NotReady' ? { category: 'BENIGN' as const } : {}),
      ...(problem.retryAfterMs === undefined ? {} : { nextRetryDelay: problem.retryAfterMs }),
    });
  }
}

/** A local fault comes first: a store whose disk is full says that it failed, and why is in its cause. What waits or is tried again anyway stays as it is. */
function failureOf(error: unknown, step: string): StepFailure {
  const refusal = noPermitIn(error);
  if (refusal) return withoutPermit(refusal, step);
  const isStepFailure = error instanceof StepFailure;
  if (isStepFailure && (error.problem.kind === 'NotReady' || error.problem.kind === 'Transient')) return error;
  const fault = localFault(error);
  if (fault) return transient({ ...fault, tried: isStepFailure ? error.problem.tried : step, source: 'the worker', retryAfterMs: localFaultDelayMs }, error);
  if (isStepFailure) return error;
  return cutOff(error) ? outOfTime(step) : unexpected(error, step);
}

/** Somebody must free what the worker lacks: trying more often would fill the log. */
const localFaultDelayMs = 10_000;
const withoutPermit = (refusal: NoPermit, step: string) =>
  transient(
    {
      tried: step,
      seen: refusal.message,
      source: 'this service',
      remedy: 'The step is tried again by itself; if this lasts, check the worker’s connection to Temporal and its clock.',
    },
    refusal,
  );

const cutOff = (error: unknown): boolean => error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');

const outOfTime = (step: string) =>
  transient({
    tried: step,
    seen: 'the attempt’s time was up and its connections were cut',
    source: 'this service',
    remedy: 'It looks again and goes on by itself.',
  });

/** An error that nobody foresaw: the state is unknown, so a person looks. */
const unexpected = (error: unknown, step: string) =>
  unsafe(
    {
      tried: step,
      seen: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      source: 'this service',
      remedy: 'This is a defect: see the worker’s log, then retry or abort.',
    },
    error,
  );

/** How deep a chain of causes is followed: it may be a circle. */
const deepestCause = 10;

/** Name, message, stack, the chain of causes and what came after; never an error's other fields, which may carry headers and bodies. */
function describe(error: unknown, depth = deepestCause): string {
  if (!(error instanceof Error) || depth === 0) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${describe(error.cause, depth - 1)}`;
  const later = suppressedBy(error).map((one) => `\nfollowed by ${describe(one, depth - 1)}`);
  return `${error.stack ?? error.message}${cause}${later.join('')}`;
}

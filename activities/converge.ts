import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { notReady, type Problem, type ProblemOf, StepFailure, unsafe } from '../domain/failure.ts';
import type { StepContext } from '../domain/results.ts';
import { actOf, currentFence, type Fence, runWithFence } from '../systems/fence.ts';
import { type LastingActName, settlingAfterEndMs, settlingMs, type Waiting } from '../systems/lasting-acts.ts';
import { ActsOnRecord } from './acts-on-record.ts';
import { tellOutcome } from './outcome.ts';
import { failureFor } from './step-failure.ts';

type Stop = { kind: 'stop'; problem: Omit<Problem, 'kind'> & { kind: 'Refused' | 'Unsafe' } };

export type Decision<Result, Change extends string, Proof extends string = never> =
  | { kind: 'done'; result: Result }
  | { kind: 'act'; change: Change }
  | { kind: 'prove'; proof: Proof }
  | { kind: 'wait'; why: string; retryAfterMs?: number }
  | Stop;

export const done = <Result>(result: Result) => ({ kind: 'done', result }) as const;
export const act = <Change extends string>(change: Change) => ({ kind: 'act', change }) as const;
/** A look is not enough: only a password can tell, and each wrong one counts. */
export const prove = <Proof extends string>(proof: Proof) => ({ kind: 'prove', proof }) as const;
/** Not there yet: look again later. What is said here is the step's live detail. */
export const wait = (why: string, retryAfterMs?: number) => ({ kind: 'wait', why, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }) as const;
/** A person must change something first. */
export const refuse = (told: ProblemOf<'Refused'>) => ({ kind: 'stop', problem: { ...told, kind: 'Refused' } }) as const;
/** Acting would destroy or lock something, or the state is unknown. */
export const halt = (told: ProblemOf<'Unsafe'>) => ({ kind: 'stop', problem: { ...told, kind: 'Unsafe' } }) as const;

interface Phases<Input, Seen, Result, Change extends string, Proofs extends object> {
  /** Looks: changes nothing, and spends no counted attempt. It gets no permit for a lasting act. Sign-ins with passwords that are known to be good are free. */
  observe(input: Input, attempt: Attempt): Promise<Seen>;
  /** Pure: a table in a unit test. `proofs` holds what has been proved since the last change. */
  decide(seen: Seen, input: Input, proofs: Partial<Proofs>): Decision<Result, Change, keyof Proofs & string>;
  /** Makes one change; the next look tells whether it came about. */
  act: Record<Change, (input: Input, seen: Seen, attempt: Attempt) => Promise<void>>;
  /** What is compared to find out whether a change came about; everything that was seen when absent. */
  fingerprint?(seen: Seen): unknown;
  /**
   * What reads of a system may lag behind what it accepted: the pauses between further looks, in milliseconds, before a change counts as one that did not come
   * about. Without them the first look decides.
   */
  staleReadDelaysMs?: readonly number[];
  /** What this step may leave at work on the other side; it gets a permit for no other lasting act. */
  lasting?: Lasting;
  /**
   * Ends what an earlier attempt left at work at the last hop, before a later attempt looks. Gives how long is still to be waited for what it left elsewhere, in
   * milliseconds. Without it the whole of what `left` says is waited for.
   */
  endFirst?(input: Input, attempt: Attempt, left: Lasting): Promise<number>;
  /** What another run, or this activity before it was reset, began, and whose outcome nobody entered: then its first attempt is a later one, too. */
  leftOpen?(input: Input, attempt: Attempt): Promise<LeftOpen | undefined>;
}

export interface LeftOpen {
  /** What may be at work of it. */
  lasting: Lasting;
  /** Enters that it was given its time: no step after this one waits for it. */
  enterAwaited(): Promise<unknown>;
}

/** Signs in where a wrong password counts, once, entered in the target record before and after. Its result is what the next decision sees. */
type Prove<Input, Seen, Proofs extends object> = { [Proof in keyof Proofs]: (input: Input, seen: Seen, attempt: Attempt) => Promise<Proofs[Proof]> };

// biome-ignore lint/complexity/noBannedTypes: a rule that proves nothing
export type Rule<Input, Seen, Result, Change extends string, Proofs extends object = {}> = Phases<Input, Seen, Result, Change, Proofs> &
  (keyof Proofs extends never ? { prove?: never } : { prove: Prove<Input, Seen, Proofs> });

/** What a step would do now. */
export type Outlook<Result = unknown> = Decision<Result, string, string>;

/** A step: carried out when called. */
export interface Step<Input, Result> {
  (input: Input): Promise<Result>;
  /** One look and what would follow from it, for whoever asks; nothing is changed, and no counted attempt is spent. */
  look(input: Input): Promise<Outlook<Result>>;
}

export interface Lasting {
  acts: readonly LastingActName[];
  /** How long a later attempt waits for them before it looks, in milliseconds. */
  settleMs: number;
  /** The same where none of its programs runs on the Windows host any more. */
  settleAfterEndMs: number;
}

/** For a rule: the lasting acts of its step, by their names in the one table. */
export const lasting = (settings: Waiting, ...acts: LastingActName[]): Lasting => ({
  acts,
  settleMs: settlingMs(acts, settings),
  settleAfterEndMs: settlingAfterEndMs(acts, settings),
});

/** As long as either of two may last. */
const eitherOf = (one: Lasting, other: Lasting): Lasting => ({
  acts: [...new Set([...one.acts, ...other.acts])],
  settleMs: Math.max(one.settleMs, other.settleMs),
  settleAfterEndMs: Math.max(one.settleAfterEndMs, other.settleAfterEndMs),
});

/** One attempt of an activity. Its connections end with the signal, so that no old attempt acts beside a new one. */
export interface Attempt {
  /** Whose attempt it is: the step’s id, by which transcripts and failures name it. */
  step: string;
  signal: AbortSignal;
  number: number;
  /** When the step was first asked for (ms since the epoch): what failed before that is history, what fails after it is this step’s. */
  scheduledAt: number;
  /** How long after that this attempt was asked for, both by the Temporal server’s clock. */
  waitedMs: number;
  /** The same for all attempts, and another one when a person orders a retry. */
  order: string;
  /** When the attempt before looked last (ms since the epoch, by its worker's clock: for people), where that one ended by itself because it was not time yet. */
  lastObservedAt?: number;
}

/** How long before the attempt's time is up its connections are cut, in milliseconds. */
const marginMs = 5_000;

function thisAttempt(): Attempt {
  const { info, cancellationSignal } = Context.current();
  const lastObservedAt = endBefore()?.lastObservedAt;
  const outOfTime = AbortSignal.timeout(Math.max(1_000, info.startToCloseTimeoutMs - marginMs));
  return {
    signal: AbortSignal.any([cancellationSignal, outOfTime]),
    step: info.activityType,
    number: info.attempt,
    scheduledAt: info.scheduledTimestampMs,
    waitedMs: Math.max(0, info.currentAttemptScheduledTimestampMs - info.scheduledTimestampMs),
    order: info.activityId,
    ...(lastObservedAt === undefined ? {} : { lastObservedAt }),
  };
}

/**
 * Heartbeat detail of an attempt that ended by itself because it was not time yet. It proves that nothing of that attempt is still at work on the other side. The
 * next attempt's first heartbeat clears it, and so does every permit: where nothing is known, the other side is given its time.
 */
interface Ended {
  endedByItself: true;
  /** When it looked last, ms since the epoch. */
  lastObservedAt: number;
  /** Did it, or an attempt before it, change something? */
  changed?: boolean;
  /** How many attempts in a row have ended so since something was changed, with this one. */
  waits?: number;
}

/** How long after such an end the next attempt looks, in milliseconds: soon at first, since much is done within seconds, and then with the usual interval. */
export function lookAgainMs(detail: unknown, pollIntervalMs: number): number {
  const waits = isEnded(detail) ? detail.waits : undefined;
  return waits === undefined ? pollIntervalMs : Math.ceil(Math.min(1, 2 ** waits / 16) * pollIntervalMs);
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
  'lastObservedAt' in detail &&
  typeof detail.lastObservedAt === 'number';

/** Gives what an earlier attempt may have sent, until its permit ended, the time to end, or ends it. */
async function settle<Input extends Pick<StepContext, 'order'>>(
  { lasting: own, endFirst, leftOpen }: Pick<Rule<Input, never, never, never>, 'lasting' | 'endFirst' | 'leftOpen'>,
  input: Input,
  attempt: Attempt,
): Promise<void> {
  if (!own || own.settleMs === 0 || endBefore()) return;
  // Not of the first attempt alone: one that was lost while it waited has not waited to the end, and this may last longer than what this step leaves.
  const open = await leftOpen?.(input, attempt);
  const isFirst = attempt.number === 1 && (input.order ?? 1) === 1;
  if (isFirst && !open) return;
  const left = open ? eitherOf(own, open.lasting) : own;
  const { signal } = attempt;
  // Until then the one before may still write what it was permitted.
  await sleep(currentFence().graceMs, undefined, { signal });
  await sleep(endFirst ? await endFirst(input, attempt, left) : left.settleMs, undefined, { signal });
  await open?.enterAwaited();
}

/**
 * The fence of one phase. A look gets no permit for a lasting act. A lasting act that a rule does not declare is a defect: no later attempt would wait for it.
 * One that must be on record gets its permit only after this phase has made an entry for it, or read that it is there.
 */
function fenceOf(phase: 'observe' | 'prove' | 'act', { lasting: left }: { lasting?: Lasting }): Fence {
  const fence = currentFence();
  const onRecord = new ActsOnRecord();
  return {
    permit: async (sending) => {
      const name = actOf(sending);
      if (name !== undefined) {
        checkPermitted(name, phase, left?.acts ?? []);
        if (sending === name) onRecord.begin(name);
        else onRecord.goOn(name);
      }
      await fence.permit(sending);
    },
    remember: (detail) => fence.remember(detail),
    entered: (entry) => onRecord.enter(entry),
    graceMs: fence.graceMs,
  };
}

function checkPermitted(name: LastingActName, phase: string, declared: readonly LastingActName[]): void {
  if (phase === 'observe') throw new Error(`Observing must not change anything or try a password, but ${name} was about to be sent.`);
  if (!declared.includes(name)) throw new Error(`The rule of this step does not declare ${name} among its lasting acts.`);
}

/**
 * Look, decide, prove or make one change, look again, until done. May be run twice, by two processes, after any crash.
 * The same change on the same fingerprint twice means that it does not work: stop and ask, at once or after the looks that the rule allows.
 */
// biome-ignore lint/complexity/noBannedTypes: a rule that proves nothing
export function converge<Input extends Pick<StepContext, 'order'>, Seen, Result, Change extends string, Proofs extends object = {}>(
  rule: Rule<Input, Seen, Result, Change, Proofs>,
): Step<Input, Result> {
  const step = (input: Input): Promise<Result> =>
    asApplicationFailure(async () => {
      const attempt = thisAttempt();
      await settle<Input>(rule, input, attempt);
      const story: Story = { changed: (input.order ?? 1) > 1 || mayHaveChanged(attempt) };
      try {
        return await untilDone(rule, input, attempt, story);
      } catch (error) {
        if (!story.changed && !story.ended) currentFence().remember({ changed: false });
        throw error;
      }
    });
  const look = (input: Input): Promise<Outlook<Result>> =>
    asApplicationFailure(async () => rule.decide(await runWithFence(fenceOf('observe', rule), () => rule.observe(input, thisAttempt())), input, {}));
  return Object.assign(step, { look });
}

/** What the attempts of a step did so far. */
interface Story {
  /** Something was changed, or may have been: an attempt that was lost, or an earlier order, counts as one that acted. */
  changed: boolean;
  /** This attempt changed something. */
  acted?: true;
  ended?: true;
}

/** Did an attempt before this one change something? Not where each of them ended by itself and said so. */
function mayHaveChanged({ number }: Attempt): boolean {
  const detail: unknown = Context.current().info.heartbeatDetails;
  const isUnchanged = typeof detail === 'object' && detail !== null && 'changed' in detail && detail.changed === false;
  return number > 1 && !isUnchanged;
}

async function untilDone<Input, Seen, Result, Change extends string, Proofs extends object>(
  rule: Rule<Input, Seen, Result, Change, Proofs>,
  input: Input,
  attempt: Attempt,
  story: Story,
): Promise<Result> {
  let proofs: Partial<Proofs> = {};
  let last: Turn | undefined;
  for (;;) {
    const lastObservedAt = Date.now();
    const seen = await runWithFence(fenceOf('observe', rule), () => rule.observe(input, attempt));
    const next = rule.decide(seen, input, proofs);
    if (next.kind !== 'act' && next.kind !== 'prove') return conclude(next, story, lastObservedAt);
    attempt.signal.throwIfAborted();
    if (next.kind === 'prove') {
      await proveOnce(rule, proofs, next.proof, (work) => work(input, seen, attempt));
      continue;
    }
    const turn = JSON.stringify([next.change, rule.fingerprint ? rule.fingerprint(seen) : seen]);
    if (turn === last?.turn) {
      await beforeLookingAgain(last, rule.staleReadDelaysMs, attempt.signal);
      continue;
    }
    story.changed = true;
    story.acted = true;
    await runWithFence(fenceOf('act', rule), () => rule.act[next.change](input, seen, attempt));
    // What was proved holds for what was there before.
    proofs = {};
    last = { change: next.change, turn, looksSince: 0 };
  }
}

/** Ends the attempt: with the step's result, until later, or for a person. */
function conclude<Result>(next: Exclude<Outlook<Result>, { kind: 'act' | 'prove' }>, story: Story, lastObservedAt: number): Result {
  switch (next.kind) {
    case 'done':
      tellOutcome(story.changed ? 'changed' : 'unchanged');
      return next.result;
    case 'wait':
      story.ended = true;
      currentFence().remember({
        endedByItself: true,
        lastObservedAt,
        changed: story.changed,
        waits: story.acted ? 1 : (endBefore()?.waits ?? 0) + 1,
      } satisfies Ended);
      throw notReady(next.why, next.retryAfterMs);
    case 'stop':
      throw new StepFailure(next.problem);
  }
}

/** A change that was made. */
interface Turn {
  change: string;
  /** The change and what it was made on, as text. */
  turn: string;
  /** How many looks since then saw no difference. */
  looksSince: number;
}

/** Where reads may be late a change that is not seen yet is given time; else it did not come about. */
async function beforeLookingAgain(last: Turn, staleReadDelaysMs: readonly number[] | undefined, signal: AbortSignal): Promise<void> {
  const pause = staleReadDelaysMs?.[last.looksSince++];
  if (pause === undefined) throw changedNothing(last.change);
  await sleep(pause, undefined, { signal });
}

/** The same proof twice, with no change in between, could go on until a role is locked out. */
async function proveOnce<Input, Seen, Result, Change extends string, Proofs extends object, Proof extends keyof Proofs>(
  rule: Rule<Input, Seen, Result, Change, Proofs>,
  proofs: Partial<Proofs>,
  proof: Proof,
  run: (work: Prove<Input, Seen, Proofs>[Proof]) => Promise<Proofs[Proof]>,
): Promise<void> {
  if (Object.hasOwn(proofs, proof)) throw new Error(`The proof ${String(proof)} was asked for again although nothing was changed since.`);
  const all = rule.prove as Prove<Input, Seen, Proofs>;
  proofs[proof] = await runWithFence(fenceOf('prove', rule), () => run(all[proof]));
}

const changedNothing = (change: string) =>
  unsafe({
    code: 'STEP_NO_EFFECT',
    tried: change,
    summary: 'success was reported, but nothing changed',
    remedy: 'Check the system and fix why the change has no effect, then retry; or abort.',
  });

/** Temporal's form of a failure: its type is the kind, its details hold the problem; a cause or a stack never goes into history. */
async function asApplicationFailure<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { cancellationSignal } = Context.current();
    if (cancellationSignal.aborted) throw cancellationSignal.reason;
    throw failureFor(error, Context.current());
  }
}

import { condition, defineSignal, patched, setHandler, workflowInfo } from '@temporalio/workflow';
import { type AmendedField, touches } from '../../domain/amendments.ts';
import { type Judgement, judgeApproval, judgeResolution } from '../../domain/approval-rules.ts';
import { type ArrivedDecision, type Decision, decisionOf, type SignalName } from '../../domain/decisions.ts';
import type { Problem } from '../../domain/failure.ts';
import type { ApprovalView, DecisionView, IncidentAction } from '../../domain/progress.ts';
import { signalNames } from '../../temporal/contract.ts';
import type { AmendedInput, ApprovalTerms, Ask } from './procedure.ts';
import type { ProgressPublisher } from './publisher.ts';

const signals = {
  approve: defineSignal<[unknown]>(signalNames.approve),
  reject: defineSignal<[unknown]>(signalNames.reject),
  resolve: defineSignal<[unknown]>(signalNames.resolve),
};

const hours = 3_600_000;
const now = () => new Date().toISOString();

/**
 * What an id says besides its number: the end of the run’s id, so that what was typed for an earlier job fits nothing here. Its end, since it may begin with
 * the time; and of the first run’s, which a reset keeps.
 */
const pieceOfRun = (): string => workflowInfo().firstExecutionRunId.slice(-6);

/** A person who mends what they typed, or decides about the next question, seldom thinks of a new `decisionId`: that is another decision all the same. */
const isSame = (view: DecisionView) => (other: DecisionView) =>
  (['decisionId', 'kind', 'about', 'actor'] as const).every((field) => view[field] === other[field]);

const isRefusedAgain = (now: DecisionView) => (before: DecisionView) =>
  now.verdict === 'refused' && before.verdict === 'refused' && now.reason === before.reason;

/** The newest ones may stand before older ones, whose places they took. */
const newest = (views: DecisionView[]) => views.reduce((last, view) => (view.at >= last.at ? view : last));

/** Jobs that began before this was so go on as they did: their histories must replay. Asked only where it makes a difference. */
const judgesAgain = () => patched('judge-refused-decisions-again');
const comparesWithTheNewest = () => patched('compare-with-the-newest-refusal');

/**
 * What became of a decision stands: it was accepted, or it is refused for the reason of the last time. A corrected one, one whose time has come, and one that is
 * refused for another reason than the last time, are news.
 */
function stands(view: DecisionView, earlier: DecisionView[]): boolean {
  if (earlier.length === 0) return false;
  if (earlier.some(({ verdict }) => verdict === 'accepted') || isRefusedAgain(view)(newest(earlier))) return true;
  return earlier.some(isRefusedAgain(view)) ? !comparesWithTheNewest() : !judgesAgain();
}

/** Someone who waits for a decision, which the main loop hands over. A flag, since what `condition` asks must never throw. */
interface Waiting<Answer> {
  id: string;
  answer?: Answer;
}

/** What an approval is about, beside what is published of it. */
type Asked<Id extends string> = Pick<Ask<Id>, 'shows' | 'allows'> & { id: string };

/** The job’s input, as an amendment may change it. */
export interface Amendable {
  /** What would become of it. */
  judge(amendment: unknown): AmendedInput<unknown>;
  /** Changes it. */
  apply(amendment: unknown): void;
}

/** Where people decide: opens incidents and approvals, and judges what they send. The signal handlers only enqueue. */
export class DecisionInbox<Id extends string> {
  readonly #publisher: ProgressPublisher<Id>;
  readonly #amendable: Amendable;
  readonly #asked: Asked<Id>[] = [];
  readonly #queue: { signal: SignalName; payload: unknown }[] = [];
  readonly #incidents: Waiting<IncidentAction>[] = [];
  readonly #approvals: Waiting<ApprovalView>[] = [];

  constructor(publisher: ProgressPublisher<Id>, amendable: Amendable) {
    this.#publisher = publisher;
    this.#amendable = amendable;
    for (const signal of Object.values(signalNames)) setHandler(signals[signal], (payload) => void this.#queue.push({ signal, payload }));
  }

  get hasMail(): boolean {
    return this.#queue.length > 0;
  }

  /**
   * Judges every decision that has arrived, in order. Whatever is refused changes nothing, but is kept with the reason, and may count when it is sent again. One
   * that was accepted counts once.
   */
  judge(): void {
    for (let arrived = this.#queue.shift(); arrived; arrived = this.#queue.shift()) {
      const { shown, decision } = decisionOf(arrived.signal, arrived.payload);
      const judgement = decision ? this.#judgementOf(decision) : malformed;
      const view: DecisionView = { ...shown, at: now(), ...judgement };
      const earlier = this.#publisher.progress.decisions.filter(isSame(view));
      if (stands(view, earlier)) continue;
      this.#publisher.decision(view);
      if (decision && judgement.verdict === 'accepted') this.#carryOut(decision, judgement.changes);
    }
  }

  /** Opens an incident and waits for the person’s decision. */
  async incident(step: Id, problem: Problem, actions: IncidentAction[]): Promise<IncidentAction> {
    const id = `incident-${this.#publisher.progress.incidents.length + 1}-${pieceOfRun()}`;
    const waiting: Waiting<IncidentAction> = { id };
    this.#incidents.push(waiting);
    this.#publisher.incident({ id, step, problem, actions, openedAt: now() });
    await condition(() => waiting.answer !== undefined);
    // Only an answer ends the waiting.
    return waiting.answer ?? 'abort';
  }

  /** Asks for an approval and waits for the answer, or for the deadline. */
  async approval({ kind, shows, allows, ...subject }: Ask<Id>, requestedBy: string, { deadlineHours, secondPerson }: ApprovalTerms): Promise<ApprovalView> {
    const prefix = `approve-${kind}-`;
    const number = this.#publisher.progress.approvals.filter((approval) => approval.id.startsWith(prefix)).length + 1;
    const askedAt = Date.now();
    const half = (deadlineHours * hours) / 2;
    const asked: ApprovalView = {
      id: `${prefix}${number}-${pieceOfRun()}`,
      ...subject,
      requestedBy,
      secondPerson,
      askedAt: new Date(askedAt).toISOString(),
      deadline: new Date(askedAt + 2 * half).toISOString(),
    };
    const waiting: Waiting<ApprovalView> = { id: asked.id };
    this.#approvals.push(waiting);
    this.#asked.push({ id: asked.id, shows, allows });
    this.#publisher.approval(asked);
    const isDecided = () => waiting.answer !== undefined;
    if (!(await condition(isDecided, half))) {
      const reminded = { ...asked, remindedAt: now() };
      this.#publisher.approval(reminded);
      if (!(await condition(isDecided, half))) {
        waiting.answer = { ...reminded, closedAt: now(), outcome: 'expired' };
        this.#publisher.approval(waiting.answer);
      }
    }
    return waiting.answer ?? asked;
  }

  /** What was approved is not what is there any more: the approval counts for nothing. */
  stale(approval: ApprovalView): void {
    this.#publisher.approval({ ...approval, outcome: 'stale' });
  }

  isStale({ id }: ApprovalView): boolean {
    return this.#publisher.progress.approvals.find((approval) => approval.id === id)?.outcome === 'stale';
  }

  /** Judges what has arrived; then nothing is asked any more: the job is over. */
  close(): void {
    this.judge();
    const { incidents, approvals } = this.#publisher.progress;
    for (const incident of incidents) if (!incident.closedAt) this.#publisher.incident({ ...incident, closedAt: now() });
    for (const approval of approvals) if (!approval.closedAt) this.#publisher.approval({ ...approval, closedAt: now() });
  }

  #judgementOf(decision: ArrivedDecision): Judged {
    const { progress } = this.#publisher;
    if (decision.kind !== 'resolve') return judgeApproval(progress, decision, now());
    const judgement = judgeResolution(progress, decision);
    if (judgement.verdict === 'refused' || decision.amendment === undefined) return judgement;
    const amended = this.#amendable.judge(decision.amendment);
    return amended.ok ? { ...judgement, changes: amended.changes } : { verdict: 'refused', reason: amended.reason.slice(0, longestReason) };
  }

  #carryOut(decision: ArrivedDecision, changes: AmendedField[] = []): void {
    if (decision.kind === 'resolve') {
      if (changes.length > 0) this.#amendable.apply(decision.amendment);
      this.#void(changes);
      this.#resolve(decision, changes);
    } else this.#decide(decision);
  }

  /** Whoever answered, or is about to, was shown what is no longer so. An answer that is being used, or was, stays what it is. */
  #void(changes: AmendedField[]): void {
    const { approvals, steps } = this.#publisher.progress;
    for (const { id, shows, allows } of this.#asked) {
      const approval = approvals.find((view) => view.id === id);
      const isUsed = ['running', 'done'].includes(steps[allows].state);
      const counts = approval && (approval.closedAt === undefined || (approval.outcome === 'approved' && !isUsed));
      if (!counts || !touches(changes, shows)) continue;
      const stale: ApprovalView = { ...approval, closedAt: approval.closedAt ?? now(), outcome: 'stale' };
      this.#publisher.approval(stale);
      for (const waiting of this.#approvals) if (waiting.id === id) waiting.answer ??= stale;
    }
  }

  #resolve({ incidentId, action, ...by }: Decision<'resolve'>, changes: AmendedField[]): void {
    const incident = this.#publisher.progress.incidents.find(({ id }) => id === incidentId);
    if (!incident) return;
    const amended = changes.length > 0 ? { amended: changes.map(({ path }) => path) } : {};
    this.#publisher.incident({ ...incident, closedAt: now(), decision: { ...personOf(by), action, ...amended } });
    for (const waiting of this.#incidents) if (waiting.id === incidentId) waiting.answer = action;
  }

  #decide({ kind, approvalId, ...by }: Decision<'approve' | 'reject'>): void {
    const approval = this.#publisher.progress.approvals.find(({ id }) => id === approvalId);
    if (!approval) return;
    const decided: ApprovalView = { ...approval, closedAt: now(), outcome: kind === 'approve' ? 'approved' : 'rejected', decision: personOf(by) };
    this.#publisher.approval(decided);
    for (const waiting of this.#approvals) if (waiting.id === approvalId) waiting.answer = decided;
  }
}

type Judged = Judgement & { changes?: AmendedField[] };

/** It is kept. */
const longestReason = 1_000;

const malformed: Judged = { verdict: 'refused', reason: 'The signal’s payload is not what it must be: see the job’s details for what to send.' };

const personOf = ({ actor, comment }: { actor: string; comment?: string }) => ({ actor, ...(comment ? { comment } : {}) });

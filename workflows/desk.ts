import { condition, defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import { type Judgement, judgeApproval, judgeResolution } from '../domain/approval-rules.ts';
import type { ApprovalSignal, ResolveSignal } from '../domain/decisions.ts';
import type { Problem } from '../domain/failure.ts';
import type { ApprovalView, DecisionView, IncidentView } from '../domain/progress.ts';
import type { HsmSeen, ManagerHolds } from '../domain/results.ts';
import { catalogue, type StepId, step as stepOf } from '../domain/steps.ts';
import { signalNames } from '../temporal/contract.ts';
import type { Board } from './board.ts';

export const approve = defineSignal<[ApprovalSignal]>(signalNames.approve);
export const reject = defineSignal<[ApprovalSignal]>(signalNames.reject);
export const resolve = defineSignal<[ResolveSignal]>(signalNames.resolve);

type Arrived = { kind: 'approve' | 'reject'; signal: ApprovalSignal } | { kind: 'resolve'; signal: ResolveSignal };

export interface ApprovalTerms {
  requestedBy: string;
  secondPerson: boolean;
  deadlineMs: number;
}

/** What a person is asked to agree to. */
export type Ask = Pick<ApprovalView, 'question' | 'loses' | 'hsm' | 'manager'> & { kind: 'zeroize' | 'wipe' };

/** Turning FIPS mode on erases exactly this HSM. */
export const askToZeroize = (hsm: HsmSeen): Ask => ({
  kind: 'zeroize',
  hsm,
  question: `Turn on FIPS 140-2 approved operation of the HSM “${hsm.label}” (serial ${hsm.serial})?`,
  loses: `${catalogue['fips-mode'].destroys} Now: ${hsm.partitions.length} partition(s), ${hsm.partitions.reduce((sum, { objects }) => sum + objects, 0)} object(s), ${hsm.bytesInUse} byte(s) in use.`,
});

/** Setting the root of trust wipes exactly what this CipherTrust Manager holds. */
export const askToWipe = (manager: ManagerHolds): Ask => ({
  kind: 'wipe',
  manager,
  question: `Wipe the CipherTrust Manager “${manager.name}” at ${manager.address} to set its root of trust, although it is in use?`,
  loses: `Erases all its data. Now: ${[
    `users besides admin: ${manager.users.join(', ') || 'none'}`,
    `keys: ${manager.keys ?? 'not told'}${manager.keysRead === undefined ? '' : ` (only ${manager.keysRead} of them were read one by one: of the others a change of their number is noticed, and no other)`}`,
    `domains: ${manager.domains.join(', ') || 'none'}`,
    `HSMs: ${manager.hsms.join(', ') || 'none'}`,
    ...(manager.clustered ? ['it is a node of a cluster'] : []),
  ].join('; ')}.${manager.untold.length > 0 ? ` It does not tell of its ${manager.untold.join(' and ')}.` : ''}`,
});

const now = () => new Date().toISOString();
const text = (value: unknown, usual: string): string => (typeof value === 'string' && value !== '' ? value : usual);

/**
 * What an id says besides its number: the end of the run’s id, so that what was typed for an earlier job fits nothing here. Its end, since it may begin with
 * the time; and of the first run’s, which a reset keeps.
 */
const pieceOfRun = (): string => workflowInfo().firstExecutionRunId.slice(-6);

const possible: readonly unknown[] = ['retry', 'skip', 'abort'] satisfies ResolveSignal['action'][];

const makesNoSense: Judgement = { verdict: 'refused', reason: 'The signal’s payload is not what it must be: see the job’s details for what to send.' };

/** Anybody may send texts of any length, and they are kept. */
const cut = <Signal>(signal: Signal): Signal =>
  typeof signal === 'object' && signal !== null
    ? (Object.fromEntries(Object.entries(signal).map(([field, value]) => [field, typeof value === 'string' ? value.slice(0, 300) : value])) as Signal)
    : signal;

/** Anybody may send anything: what lacks one of the texts it must have is refused before any rule looks at it. */
const wellFormed = ({ kind, signal }: Arrived): boolean =>
  (kind === 'resolve' ? ['incidentId', 'decisionId', 'action', 'actor'] : ['approvalId', 'decisionId', 'actor']).every(
    (field) => typeof (signal as unknown as Record<string, unknown> | undefined)?.[field] === 'string',
  );

const viewOf = ({ kind, signal }: Arrived, judgement: Judgement): DecisionView => ({
  decisionId: text(signal?.decisionId, 'none'),
  kind: kind !== 'resolve' ? kind : possible.includes(signal?.action) ? signal.action : 'invalid',
  about: text(kind === 'resolve' ? signal?.incidentId : signal?.approvalId, 'nothing'),
  actor: text(signal?.actor, 'unknown'),
  ...(signal?.comment ? { comment: text(signal.comment, '') } : {}),
  at: now(),
  ...judgement,
});

/** A person who mends what they typed, or decides about the next question, seldom thinks of a new `decisionId`: that is another decision all the same. */
const isSame = (view: DecisionView) => (other: DecisionView) =>
  (['decisionId', 'kind', 'about', 'actor'] as const).every((field) => view[field] === other[field]);

/** Where people decide: opens incidents and approvals, and judges what they send. The signal handlers only enqueue. */
export class Desk {
  readonly #board: Board;
  readonly #queue: Arrived[] = [];

  constructor(board: Board) {
    this.#board = board;
    setHandler(approve, (signal) => void this.#queue.push({ kind: 'approve', signal: cut(signal) }));
    setHandler(reject, (signal) => void this.#queue.push({ kind: 'reject', signal: cut(signal) }));
    setHandler(resolve, (signal) => void this.#queue.push({ kind: 'resolve', signal: cut(signal) }));
  }

  get hasMail(): boolean {
    return this.#queue.length > 0;
  }

  /** Judges every decision that has arrived, in order. Whatever is refused changes nothing, but is kept with the reason. One that is sent again counts once. */
  judge(): void {
    for (let arrived = this.#queue.shift(); arrived; arrived = this.#queue.shift()) {
      const judgement = wellFormed(arrived) ? this.#judgementOf(arrived) : makesNoSense;
      const view = viewOf(arrived, judgement);
      if (this.#board.progress.decisions.some(isSame(view))) continue;
      this.#board.decision(view);
      if (judgement.verdict === 'accepted') this.#carryOut(arrived);
    }
  }

  /** Opens an incident and waits for the person’s decision. */
  async incident(step: StepId, problem: Problem): Promise<'retry' | 'skip' | 'abort'> {
    const id = `incident-${this.#board.progress.incidents.length + 1}-${pieceOfRun()}`;
    const actions: IncidentView['actions'] = stepOf(step).skippable ? ['retry', 'skip', 'abort'] : ['retry', 'abort'];
    this.#board.incident({ id, step, problem, actions, openedAt: now() });
    const find = () => this.#board.progress.incidents.find((incident) => incident.id === id)!;
    await condition(() => find().closedAt !== undefined);
    return find().decision!.action as 'retry' | 'skip' | 'abort';
  }

  /** Asks for an approval and waits for the answer, or for the deadline. */
  async approval({ kind, ...asked }: Ask, terms: ApprovalTerms): Promise<ApprovalView> {
    const prefix = `approve-${kind}-`;
    const number = this.#board.progress.approvals.filter((approval) => approval.id.startsWith(prefix)).length + 1;
    const id = `${prefix}${number}-${pieceOfRun()}`;
    const askedAt = Date.now();
    this.#board.approval({
      id,
      ...asked,
      requestedBy: terms.requestedBy,
      secondPerson: terms.secondPerson,
      askedAt: new Date(askedAt).toISOString(),
      deadline: new Date(askedAt + terms.deadlineMs).toISOString(),
    });
    const find = () => this.#board.progress.approvals.find((approval) => approval.id === id)!;
    const decided = () => find().closedAt !== undefined;
    if (await condition(decided, terms.deadlineMs / 2)) return find();
    this.#board.approval({ ...find(), remindedAt: now() });
    if (await condition(decided, terms.deadlineMs / 2)) return find();
    this.#board.approval({ ...find(), closedAt: now(), outcome: 'expired' });
    return find();
  }

  /** What was approved is not what is there any more: the approval counts for nothing. */
  stale(approval: ApprovalView): void {
    this.#board.approval({ ...approval, outcome: 'stale' });
  }

  /** Nothing is asked any more: the job is over. */
  close(): void {
    for (const incident of this.#board.progress.incidents) if (!incident.closedAt) this.#board.incident({ ...incident, closedAt: now() });
    for (const approval of this.#board.progress.approvals) if (!approval.closedAt) this.#board.approval({ ...approval, closedAt: now() });
  }

  #judgementOf({ kind, signal }: Arrived): Judgement {
    return kind === 'resolve' ? judgeResolution(this.#board.progress, signal) : judgeApproval(this.#board.progress, signal, now());
  }

  #carryOut({ kind, signal }: Arrived): void {
    const decision = { actor: signal.actor, ...(signal.comment ? { comment: text(signal.comment, '') } : {}) };
    const { incidents, approvals } = this.#board.progress;
    if (kind === 'resolve') {
      const incident = incidents.find(({ id }) => id === signal.incidentId)!;
      this.#board.incident({ ...incident, closedAt: now(), decision: { ...decision, action: signal.action } });
    } else {
      const approval = approvals.find(({ id }) => id === signal.approvalId)!;
      this.#board.approval({ ...approval, closedAt: now(), outcome: kind === 'approve' ? 'approved' : 'rejected', decision });
    }
  }
}

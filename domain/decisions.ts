import type { Static } from 'typebox';
import type { DecisionView, IncidentAction } from './progress.ts';
import type * as schemas from './schemas/decisions.ts';

/** The signals, exactly as a person may send them from the API, the CLI or the Temporal UI. */
export type ApprovalSignal = Static<typeof schemas.approvalSignal>;
export type ResolveSignal = Static<typeof schemas.resolveSignal>;
/** What a client of the API sends in their place. */
export type ApprovalDecision = Static<typeof schemas.approvalDecision>;
export type IncidentDecision = Static<typeof schemas.incidentDecision>;

export type SignalName = ApprovalDecision['decision'] | 'resolve';
export type SignalOf<Name extends SignalName> = Name extends 'resolve' ? ResolveSignal : ApprovalSignal;

/** A decision that has the shape it must have. */
export type Decision<Name extends SignalName> = Name extends SignalName ? SignalOf<Name> & { kind: Name } : never;
export type ArrivedDecision = Decision<SignalName>;

/** What is kept of a decision whatever its shape, and the decision itself where it has the right one. */
export interface Arrival {
  shown: Pick<DecisionView, 'decisionId' | 'kind' | 'about' | 'actor' | 'comment'>;
  decision?: ArrivedDecision;
}

/** Texts are kept, and anybody may send any: longer ones are cut. */
const longestText = 300;

const actions: readonly IncidentAction[] = ['retry', 'skip', 'abort'];

type Field = keyof ApprovalSignal | keyof ResolveSignal;

/** A field of a payload. Anybody may send anything. */
const fieldOf = (payload: unknown, field: Field): unknown =>
  typeof payload === 'object' && payload !== null ? Object.entries(payload).find(([name]) => name === field)?.[1] : undefined;

function textOf(payload: unknown, field: Field): string | undefined {
  const value = fieldOf(payload, field);
  return typeof value === 'string' ? value.slice(0, longestText) : undefined;
}

/**
 * Reads a signal, wherever one enters: the workflow’s handler, and the API as it reads a history. What lacks one of the texts it must have is no decision,
 * whatever else it says. Never throws. Written out, since workflow code has no schema library; a test holds it against the schemas.
 */
export function decisionOf(signal: SignalName, payload: unknown): Arrival {
  const [decisionId, actor, comment] = [textOf(payload, 'decisionId'), textOf(payload, 'actor'), textOf(payload, 'comment')];
  const about = textOf(payload, signal === 'resolve' ? 'incidentId' : 'approvalId');
  const action = actions.find((known) => known === textOf(payload, 'action'));
  const shown: Arrival['shown'] = {
    decisionId: decisionId || 'none',
    kind: signal === 'resolve' ? (action ?? 'invalid') : signal,
    about: about || 'nothing',
    actor: actor || 'unknown',
    ...(comment ? { comment } : {}),
  };
  if (decisionId === undefined || actor === undefined || about === undefined) return { shown };
  const common = { decisionId, actor, ...(comment ? { comment } : {}) };
  if (signal !== 'resolve') return { shown, decision: { kind: signal, approvalId: about, ...common } };
  const amendment = fieldOf(payload, 'amendment') ?? undefined;
  return action ? { shown, decision: { kind: signal, incidentId: about, action, ...common, ...(amendment === undefined ? {} : { amendment }) } } : { shown };
}

import type { ApprovalSignal, ResolveSignal } from '../../domain/decisions.ts';
import type { DecisionView, IncidentAction } from '../../domain/progress.ts';
import type { signalNames } from '../../temporal/contract.ts';

export type SignalName = keyof typeof signalNames;

/** A decision that has the shape it must have. */
export type Decision<Kind extends SignalName> = Kind extends 'resolve' ? ResolveSignal & { kind: 'resolve' } : ApprovalSignal & { kind: Kind };
export type ArrivedDecision = Decision<'approve'> | Decision<'reject'> | Decision<'resolve'>;

/** What is kept of a decision whatever its shape, and the decision itself where it has the right one. */
export interface Arrival {
  shown: Pick<DecisionView, 'decisionId' | 'kind' | 'about' | 'actor' | 'comment'>;
  decision?: ArrivedDecision;
}

/** Texts are kept, and anybody may send any: longer ones are cut. */
const longestText = 300;

const actions: readonly IncidentAction[] = ['retry', 'skip', 'abort'];

/** The texts among a payload’s fields. Anybody may send anything. */
function textsOf(payload: unknown): Map<string, string> {
  const fields = typeof payload === 'object' && payload !== null ? Object.entries(payload) : [];
  return new Map(fields.flatMap(([field, value]) => (typeof value === 'string' ? [[field, value.slice(0, longestText)] as const] : [])));
}

const amendmentOf = (payload: unknown): unknown =>
  typeof payload === 'object' && payload !== null && 'amendment' in payload ? (payload.amendment ?? undefined) : undefined;

/** Reads a signal. What lacks one of the texts it must have is no decision, whatever else it says. Never throws. */
export function decisionOf(signal: SignalName, payload: unknown): Arrival {
  const texts = textsOf(payload);
  const [decisionId, actor, about] = [texts.get('decisionId'), texts.get('actor'), texts.get(signal === 'resolve' ? 'incidentId' : 'approvalId')];
  const comment = texts.get('comment');
  const action = actions.find((known) => known === texts.get('action'));
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
  const amendment = amendmentOf(payload);
  return action ? { shown, decision: { kind: signal, incidentId: about, action, ...common, ...(amendment === undefined ? {} : { amendment }) } } : { shown };
}

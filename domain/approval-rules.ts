import type { ApprovalSignal, ResolveSignal } from './decisions.ts';
import type { Progress } from './progress.ts';

export type Judgement = { verdict: 'accepted' } | { verdict: 'refused'; reason: string };

const accepted: Judgement = { verdict: 'accepted' };
const refused = (reason: string): Judgement => ({ verdict: 'refused', reason });

/** Names are typed by hand: letters' case and spaces around them make no second person. */
const samePerson = (one: string, other: string): boolean => one.trim().toLowerCase() === other.trim().toLowerCase();

/** Judges an approve or reject: only what is open, before its deadline, by a person who may. `now` is ISO 8601. */
export function judgeApproval({ approvals }: Pick<Progress, 'approvals'>, { approvalId, actor }: ApprovalSignal, now: string): Judgement {
  const approval = approvals.find(({ id }) => id === approvalId);
  if (!approval) {
    const open = approvals.find(({ closedAt }) => closedAt === undefined);
    return refused(
      open ? `There is no approval ${approvalId}; ${open.id} is the open one.` : `No approval ${approvalId} is asked for: nothing waits for a decision now.`,
    );
  }
  if (approval.outcome === 'expired' || (!approval.closedAt && now > approval.deadline))
    return refused(`The deadline of ${approvalId} was ${approval.deadline}.`);
  if (approval.outcome === 'stale') return refused(`${approvalId} counts for nothing any more: what it is about changed after it was asked.`);
  if (approval.closedAt)
    return refused(
      `${approvalId} was already ${approval.outcome ?? 'closed'}${approval.decision ? ` by ${approval.decision.actor}` : ''} at ${approval.closedAt}.`,
    );
  if (approval.secondPerson && samePerson(actor, approval.requestedBy)) return refused(`${actor} asked for this job: another person must decide.`);
  return accepted;
}

/** Judges a decision about an incident: only an open one, and only what the step allows. */
export function judgeResolution<Id extends string>(
  { incidents }: Pick<Progress<Id>, 'incidents'>,
  { incidentId, action, amendment }: ResolveSignal,
): Judgement {
  const incident = incidents.find(({ id }) => id === incidentId);
  if (!incident) {
    const open = incidents.filter(({ closedAt }) => closedAt === undefined).map(({ id }) => id);
    return refused(`There is no incident ${incidentId}${open.length > 0 ? `; ${open.join(' and ')} ${open.length > 1 ? 'are' : 'is'} open` : ''}.`);
  }
  if (incident.closedAt)
    return refused(
      `${incidentId} was already closed at ${incident.closedAt}${incident.decision ? ` by ${incident.decision.actor} (${incident.decision.action})` : ''}.`,
    );
  if (!incident.actions.includes(action)) return refused(`${action} is not possible for ${incident.step}: ${incident.actions.join(' or ')}.`);
  if (amendment !== undefined && action !== 'retry') return refused(`An amendment is allowed only with retry; ${action} does not change the request.`);
  return accepted;
}

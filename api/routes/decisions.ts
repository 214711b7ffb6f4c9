import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Static } from 'typebox';
import type { ApprovalDecision, ApprovalSignal, IncidentDecision, ResolveSignal } from '../../domain/decisions.ts';
import type { DecisionView } from '../../domain/progress.ts';
import { approvalDecision, incidentDecision } from '../../domain/schemas/decisions.ts';
import { type JobService, linkOf } from '../jobs.ts';
import type { Role, SignedIn } from '../plugins/auth.ts';
import { HttpProblem } from '../problem.ts';
import { answers, DecisionAnswer, PendingDecisionAnswer, type Replies } from '../schemas/responses.ts';
import { ApprovalParameters, IncidentParameters, type Key, KeyHeader } from '../schemas/schemas.ts';

const tags = ['decisions'];
const response = answers({ 200: DecisionAnswer, 202: PendingDecisionAnswer }, 404, 409, 422, 503);

/** Decisions are signals: durable while no worker runs, and refused ones stay on record. The verdict is the workflow’s. */
export function decisionRoutes(app: FastifyInstance, jobs: JobService): void {
  app.post<{ Params: Static<typeof ApprovalParameters>; Body: ApprovalDecision; Headers: Key; Reply: Replies['decision'] }>(
    '/v1/jobs/:id/approvals/:approvalId',
    {
      config: { role: 'approver' },
      schema: { tags, summary: 'Approve or reject what destroys', params: ApprovalParameters, body: approvalDecision, headers: KeyHeader, response },
    },
    async ({ params: { id, approvalId }, body: { decision, actor, comment }, headers, signedIn }, reply) => {
      const decisionId = headers['idempotency-key'] ?? randomUUID();
      const signal: ApprovalSignal = { approvalId, decisionId, actor: actorOf(signedIn!, actor, 'approver'), ...(comment ? { comment } : {}) };
      await needReadable(jobs, { id, approvalId, decision });
      if (!signedIn!.name) await needTwoPeople(jobs, id, approvalId);
      return answer(reply, id, signal.decisionId, await jobs.decide(id, decision, signal));
    },
  );
  app.post<{ Params: Static<typeof IncidentParameters>; Body: IncidentDecision; Headers: Key; Reply: Replies['decision'] }>(
    '/v1/jobs/:id/incidents/:incidentId',
    {
      config: { role: 'operator' },
      schema: { tags, summary: 'Retry, skip or abort after an incident', params: IncidentParameters, body: incidentDecision, headers: KeyHeader, response },
    },
    async ({ params: { id, incidentId }, body: { action, actor, comment, amendment }, headers, signedIn }, reply) => {
      const decisionId = headers['idempotency-key'] ?? randomUUID();
      if (amendment && action !== 'retry') throw amendmentWithout(action);
      const signal: ResolveSignal = {
        ...{ incidentId, decisionId, action, actor: actorOf(signedIn!, actor, 'operator') },
        ...(comment ? { comment } : {}),
        ...(amendment ? { amendment } : {}),
      };
      return answer(reply, id, signal.decisionId, await jobs.decide(id, 'resolve', signal));
    },
  );
}

const amendmentWithout = (action: string): HttpProblem =>
  new HttpProblem(422, 'The decision cannot be taken', `An amendment is allowed only with retry: ${action} does not change the request. Nothing was sent.`, {
    errors: [{ pointer: '/amendment', detail: 'Remove the amendment, or send the action "retry".' }],
  });

/** Who decides: who is signed in. Of a role nobody knows who that is, so it may say so. */
function actorOf({ name }: SignedIn, said: string | undefined, role: Role): string {
  if (name === undefined) return said ?? role;
  if (said !== undefined && said !== name)
    throw new HttpProblem(
      422,
      'Not your name',
      `You are signed in as ${name}, and your decision is recorded under that name. Nothing was sent. Remove "actor" and send the decision again.`,
    );
  return name;
}

/** Nobody approves what cannot be shown, nor is it known whether two people are asked for. A rejection destroys nothing, so it passes. */
async function needReadable(jobs: JobService, { id, approvalId, decision }: { id: string; approvalId: string; decision: 'approve' | 'reject' }): Promise<void> {
  if (decision === 'reject') return;
  const found = (await jobs.show(id)).unreadable?.find(({ key }) => key === approvalId);
  if (!found) return;
  throw new HttpProblem(503, 'The approval cannot be read', `${found.detail} Nothing was approved. Upgrade the API, then decide.`, { job: linkOf(id) });
}

/** Where two people are asked for, a role’s token, which both may have, is none of them. */
async function needTwoPeople(jobs: JobService, id: string, approvalId: string): Promise<void> {
  const { approvals } = await jobs.show(id);
  if (approvals.some((approval) => approval.id === approvalId && approval.secondPerson))
    throw new HttpProblem(
      403,
      'Not allowed',
      'A second person must decide. Use the token of a person who is named in the tokens file, not the token of the approver role.',
      {
        job: linkOf(id),
      },
    );
}

function answer(reply: FastifyReply, id: string, decisionId: string, verdict: DecisionView | undefined): FastifyReply {
  if (!verdict) {
    const detail = 'No worker has processed the decision yet. It is stored and will be processed; the job then shows the verdict.';
    const pending: Replies['decision'][202] = { decisionId, verdict: 'pending', detail, links: { self: linkOf(id) } };
    return reply.code(202).send(pending);
  }
  if (verdict.verdict === 'refused')
    throw new HttpProblem(409, 'The decision was refused', verdict.reason ?? 'It changed nothing.', { decision: verdict, job: linkOf(id) });
  return reply.code(200).send(verdict);
}

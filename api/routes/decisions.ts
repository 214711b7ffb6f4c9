import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Static } from 'typebox';
import type { DecisionView } from '../../domain/progress.ts';
import { type Jobs, linkOf } from '../jobs.ts';
import { Problem } from '../problem.ts';
import { answers, DecisionAnswer } from '../schemas/answers.ts';
import { ApprovalDecision, ApprovalParameters, IncidentDecision, IncidentParameters, KeyHeader } from '../schemas/schemas.ts';

const tags = ['decisions'];
const response = answers({ 200: DecisionAnswer, 202: DecisionAnswer }, 404, 409, 422, 503);
type Key = Static<typeof KeyHeader>;

/** Decisions are signals: durable while no worker runs, and refused ones stay on record. The verdict is the workflow’s. */
export function decisionRoutes(app: FastifyInstance, jobs: Jobs): void {
  app.post<{ Params: Static<typeof ApprovalParameters>; Body: Static<typeof ApprovalDecision>; Headers: Key }>(
    '/v1/provisionings/:id/approvals/:approvalId',
    {
      config: { role: 'approver' },
      schema: { tags, summary: 'Approve or reject what destroys', params: ApprovalParameters, body: ApprovalDecision, headers: KeyHeader, response },
    },
    async ({ params: { id, approvalId }, body: { decision, actor, comment }, headers, role }, reply) => {
      const signal = { approvalId, decisionId: headers['idempotency-key'] ?? randomUUID(), actor: actor ?? role!, ...(comment ? { comment } : {}) };
      return answer(reply, id, signal.decisionId, await jobs.decide(id, decision, signal));
    },
  );
  app.post<{ Params: Static<typeof IncidentParameters>; Body: Static<typeof IncidentDecision>; Headers: Key }>(
    '/v1/provisionings/:id/incidents/:incidentId',
    {
      config: { role: 'operator' },
      schema: { tags, summary: 'Retry, skip or abort after an incident', params: IncidentParameters, body: IncidentDecision, headers: KeyHeader, response },
    },
    async ({ params: { id, incidentId }, body: { action, actor, comment }, headers, role }, reply) => {
      const signal = { incidentId, decisionId: headers['idempotency-key'] ?? randomUUID(), action, actor: actor ?? role!, ...(comment ? { comment } : {}) };
      return answer(reply, id, signal.decisionId, await jobs.decide(id, 'resolve', signal));
    },
  );
}

function answer(reply: FastifyReply, id: string, decisionId: string, verdict: DecisionView | undefined): FastifyReply {
  if (!verdict)
    return reply
      .code(202)
      .send({ decisionId, verdict: 'pending', detail: 'No worker has judged it yet; it is kept and will be judged.', links: { self: linkOf(id) } });
  if (verdict.verdict === 'refused')
    throw new Problem(409, 'The decision was refused', verdict.reason ?? 'It changed nothing.', { decision: verdict, job: linkOf(id) });
  return reply.code(200).send(verdict);
}

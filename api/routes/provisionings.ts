import type { FastifyInstance } from 'fastify';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { type JobService, linkOf } from '../jobs.ts';
import { requestBody } from '../plugins/validation.ts';
import { HttpProblem } from '../problem.ts';
import { answers, type Replies, StartedAnswer } from '../schemas/responses.ts';
import { type Key, KeyHeader } from '../schemas/schemas.ts';
import { planned } from './plans.ts';

const tags = ['provisionings'];

/** Whoever holds a role’s token may hold the other one, too: only names tell two people apart. */
const nobodyByName = (): HttpProblem =>
  new HttpProblem(422, 'The request cannot be carried out', 'You are signed in with the token of a role, which has no name. Nothing was changed.', {
    errors: [
      {
        pointer: '/approval/secondPerson',
        detail:
          'secondPerson needs people who sign in by name. Add "people": [{ "name": "anna", "roles": ["operator"], "token": "…" }, …] to the tokens file, restart the API, and send the request with the token of one of them. Another one, with the role approver, must decide.',
      },
    ],
  });

export function provisioningRoutes(app: FastifyInstance, jobs: JobService): void {
  app.post<{ Body: ProvisioningRequest; Headers: Key; Reply: Replies['start'] }>(
    '/v1/provisionings',
    {
      config: { role: 'operator' },
      schema: { tags, summary: 'Start a job', body: requestBody, headers: KeyHeader, response: answers({ 202: StartedAnswer }, 409, 422, 503) },
    },
    async ({ body, headers, signedIn }, reply) => {
      const { warnings, estimateMinutes } = planned(body);
      if (body.approval?.secondPerson && !signedIn!.name) throw nobodyByName();
      const { id, runId, state } = await jobs.start(body, signedIn!.name ?? 'operator', headers['idempotency-key']);
      return reply
        .header('location', linkOf(id))
        .code(202)
        .send({ id, runId, state, estimateMinutes, warnings, links: { self: linkOf(id), events: `${linkOf(id)}/events` } });
    },
  );
}

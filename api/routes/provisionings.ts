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
  new HttpProblem(422, 'The request cannot be carried out', 'You are signed in as a role and not by name; nothing was touched.', {
    errors: [
      {
        pointer: '/approval/secondPerson',
        detail:
          'It needs people who sign in by name: write "people": [{ "name": "anna", "roles": ["operator"], "token": "…" }, …] into the tokens file, start the API anew, and send this with the token of one of them; another one of them with the role approver decides.',
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

import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { type BrokenRule, type Plan, plan } from '../../domain/plan.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { WhatIf } from '../../domain/what-if.ts';
import { Problem } from '../problem.ts';
import { answers, PlanAnswer } from '../schemas/answers.ts';
import { PlanQuery } from '../schemas/schemas.ts';

export const requestBody = { $ref: 'ProvisioningRequest#' };

/** The plan of a request, or every rule that it breaks. */
export function planned(request: ProvisioningRequest): Plan {
  const result = plan(request);
  if (result.ok) return result.plan;
  const errors = result.broken.map(({ path, message }: BrokenRule) => ({ pointer: path, detail: message }));
  throw new Problem(422, 'The request cannot be carried out', `${errors.length} rule(s) are broken; nothing was touched.`, { errors });
}

/** `whatIf` looks what is there already: a worker does it, since the API itself speaks to Temporal alone. */
export function planRoutes(app: FastifyInstance, look: (request: ProvisioningRequest) => Promise<WhatIf>): void {
  app.post<{ Body: ProvisioningRequest; Querystring: Static<typeof PlanQuery> }>(
    '/v1/plans',
    {
      schema: {
        tags: ['plans'],
        summary: 'What a request would do; changes nothing',
        body: requestBody,
        querystring: PlanQuery,
        response: answers({ 200: PlanAnswer }, 422, 502, 503),
      },
    },
    async ({ body, query }) => {
      const plan = planned(body);
      return query.whatIf ? { ...plan, whatIf: await look(body) } : plan;
    },
  );
}

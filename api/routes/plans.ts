import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { type Plan, plan } from '../../domain/plan.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import type { WhatIf } from '../../domain/what-if.ts';
import { brokenRules } from '../misshapen.ts';
import { requestBody } from '../plugins/validation.ts';
import { answers, PlanAnswer, type Replies } from '../schemas/responses.ts';
import { PlanQuery } from '../schemas/schemas.ts';

/** The plan of a request; the rules were judged with its shape. */
export function planned(request: ProvisioningRequest): Plan {
  const result = plan(request);
  if (result.ok) return result.plan;
  throw brokenRules(result.broken);
}

/** `whatIf` looks what is there already: a worker does it, since the API itself speaks to Temporal alone. */
export function planRoutes(app: FastifyInstance, look: (request: ProvisioningRequest) => Promise<WhatIf>): void {
  app.post<{ Body: ProvisioningRequest; Querystring: Static<typeof PlanQuery>; Reply: Replies['plan'] }>(
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

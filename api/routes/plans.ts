import type { FastifyInstance } from 'fastify';
import { type BrokenRule, type Plan, plan } from '../../domain/plan.ts';
import type { ProvisioningRequest } from '../../domain/request.ts';
import { Problem } from '../problem.ts';

export const requestBody = { $ref: 'ProvisioningRequest#' };

/** The plan of a request, or every rule that it breaks. */
export function planned(request: ProvisioningRequest): Plan {
  const result = plan(request);
  if (result.ok) return result.plan;
  const errors = result.broken.map(({ path, message }: BrokenRule) => ({ pointer: path, detail: message }));
  throw new Problem(422, 'The request cannot be carried out', `${errors.length} rule(s) are broken; nothing was touched.`, { errors });
}

export function planRoutes(app: FastifyInstance): void {
  app.post<{ Body: ProvisioningRequest }>(
    '/v1/plans',
    { schema: { tags: ['plans'], summary: 'What a request would do; touches nothing', body: requestBody } },
    ({ body }) => planned(body),
  );
}

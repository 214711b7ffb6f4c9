import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { type JobService, linkOf } from '../jobs.ts';
import { answers, CancellingAnswer, JobAnswer, JobListAnswer, type Replies } from '../schemas/responses.ts';
import { JobParameters, type JobPath, ListQuery } from '../schemas/schemas.ts';

const tags = ['jobs'];

/** What every job has, whatever started it: a place in the list, its progress, and an end. */
export function jobRoutes(app: FastifyInstance, jobs: JobService): void {
  app.get<{ Querystring: Static<typeof ListQuery>; Reply: Replies['list'] }>(
    '/v1/jobs',
    { schema: { tags, summary: 'The newest jobs', querystring: ListQuery, response: answers({ 200: JobListAnswer }, 503) } },
    async ({ query: { limit = 50, ...filter } }) => ({ jobs: await jobs.list(filter, limit) }),
  );
  app.get<{ Params: JobPath; Reply: Replies['job'] }>(
    '/v1/jobs/:id',
    { schema: { tags, summary: 'Show a job', params: JobParameters, response: answers({ 200: JobAnswer }, 404, 503) } },
    ({ params }) => jobs.show(params.id),
  );
  app.post<{ Params: JobPath; Reply: Replies['cancel'] }>(
    '/v1/jobs/:id/cancel',
    {
      config: { role: 'operator' },
      schema: {
        tags,
        summary: 'Cancel a job: steps that must not be interrupted finish first; nothing is removed',
        params: JobParameters,
        response: answers({ 202: CancellingAnswer }, 404, 409, 503),
      },
    },
    async ({ params }, reply) => {
      await jobs.cancel(params.id);
      return reply.code(202).send({ id: params.id, links: { self: linkOf(params.id) } });
    },
  );
}

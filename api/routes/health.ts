import type { FastifyInstance } from 'fastify';
import type { JobService } from '../jobs.ts';
import { HttpProblem } from '../problem.ts';
import { answers, ReadyAnswer, type Replies } from '../schemas/responses.ts';
import type { Workers } from '../workers.ts';

/** Readiness is Temporal's alone: without a worker this API still takes jobs and decisions, and says in the body that there is none. */
export function healthRoutes(app: FastifyInstance, jobs: JobService, workers: Workers): void {
  const open = { config: { role: false as const } };
  const tags = ['service'];
  app.get('/healthz', { ...open, schema: { tags, summary: 'This process is alive' } }, () => ({ status: 'alive' }));
  const { 200: response200, 503: response503 }: Record<number, unknown> = answers({ 200: ReadyAnswer }, 503);
  const schema = { tags, summary: 'Temporal answers, too; the body says how many workers poll', response: { 200: response200, 503: response503 } };
  app.get<{ Reply: Replies['ready'] }>('/readyz', { ...open, schema }, async () => {
    const [seen] = await Promise.all([workers.view(), jobs.ready()]).catch((cause: unknown) => {
      throw new HttpProblem(503, 'Not ready', 'Temporal does not respond. Check that the Temporal server runs and that TEMPORAL_ADDRESS is correct.', {
        cause,
      });
    });
    return { status: 'ready', ...(seen ? { workers: seen } : {}) };
  });
}

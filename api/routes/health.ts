import type { FastifyInstance } from 'fastify';
import type { Jobs } from '../jobs.ts';
import { Problem } from '../problem.ts';

export function healthRoutes(app: FastifyInstance, jobs: Jobs): void {
  const open = { config: { role: false as const } };
  app.get('/healthz', { ...open, schema: { tags: ['service'], summary: 'This process is alive' } }, () => ({ status: 'alive' }));
  app.get('/readyz', { ...open, schema: { tags: ['service'], summary: 'Temporal answers, too' } }, async () => {
    await jobs.ready().catch(() => {
      throw new Problem(503, 'Not ready', 'Temporal does not answer.');
    });
    return { status: 'ready' };
  });
}

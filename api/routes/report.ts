import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Jobs } from '../jobs.ts';
import { Problem } from '../problem.ts';
import { reportAnswers } from '../schemas/answers.ts';
import { JobParameters } from '../schemas/schemas.ts';

/** The report of a job’s newest run, from the report store. */
export function reportRoutes(app: FastifyInstance, jobs: Jobs, folder: string): void {
  app.get<{ Params: { id: string } }>(
    '/v1/jobs/:id/report',
    { schema: { tags: ['jobs'], summary: 'The report, JSON or Markdown by Accept', params: JobParameters, response: reportAnswers } },
    async ({ params: { id }, headers }, reply) => {
      const { runId } = await jobs.describe(id);
      const markdown = /text\/markdown/.test(headers.accept ?? '');
      const text = await readFile(join(folder, `${id}-${runId}.${markdown ? 'md' : 'json'}`), 'utf8').catch(() => undefined);
      if (text === undefined) throw new Problem(404, 'No report yet', `The job ${id} has not stored its report yet.`);
      return reply.type(markdown ? 'text/markdown; charset=utf-8' : 'application/json; charset=utf-8').send(text);
    },
  );
}

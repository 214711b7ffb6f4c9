import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type Jobs, linkOf } from '../jobs.ts';
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
      const text = await readFile(join(folder, `${id}-${runId}.${markdown ? 'md' : 'json'}`), 'utf8').catch(unlessMissing);
      if (text === undefined)
        throw new Problem(404, 'No report yet', `The job ${id} has not stored its report yet. It does so at its end: follow ${linkOf(id)}.`);
      return reply.type(markdown ? 'text/markdown; charset=utf-8' : 'application/json; charset=utf-8').send(text);
    },
  );
}

/** A folder that cannot be read is a defect of the installation, and not a report that is still to come. */
const unlessMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === 'ENOENT') return undefined;
  throw error;
};

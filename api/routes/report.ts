import type { FastifyInstance } from 'fastify';
import { StepFailure } from '../../domain/failure.ts';
import { type ReportStore, reportName } from '../../stores/reports/report-store.ts';
import type { Jobs } from '../jobs.ts';
import { Problem } from '../problem.ts';
import { reportAnswers } from '../schemas/answers.ts';
import { JobParameters } from '../schemas/schemas.ts';

/** The report of a job’s newest run, from the report store. */
export function reportRoutes(app: FastifyInstance, jobs: Jobs, reports: ReportStore): void {
  app.get<{ Params: { id: string } }>(
    '/v1/provisionings/:id/report',
    { schema: { tags: ['provisionings'], summary: 'The report, JSON or Markdown by Accept', params: JobParameters, response: reportAnswers } },
    async ({ params: { id }, headers }, reply) => {
      const { runId } = await jobs.describe(id);
      const markdown = /text\/markdown/.test(headers.accept ?? '');
      const text = await reports.read(reportName(id, runId), markdown ? 'markdown' : 'json').catch(unavailable);
      if (text === undefined) throw new Problem(404, 'No report yet', `The job ${id} has not stored its report yet.`);
      return reply.type(markdown ? 'text/markdown; charset=utf-8' : 'application/json; charset=utf-8').send(text);
    },
  );
}

/** A store that fails is no proof that there is no report. */
function unavailable(error: unknown): never {
  throw new Problem(503, 'Report store unavailable', error instanceof StepFailure ? error.message : 'The report cannot be read now. Try again later.');
}

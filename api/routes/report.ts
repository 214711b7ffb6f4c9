import type { FastifyInstance } from 'fastify';
import { StepFailure } from '../../domain/failure.ts';
import { type ReportStore, reportName } from '../../stores/reports/report-store.ts';
import { type JobService, linkOf } from '../jobs.ts';
import { HttpProblem } from '../problem.ts';
import { reportAnswers } from '../schemas/responses.ts';
import { JobParameters, type JobPath } from '../schemas/schemas.ts';

/** The report of a job’s newest run, from the report store. */
export function reportRoutes(app: FastifyInstance, jobs: JobService, reports: ReportStore): void {
  app.get<{ Params: JobPath }>(
    '/v1/jobs/:id/report',
    { schema: { tags: ['jobs'], summary: 'The report, JSON or Markdown by Accept', params: JobParameters, response: reportAnswers } },
    async ({ params: { id }, headers }, reply) => {
      const { runId, isOver } = await jobs.newestRun(id);
      const markdown = /text\/markdown/.test(headers.accept ?? '');
      const text = isOver ? await reports.read(reportName(id, runId), markdown ? 'markdown' : 'json').catch(unavailable) : undefined;
      if (text === undefined)
        throw new HttpProblem(404, 'No report yet', `The job ${id} has not stored its report yet. It does so at its end: follow ${linkOf(id)}.`);
      return reply.type(markdown ? 'text/markdown; charset=utf-8' : 'application/json; charset=utf-8').send(text);
    },
  );
}

/** A store that fails is no proof that there is no report. */
function unavailable(error: unknown): never {
  const detail = error instanceof StepFailure ? error.message : 'The report cannot be read now. Try again later; the cause is in the API’s log.';
  throw new HttpProblem(503, 'Report store unavailable', detail, { cause: error });
}

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { problemOfCode, problemOfStatus } from '../framework-problems.ts';
import { HttpProblem, problemBody, problemMediaType } from '../problem.ts';
import { allowedMethods, noRoute } from './methods.ts';

/** Turns every failure into problem details. What nobody foresaw is logged once, with its stack, under the id that the answer names. */
export function problems(app: FastifyInstance): void {
  const allowedAt = allowedMethods(app);
  const send = (reply: FastifyReply, problem: HttpProblem) =>
    reply
      .code(problem.status)
      .headers(problem.headers)
      .type(problemMediaType)
      .send(problemBody(problem, problem.status >= 500 ? reply.request.id : undefined));
  app.setErrorHandler((error: FastifyError | HttpProblem, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500) logFailure(request, problem, error);
    return send(reply, problem);
  });
  app.setNotFoundHandler(({ method, url }, reply) => send(reply, noRoute(method, url, allowedAt(url))));
}

function problemOf(error: FastifyError | HttpProblem): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const status = error.statusCode ?? 500;
  const known = problemOfCode(error.code);
  if (known) return known;
  return status < 500
    ? problemOfStatus(status, error.message)
    : new HttpProblem(500, 'Internal Server Error', 'This is a defect of the service. Find the requestId of this answer in the API’s log: the cause is there.');
}

/** A problem that was foreseen (503: a system does not answer) is a warning; every other one a defect. */
function logFailure(request: FastifyRequest, problem: HttpProblem, error: Error): void {
  if (error === problem) request.log.warn({ err: error, status: problem.status }, problem.title);
  else request.log.error({ err: error, status: problem.status }, 'request failed');
}

import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyInstance } from 'fastify';
import { type Mistake, Problem } from '../problem.ts';

const mediaType = 'application/problem+json; charset=utf-8';

/** Where a rule of the schema was broken: for a missing or unknown field that field itself. */
function mistakeOf({
  instancePath,
  params,
  message,
  keyword,
}: {
  instancePath: string;
  params: Record<string, unknown>;
  message?: string;
  keyword: string;
}): Mistake {
  const field = (params['missingProperty'] ?? params['additionalProperty']) as string | undefined;
  const pointer = field === undefined ? instancePath : `${instancePath}/${field}`;
  const allowed = Array.isArray(params['allowedValues']) ? `: ${params['allowedValues'].join(', ')}` : '';
  const text: Record<string, string> = { additionalProperties: 'This field is not known.', required: 'This field is missing.' };
  return { pointer: pointer || '/', detail: text[keyword] ?? `It ${message}${allowed}.` };
}

function detailOf(status: number, message: string): string {
  if (status >= 500) return 'This service failed; its log says why.';
  return status === 415 ? 'Send JSON, with the header Content-Type: application/json; nothing was touched.' : message;
}

/** Turns every failure into problem details; what nobody foresaw is logged and says no more than that. */
export function problems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | Problem, request, reply) => {
    if (error instanceof Problem) {
      const { status, title, message: detail, errors, more } = error;
      return reply
        .code(status)
        .type(mediaType)
        .send({ type: 'about:blank', title, status, detail, ...(errors ? { errors } : {}), ...more });
    }
    if (error.validation) {
      const errors = error.validation.map((broken) => mistakeOf(broken as never));
      return reply
        .code(400)
        .type(mediaType)
        .send({
          type: 'about:blank',
          title: 'The request does not have the right shape',
          status: 400,
          detail: `${errors.length} mistake(s) in the ${error.validationContext}.`,
          errors,
        });
    }
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error({ name: error.name, message: error.message, stack: error.stack }, 'failed');
    return reply
      .code(status)
      .type(mediaType)
      .send({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail: detailOf(status, error.message) });
  });
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .type(mediaType)
      .send({ type: 'about:blank', title: 'Not Found', status: 404, detail: `There is nothing at ${request.method} ${request.url}.` }),
  );
}

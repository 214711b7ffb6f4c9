import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { missingHost, noTunnel, problemOfCode, problemOfConnection, problemOfStatus, shuttingDown, unmetExpectation } from '../framework-problems.ts';
import { type HttpProblem, problemBody, problemMediaType } from '../problem.ts';

/** No id is so long; what is longer than this is refused before any route. */
const longestParameter = 4_096;

/** Fastify’s own answers, and Node’s, are problem details, too. */
export const frameworkOptions = {
  genReqId: (): string => randomUUID(),
  routerOptions: { maxParamLength: longestParameter },
  // Node answers a missing Host with an empty 400.
  http: { requireHostHeader: false },
  // Fastify’s answer would be JSON of its own.
  return503OnClosing: false,
  frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void => {
    const problem = problemOfCode(error.code) ?? problemOfStatus(error.statusCode ?? 400, error.message);
    void reply
      .code(problem.status)
      .type(problemMediaType)
      .send(JSON.stringify(problemBody(problem)));
  },
  clientErrorHandler(this: FastifyInstance, error: ConnectionError, socket: Socket): void {
    // After a reset there is nobody to tell.
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    this.log.debug({ err: error }, 'connection refused');
    end(socket, problemOfConnection(error.code));
  },
};

type ConnectionError = Error & { code?: string };

/** Answers on the bare connection, and closes it: Node has no response for what it could not read. */
function end(socket: Duplex, problem: HttpProblem, headers: Record<string, string> = {}): void {
  const body = JSON.stringify(problemBody(problem));
  const lines = Object.entries({ 'Content-Type': problemMediaType, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close', ...headers });
  const head = [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
  // Whoever is told may be gone already.
  socket.on('error', () => {});
  if (socket.writable) socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
  else socket.destroy();
}

/** What Node answers without asking the framework, and what Fastify answers while it closes. */
export function frameworkAnswers(app: FastifyInstance): void {
  // Fastify takes plain text by itself, which no route of ours does.
  app.removeContentTypeParser('text/plain');
  app.server.on('connect', (_request, socket) => end(socket, noTunnel(), { Allow: 'GET, HEAD, POST' }));
  app.server.on('checkExpectation', (_request, response) => {
    const problem = unmetExpectation();
    const body = JSON.stringify(problemBody(problem));
    response.writeHead(problem.status, { 'content-type': problemMediaType, 'content-length': Buffer.byteLength(body) }).end(body);
  });
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.addHook('onRequest', async ({ raw: { httpVersion, headers } }) => {
    if (isClosing) throw shuttingDown();
    if (httpVersion === '1.1' && headers.host === undefined) throw missingHost();
  });
}

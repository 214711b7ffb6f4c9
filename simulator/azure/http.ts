import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** An answer of ARM that is no success. */
export class ArmError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: unknown[] | undefined;

  constructor(status: number, code: string, message: string, details?: unknown[]) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }

  body(): Record<string, unknown> {
    return { error: { code: this.code, message: this.message, ...(this.details ? { details: this.details } : {}) } };
  }
}

export interface ArmRequest {
  method: string;
  /** As sent. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
  base: string;
  apiVersion: string;
}

export interface ArmReply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Sends an answer with the headers that ARM puts on everything. */
export function send(request: IncomingMessage, response: ServerResponse, reply: ArmReply): void {
  response.end(begin(request, response, reply));
}

/** Sends the head and half of an answer, then nothing more: the other side must notice by itself. */
export function sendHalf(request: IncomingMessage, response: ServerResponse, reply: ArmReply): void {
  const text = begin(request, response, reply) ?? '';
  response.flushHeaders();
  response.write(text.slice(0, text.length / 2));
}

/** Begins an answer and gives the text that is to follow; text that is no object is sent as it is. */
function begin(request: IncomingMessage, response: ServerResponse, { status, body, headers = {} }: ArmReply): string | undefined {
  const correlation = randomUUID();
  const kind = request.method === 'GET' || request.method === 'HEAD' ? 'reads' : request.method === 'DELETE' ? 'deletes' : 'writes';
  const clientRequestId = request.headers['x-ms-client-request-id'];
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, {
    'cache-control': 'no-cache',
    pragma: 'no-cache',
    expires: '-1',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-ms-request-id': randomUUID(),
    'x-ms-correlation-request-id': correlation,
    'x-ms-routing-request-id': `WESTUS2:${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}:${correlation}`,
    [`x-ms-ratelimit-remaining-subscription-${kind}`]: kind === 'reads' ? '11957' : kind === 'writes' ? '1199' : '14999',
    ...(typeof clientRequestId === 'string' ? { 'x-ms-client-request-id': clientRequestId } : {}),
    ...(text === undefined ? {} : { 'content-type': 'application/json; charset=utf-8', 'content-length': `${Buffer.byteLength(text)}` }),
    ...headers,
  });
  return text;
}

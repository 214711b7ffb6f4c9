import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** An answer of ARM that is no success. */
export class ArmError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: unknown[] | undefined;
  readonly additionalInfo: unknown[] | undefined;

  constructor(status: number, code: string, message: string, details?: unknown[], additionalInfo?: unknown[]) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.additionalInfo = additionalInfo;
  }

  body(): Record<string, unknown> {
    const { code, message, details, additionalInfo } = this;
    return { error: { code, message, ...(details ? { details } : {}), ...(additionalInfo ? { additionalInfo } : {}) } };
  }
}

export const methodNotAllowed = ({ method, base, path }: ArmRequest): ArmError =>
  new ArmError(405, 'MethodNotAllowed', `The HTTP method '${method}' is not supported on the resource '${base}${path}'.`);

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

/** An answer as it goes over the wire. */
export interface Sent {
  status: number;
  headers: Record<string, string>;
  text?: string;
}

/** Sends an answer with the headers that ARM puts on everything, and tells what was sent. */
export function send(request: IncomingMessage, response: ServerResponse, reply: ArmReply): Sent {
  const sent = compose(request, reply);
  response.writeHead(sent.status, sent.headers).end(sent.text);
  return sent;
}

/** Sends the head and half of an answer, then nothing more: the other side must notice by itself. Of an answer without a body nothing is sent at all. */
export function sendHalf(request: IncomingMessage, response: ServerResponse, reply: ArmReply): void {
  const { status, headers, text = '' } = compose(request, reply);
  if (text === '') return;
  response.writeHead(status, headers);
  response.flushHeaders();
  response.write(text.slice(0, text.length / 2));
}

/** Text that is no object is sent as it is. */
function compose(request: IncomingMessage, { status, body, headers = {} }: ArmReply): Sent {
  const correlation = randomUUID();
  const clientRequestId = request.headers['x-ms-client-request-id'];
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const all = {
    'cache-control': 'no-cache',
    pragma: 'no-cache',
    expires: '-1',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-ms-request-id': randomUUID(),
    'x-ms-correlation-request-id': correlation,
    'x-ms-routing-request-id': `WESTUS2:${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}:${correlation}`,
    ...(typeof clientRequestId === 'string' ? { 'x-ms-client-request-id': clientRequestId } : {}),
    ...(text === undefined ? {} : { 'content-type': 'application/json; charset=utf-8', 'content-length': `${Buffer.byteLength(text)}` }),
    ...(text === undefined && status !== 204 ? { 'content-length': '0' } : {}),
    ...headers,
  };
  return { status, headers: all, ...(text === undefined ? {} : { text }) };
}

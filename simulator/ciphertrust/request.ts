import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault } from '../faults.ts';
import { connectionName, type Entry, settle } from '../request-log.ts';
import type { World } from '../world.ts';
import { ApiError, badRequest, notAllowed, notFound, serverError, unavailable } from './errors.ts';
import type { Call, Reply } from './route.ts';
import { type Found, findRoute } from './routes.ts';
import { checkBearer } from './sign-in.ts';
import { isStarted, type ManagerState, managerTime } from './state.ts';

/** One HTTP request: recorded, exposed to faults, answered. With and without a slash at the end of the path is the same. */
export async function serve(world: World, state: ManagerState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await read(request);
  const url = new URL(request.url ?? '/', 'https://manager');
  const asked = decodeURIComponent(url.pathname.replace(/^\/api(?=\/)/, ''));
  const path = asked.replace(/\/$/, '');
  const found = asked !== path && world.variants['ciphertrust.slashes'] === 'none' ? 'nothing' : findRoute(request.method ?? 'GET', path);
  const route = typeof found === 'string' ? undefined : found.route;
  const operation = `ciphertrust:${route?.operation ?? `${request.method} ${asked}`}`;
  const entry = world.requestLog.arrive({ system: 'ciphertrust', connection: connectionName(request.socket), operation, target: state.address });
  // By its own clock, in real time whatever the scale.
  response.setHeader('date', new Date(managerTime(world) + Number(world.variants['ciphertrust.dateSkewSeconds'] ?? 0) * 1000).toUTCString());
  const early = pageWhileBooting(state);
  if (early !== undefined) {
    settle(entry, 'refused', 'booting');
    return page(response, early);
  }
  const fault = await world.faults.strike(operation);
  if (await strikes(world, fault, entry, request, response)) return;
  const lies = fault?.kind === 'lie' && route?.lie !== undefined;
  const { authorization, accept } = request.headers;
  const id = typeof found === 'string' ? '' : found.id;
  const call: Call = { world, state, id, query: url.searchParams, authorization, accept, username: '', body: {} };
  const reply = await answer(found, call, body, fault);
  settle(entry, reply.status >= 400 ? 'refused' : lies ? 'lied' : 'done', reply.status >= 400 ? said(reply) : undefined);
  if (fault?.kind === 'reset-after-accept') return void request.socket.destroy();
  if (fault?.kind === 'stall') return sendHalf(response, reply);
  response.writeHead(reply.status, reply.body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' });
  response.end(reply.body === undefined ? undefined : JSON.stringify(reply.body));
}

/** Sends the beginning of an answer, and nothing after it. */
function sendHalf(response: ServerResponse, { status, body = {} }: Reply): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': text.length + 1 });
  response.write(text.slice(0, text.length / 2));
}

/** A proxy answers before the service behind it does, first one way, then the other. */
function pageWhileBooting({ boot: { listensAt, answersAt } }: ManagerState): 502 | 503 | undefined {
  const now = Date.now();
  if (now >= answersAt) return undefined;
  return now < (listensAt + answersAt) / 2 ? 502 : 503;
}

/** Acts out what prevents any answer of the manager itself; true where that is the end of the request. */
async function strikes(world: World, fault: Fault | undefined, entry: Entry, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  switch (fault?.kind) {
    case 'slow':
      await world.clock.sleepMinutes(fault.amount ?? 1);
      return false;
    case 'never':
      settle(entry, 'cut', 'never answered');
      return true;
    case 'reset':
      settle(entry, 'cut');
      request.socket.destroy();
      return true;
    case 'throttle':
      settle(entry, 'refused', '429');
      page(response, 429, fault.message, fault.amount);
      return true;
    case 'error':
    case 'page':
      settle(entry, 'failed');
      page(response, fault.status ?? (fault.kind === 'page' ? 502 : 503), fault.message);
      return true;
    default:
      return false;
  }
}

async function answer(found: Found | 'nothing' | 'another verb', call: Call, body: string, fault: Fault | undefined): Promise<Reply> {
  try {
    if (call.world.variants['ciphertrust.accept'] === 'required' && !/json|\*\/\*/.test(call.accept ?? '')) throw badRequest('Accept header is invalid.');
    if (found === 'nothing') throw notFound();
    if (found === 'another verb') throw notAllowed();
    const { route } = found;
    if (!isStarted(call.state) && !route.duringBoot) throw unavailable();
    const username = route.open ? '' : checkBearer(call.state, call.authorization);
    if (fault?.kind === 'fail') throw serverError(fault.message ?? 'an internal error occurred');
    const parsed = { ...call, username, body: parse(body) };
    return await (fault?.kind === 'lie' && route.lie ? route.lie(parsed, fault.message) : route.answer(parsed));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { status: error.status, body: errorBody(call.world.variants['ciphertrust.errorBody'] ?? 'full', error.body) };
  }
}

/** Either of the two fields that say something may be missing; so may everything. */
function errorBody(form: string, { message, ...labelOnly }: Record<string, unknown>): unknown {
  if (form === 'label-only') return labelOnly;
  if (form === 'message-only') return { message };
  return form === 'empty' ? undefined : { ...labelOnly, message };
}

function parse(body: string): Record<string, unknown> {
  if (body === '') return {};
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  } catch {}
  throw badRequest('invalid JSON');
}

function said({ status, body }: Reply): string {
  const { message, codeDesc } = (body ?? {}) as { message?: string; codeDesc?: string };
  return message ?? codeDesc ?? `${status}`;
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const reasons: Record<number, string> = { 429: 'Too Many Requests', 502: 'Bad Gateway', 503: 'Service Temporarily Unavailable', 504: 'Gateway Time-out' };

/** What the proxy in front says: a page, not JSON. */
function page(response: ServerResponse, status: number, reason = reasons[status] ?? 'Error', retryAfterSeconds?: number): void {
  response.writeHead(status, { 'content-type': 'text/html', ...(retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` }) });
  const title = `${status} ${reason}`;
  response.end(
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>`,
  );
}

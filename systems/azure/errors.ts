import { refused, type StepFailure, transient } from '../../domain/failure.ts';
import { type ArmFault, errorIn, innermost, pageTitle } from './arm-error.ts';
import { causeOf, inProgress, missingRole } from './causes.ts';

const source = 'Azure Resource Manager';

/** Whatever the Azure clients throw, as far as it is looked at. */
interface Foreign {
  name?: string;
  message?: string;
  code?: string;
  statusCode?: number;
  response?: { status?: number; headers?: { get(name: string): string | undefined }; bodyAsText?: string | null };
  request?: object;
  /** Of a refused sign-in: the authority’s own words. */
  errorResponse?: { error?: string; errorDescription?: string };
  /** What the library of the sign-in knew. */
  cause?: { status?: number };
}

/** Refusals of a request that pass: what is at work now ends by itself. */
const passing = [...inProgress, 'ResourceGroupBeingDeleted', 'DeploymentActive', 'Conflict'];

/** The longest pause that ARM recommends. A server that asks for more is asked again all the same. */
const longestPauseMs = 10 * 60_000;

/** The texts of refusals by their requests, for as long as somebody holds the request. */
export const refusals = new WeakMap<object, string>();

/** No answer came, or only half of one; what was sent may have been carried out. */
export class NoAnswer extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs / 1000} s, so the connection was cut`);
    this.name = 'NoAnswer';
  }
}

export const statusOf = (error: unknown): number | undefined => (error as Foreign).statusCode ?? (error as Foreign).response?.status;

const signInErrors = ['AuthenticationError', 'AuthenticationRequiredError', 'CredentialUnavailableError', 'AggregateAuthenticationError'];
export const isSignIn = (error: unknown): boolean => signInErrors.includes((error as Foreign).name ?? '');

const failedOperation = /^The long-running operation has failed\.?\s*/;

/** Is it something that came from Azure or from the way there? Anything else is a defect of this service. */
export const isForeign = (error: unknown): boolean => {
  const { name = '', code, message = '' } = error as Foreign;
  return (
    statusOf(error) !== undefined ||
    isSignIn(error) ||
    ['RestError', 'NoAnswer'].includes(name) ||
    /^E[A-Z_]+$/.test(code ?? '') ||
    failedOperation.test(message)
  );
};

/** When to ask again: in seconds, as a date (RFC 9110 §10.2.3), in milliseconds, or only in the message. */
function pauseMs({ response }: Foreign, { message }: ArmFault): number | undefined {
  const header = (name: string) => response?.headers?.get(name) ?? '';
  const after = header('retry-after');
  const milliseconds = [header('retry-after-ms'), header('x-ms-retry-after-ms')].find((value) => /^\d+$/.test(value));
  const said = /try again after '?(\d+)'? seconds/i.exec(message)?.[1];
  const pause = milliseconds
    ? Number(milliseconds)
    : /^\d+$/.test(after)
      ? Number(after) * 1000
      : after !== ''
        ? Date.parse(after) - Date.now()
        : Number(said ?? 0) * 1000;
  return pause > 0 ? Math.min(pause, longestPauseMs) : undefined;
}

/** Code and message of whatever was thrown. */
function faultOf(foreign: Foreign): ArmFault {
  const text = foreign.response?.bodyAsText ?? refusals.get(foreign.request ?? foreign);
  const body = errorIn(text);
  if (body) return innermost(body);
  const page = pageTitle(text);
  const message = foreign.message ?? `${foreign}`;
  if (page) return { code: 'not an answer of Azure', message: page };
  if (!failedOperation.test(message)) return { code: foreign.code ?? 'Unknown', message };
  const [, code = 'Failed', rest = message] = /^([A-Za-z]+)\. (.*)$/s.exec(message.replace(failedOperation, '')) ?? [];
  return { code, message: rest };
}

/** Turns whatever an Azure client throws into a failure that says what to do. */
export function azureFailure(tried: string, error: unknown): StepFailure {
  const foreign = error as Foreign;
  if (isSignIn(error)) return signInFailure(tried, foreign);
  const status = statusOf(error);
  const fault = faultOf(foreign);
  const seen = foreign.name === 'NoAnswer' ? fault.message : `${status ? `${status} ` : ''}${fault.code}: ${fault.message}`;
  if (passes(foreign, status, fault)) {
    const again = pauseMs(foreign, fault);
    return transient({ tried, seen, source, remedy: 'It is tried again by itself.', ...(again === undefined ? {} : { retryAfterMs: again }) }, error);
  }
  const { remedy } = status === 401 || status === 403 ? causeOf(fault, missingRole) : causeOf(fault);
  return refused({ tried, seen, source, remedy }, error);
}

function passes({ name, code, message = '' }: Foreign, status: number | undefined, fault: ArmFault): boolean {
  if (name === 'NoAnswer' || code === 'PARSE_ERROR' || fault.code === 'ExpiredAuthenticationToken') return true;
  if (status === undefined) return !failedOperation.test(message);
  return status === 429 || status >= 500 || status === 408 || status === 412 || (status === 409 && passing.includes(fault.code));
}

/** How the sign-in library tells that the authority, or the way to it, is not well. */
const notWell = /\b(server_error|temporarily_unavailable|service_unavailable|request_throttled)\b/i;
const notReached = /\b(network_error|post_request_failed|endpoints_resolution_error|openid_config_error)\b|\bE[A-Z]{4,}\b|no answer within/;

/** The authority’s bad weather passes; its refusal is one sentence. */
function signInFailure(tried: string, foreign: Foreign): StepFailure {
  const { message = '', errorResponse } = foreign;
  const text = `${errorResponse?.error} ${message}`;
  const status = statusOf(foreign) ?? foreign.cause?.status ?? 0;
  const busy = status === 429 || status >= 500;
  const said = /AADSTS\d+: .*?(?= - Correlation ID| Trace ID|\r|\n|$)/.exec(message)?.[0];
  const seen = said ?? (busy ? `it answered ${status}` : notReached.test(text) ? 'it could not be reached, or did not answer' : message.split('\n')[0]!);
  const told = { tried, seen: seen.slice(0, 250), source: 'the sign-in service' };
  return busy || notWell.test(text) || notReached.test(text)
    ? transient({ ...told, remedy: 'It is tried again by itself.' }, foreign)
    : refused({ ...told, remedy: 'Check tenant, client id and secret of this service, then retry.' }, foreign);
}

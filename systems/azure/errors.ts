import { messageOf, refused, type StepFailure, transient } from '../../domain/failure.ts';
import { codeOf, isFields } from '../foreign.ts';
import { type ArmFault, errorIn, innermost, pageTitle } from './arm-error.ts';
import { causeOf, inProgress, missingRole, notAzure } from './causes.ts';
import { pauseMs } from './pause.ts';
import { SignInError, signInFailure } from './sign-in.ts';

const source = 'Azure Resource Manager';

/** Whatever the Azure clients throw, as far as it is looked at. */
interface Foreign {
  name?: string | undefined;
  message?: string | undefined;
  code?: string | undefined;
  status?: number | undefined;
  text?: string | undefined;
  header(name: string): string | undefined;
  request?: object | undefined;
}

const textOr = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOr = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** Nobody promises what is thrown, nor what in it came from elsewhere. */
function foreignOf(error: unknown): Foreign {
  const { name, message, statusCode, response, request } = isFields(error) ? error : {};
  const { status, headers, bodyAsText } = isFields(response) ? response : {};
  const { get } = isFields(headers) ? headers : {};
  return {
    name: textOr(name),
    message: textOr(message),
    code: textOr(codeOf(error)),
    status: numberOr(statusCode) ?? numberOr(status),
    text: textOr(bodyAsText),
    header: (wanted) => (typeof get === 'function' ? textOr(Reflect.apply(get, headers, [wanted])) : undefined),
    request: isFields(request) ? request : undefined,
  };
}

/** Refusals of a request that pass: what is at work now ends by itself. */
const passing = [...inProgress, 'ResourceGroupBeingDeleted', 'DeploymentActive', 'Conflict'];

/** The texts of refusals by their requests, for as long as somebody holds the request. */
export const refusals = new WeakMap<object, string>();

/** No answer came, or only half of one; what was sent may have been carried out. */
export class NoAnswer extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs / 1000} s, so the connection was cut`);
    this.name = 'NoAnswer';
  }
}

export const statusOf = (error: unknown): number | undefined => foreignOf(error).status;

export const isSignIn = (error: unknown): error is SignInError => error instanceof SignInError;

const failedOperation = /^The long-running operation has failed\.?\s*/;

/** Is it something that came from Azure or from the way there? Anything else is a defect of this service. */
export const isForeign = (error: unknown): boolean => {
  const { name = '', code, message = '' } = foreignOf(error);
  return (
    statusOf(error) !== undefined ||
    isSignIn(error) ||
    ['RestError', 'NoAnswer'].includes(name) ||
    /^E[A-Z_]+$/.test(code ?? '') ||
    failedOperation.test(message)
  );
};

/** When to ask again, by the answer’s headers or its message. */
const pauseOf = ({ header }: Foreign, { message }: ArmFault): number | undefined => pauseMs(header, message);

/** Code and message of whatever was thrown. */
function faultOf(error: unknown): ArmFault {
  const foreign = foreignOf(error);
  const text = foreign.text ?? (foreign.request && refusals.get(foreign.request));
  const body = errorIn(text);
  if (body) return innermost(body);
  const page = pageTitle(text);
  const message = foreign.message ?? messageOf(error);
  if (page) return { code: notAzure, message: page };
  // ARM says what is missing.
  if (foreign.status === 404) return { code: notAzure, message };
  if (!failedOperation.test(message)) return { code: foreign.code ?? 'Unknown', message };
  const [, code = 'Failed', rest = message] = /^([A-Za-z]+)\. (.*)$/s.exec(message.replace(failedOperation, '')) ?? [];
  return { code, message: rest };
}

/**
 * Does Azure say that the thing, or what it belongs to, is not there? Its codes for that end alike (ResourceNotFound, ResourceGroupNotFound,
 * ParentResourceNotFound, DeploymentNotFound, NotFound …). A subscription or tenant that is not found is a mistake in the request or a missing right, and an
 * answer without a code is not Azure’s: taken for absence, either would let everything be made once more.
 */
export function isAbsent(error: unknown): boolean {
  if (statusOf(error) !== 404) return false;
  const { code } = faultOf(error);
  return /NotFound$/i.test(code) && !/^(Subscription|Tenant|Directory)/i.test(code);
}

/** Turns whatever an Azure client throws into a failure that says what to do. */
export function azureFailure(tried: string, error: unknown): StepFailure {
  if (isSignIn(error)) return signInFailure(tried, error);
  const foreign = foreignOf(error);
  const { status } = foreign;
  const fault = faultOf(error);
  if (passes(foreign, status, fault)) return transient({ ...passingFault(foreign, status, fault), tried, remedy: 'It is tried again by itself.' }, error);
  const { code, remedy } = status === 401 || status === 403 ? causeOf(fault, missingRole) : causeOf(fault);
  return refused({ code, tried, ...answered(fault, status), remedy }, error);
}

/** A success that holds something else than Azure tells there: nothing in it is believed. */
export function notAsAzure(tried: string, what: string): StepFailure {
  const { code, remedy } = causeOf({ code: notAzure, message: what });
  return refused({ code, tried, ...answered({ code: notAzure, message: what }, undefined), remedy });
}

/** What is said of an answer: Azure’s own words where they are Azure’s. */
function answered({ code, message }: ArmFault, status: number | undefined) {
  if (code === notAzure) return { summary: `the answer is not Azure’s: ${status ? `${status}, ` : ''}${message}` };
  return { summary: 'Azure refused it', evidence: { source, text: `${status ? `${status} ` : ''}${code}: ${message}` } };
}

function passingFault(foreign: Foreign, status: number | undefined, fault: ArmFault) {
  const again = pauseOf(foreign, fault);
  const pause = again === undefined ? {} : { retryAfterMs: again };
  if (foreign.name === 'NoAnswer') return { code: 'AZURE_UNREACHABLE' as const, summary: fault.message };
  if (status === undefined) return { code: 'AZURE_UNREACHABLE' as const, summary: `no answer: ${fault.code}: ${fault.message}`, ...pause };
  const { summary, evidence } = answered(fault, status);
  return { code: 'AZURE_BUSY' as const, ...(evidence ? { summary: 'Azure could not do it now', evidence } : { summary }), ...pause };
}

function passes({ name, code, message = '' }: Foreign, status: number | undefined, fault: ArmFault): boolean {
  if (name === 'NoAnswer' || code === 'PARSE_ERROR' || fault.code === 'ExpiredAuthenticationToken') return true;
  if (status === undefined) return !failedOperation.test(message);
  return status === 429 || status >= 500 || status === 408 || status === 412 || (status === 409 && passing.includes(fault.code));
}

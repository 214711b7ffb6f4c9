import { refused, type StepFailure, transient } from '../../domain/failure.ts';
import { type ArmFault, errorIn, innermost, pageTitle } from './arm-error.ts';
import { causeOf, inProgress, missingRole } from './causes.ts';
import { pauseMs } from './pause.ts';
import { SignInError, signInFailure } from './sign-in.ts';

const source = 'Azure Resource Manager';

/** Whatever the Azure clients throw, as far as it is looked at. */
interface Foreign {
  name?: string;
  message?: string;
  code?: string;
  statusCode?: number;
  response?: { status?: number; headers?: { get(name: string): string | undefined }; bodyAsText?: string | null };
  request?: object;
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

export const statusOf = (error: unknown): number | undefined => (error as Foreign).statusCode ?? (error as Foreign).response?.status;

export const isSignIn = (error: unknown): error is SignInError => error instanceof SignInError;

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

/** When to ask again, by the answer’s headers or its message. */
const pauseOf = ({ response }: Foreign, { message }: ArmFault): number | undefined => pauseMs((name) => response?.headers?.get(name), message);

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
  if (isSignIn(error)) return signInFailure(tried, error);
  const status = statusOf(error);
  const fault = faultOf(foreign);
  const seen = foreign.name === 'NoAnswer' ? fault.message : `${status ? `${status} ` : ''}${fault.code}: ${fault.message}`;
  if (passes(foreign, status, fault)) {
    const again = pauseOf(foreign, fault);
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

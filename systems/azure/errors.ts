import { refused, type StepFailure, transient } from '../../domain/failure.ts';

const source = 'Azure Resource Manager';

interface Foreign {
  name?: string;
  message?: string;
  code?: string;
  statusCode?: number;
  response?: { status?: number; headers?: { get(name: string): string | undefined }; bodyAsText?: string | null };
}

interface ArmErrorBody {
  code?: string;
  message?: string;
  details?: ArmErrorBody[];
}

const inProgress = [
  'AnotherOperationInProgress',
  'RetryableError',
  'RetryableErrorDueToAnotherOperation',
  'ResourceGroupBeingDeleted',
  'DeploymentActive',
  'Conflict',
];

const parsed = (text: string | null | undefined): unknown => {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
};

/** The innermost code and message; messages are often JSON themselves. */
export function innermost(error: ArmErrorBody): { code: string; message: string } {
  const inner = error.details?.find(({ code, message }) => code || message) ?? (parsed(error.message) as { error?: ArmErrorBody } | undefined)?.error;
  return inner ? innermost(inner) : { code: error.code ?? 'Unknown', message: error.message ?? 'no message' };
}

export const statusOf = (error: unknown): number | undefined => (error as Foreign).statusCode ?? (error as Foreign).response?.status;

/** Retry-After holds seconds or a date (RFC 9110 §10.2.3). */
function retryAfterMs({ response }: Foreign): number | undefined {
  const value = response?.headers?.get('retry-after') ?? '';
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return milliseconds > 0 ? milliseconds : undefined;
}

/** Turns whatever an Azure client throws into a failure that says what to do. */
export function azureFailure(tried: string, error: unknown): StepFailure {
  const foreign = error as Foreign;
  const status = statusOf(error);
  const body = (parsed(foreign.response?.bodyAsText) as { error?: ArmErrorBody } | undefined)?.error;
  const { code, message } = innermost(body ?? { ...(foreign.code ? { code: foreign.code } : {}), message: foreign.message ?? String(error) });
  const seen = `${status ? `${status} ` : ''}${code}: ${message}`;
  const again = retryAfterMs(foreign);
  const goesOn = { tried, seen, source, remedy: 'It is tried again by itself.', ...(again === undefined ? {} : { retryAfterMs: again }) };
  if (foreign.name === 'AuthenticationError' || foreign.name === 'CredentialUnavailableError' || foreign.name === 'AggregateAuthenticationError')
    return refused(
      {
        tried,
        seen: message.split('\n')[0]!.slice(0, 250),
        source: 'the sign-in service',
        remedy: 'Check tenant, client id and secret of this service, then retry.',
      },
      error,
    );
  if (status === undefined) return transient(goesOn, error);
  if (status === 429 || status >= 500 || status === 408) return transient(goesOn, error);
  if (status === 409 && inProgress.includes(code)) return transient(goesOn, error);
  if (status === 401 || status === 403)
    return refused({ tried, seen, source, remedy: 'Give this service’s identity the role that docs/run-on-azure.md lists, then retry.' }, error);
  return refused({ tried, seen, source, remedy: 'Mend what Azure names, then retry.' }, error);
}

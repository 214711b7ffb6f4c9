import { type Client, NamespaceNotFoundError, ServiceError } from '@temporalio/client';
import { HttpProblem } from './problem.ts';

/** How long Temporal is waited for before the API says that it does not answer. */
const usualPatienceMs = 5_000;
/** gRPC’s own words for it: DEADLINE_EXCEEDED and UNAVAILABLE. */
const silent = [4, 14];

/** PERMISSION_DENIED and UNAUTHENTICATED. */
const refusals = [7, 16];

const soon = { 'retry-after': '5' };
const away = (cause?: unknown): HttpProblem =>
  new HttpProblem(503, 'Temporal does not respond', 'Running jobs continue by themselves. Send the request again when Temporal responds.', {
    cause,
    headers: soon,
  });
const refused = (cause: unknown): HttpProblem =>
  new HttpProblem(
    503,
    'Temporal refuses this service',
    'Check the API’s TEMPORAL_API_KEY or TLS certificate, and its permissions in the namespace, then restart the API.',
    {
      cause,
    },
  );
const noNamespace = (cause: NamespaceNotFoundError): HttpProblem =>
  new HttpProblem(
    503,
    'The Temporal namespace does not exist',
    `Create it with deploy/temporal/namespace.sh (TEMPORAL_NAMESPACE=${cause.namespace}), or set TEMPORAL_NAMESPACE of the API to the right one and restart it.`,
    { cause },
  );

const codeOf = (error: unknown): number | undefined => {
  const source: unknown = error instanceof ServiceError ? (error.cause ?? error) : error;
  return source instanceof Error && 'code' in source && typeof source.code === 'number' ? source.code : undefined;
};

function explained(error: unknown): unknown {
  if (error instanceof NamespaceNotFoundError) return noNamespace(error);
  const code = codeOf(error);
  if (code === undefined) return error;
  if (silent.includes(code)) return away(error);
  return refusals.includes(code) ? refused(error) : error;
}

/** Asks Temporal something, for a bounded time: a client that waits by itself would keep the caller waiting for minutes. */
export async function ask<T>(client: Client, question: () => Promise<T>, patienceMs = usualPatienceMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(away()), patienceMs);
  });
  try {
    return await Promise.race([client.withDeadline(Date.now() + patienceMs, question), tooLong]);
  } catch (error) {
    throw explained(error);
  } finally {
    clearTimeout(timer);
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import { type Client, ServiceError } from '@temporalio/client';
import { searchAttributes } from '../temporal/contract.ts';
import { HttpProblem } from './problem.ts';
import { reportedProblems } from './stuck.ts';
import { ask } from './temporal.ts';

/** How long an attribute that was just registered may take until every part of the server knows it, before the client is told to come back. */
const usually = { patienceMs: 3_000, everyMs: 250 };

/** gRPC’s INVALID_ARGUMENT. */
const invalidArgument = 3;
/** Temporal’s IndexedValueType, as its CLI writes them. */
const typeNames: Record<number, string> = { 1: 'Text', 2: 'Keyword', 3: 'Int', 4: 'Double', 5: 'Bool', 6: 'Datetime', 7: 'KeywordList' };
const registeredAs = (type: 'KEYWORD' | 'BOOL'): string => (type === 'BOOL' ? 'Bool' : 'Keyword');

interface Unusable {
  missing: { name: string; type: string }[];
  ofOtherType: string[];
}

/**
 * Makes a call that sets or queries the search attributes of jobs. Where Temporal does not know one, it is tried again for a moment if all of them are
 * registered; else the problem names those that are not, and the command that registers them.
 */
export async function withSearchAttributes<T>(client: Client, call: () => Promise<T>, { patienceMs, everyMs } = usually): Promise<T> {
  for (const end = performance.now() + patienceMs; ; ) {
    try {
      return await call();
    } catch (error) {
      const problem = isAboutAttributes(error) ? await lastingProblem(client, error) : error;
      if (problem) throw problem;
      if (performance.now() > end) throw notYetUsable(error);
      await pause(everyMs);
    }
  }
}

/** What a person must put right; undefined where all attributes are registered, so that they only need a moment. */
async function lastingProblem(client: Client, error: unknown): Promise<HttpProblem | undefined> {
  if (isAboutAttributes(error, reportedProblems)) return tooOld(error);
  const unusable = await unusableIn(client).catch(() => undefined);
  if (!unusable) return unreadable(error);
  return unusable.missing.length + unusable.ofOtherType.length > 0 ? missing(client, unusable, error) : undefined;
}

function isAboutAttributes(error: unknown, name = ''): boolean {
  const cause: unknown = error instanceof ServiceError ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === invalidArgument && /search attribute/i.test(cause.message) && cause.message.includes(name);
}

/** Those of the job’s attributes that this namespace does not have, or has with another type. */
async function unusableIn(client: Client): Promise<Unusable> {
  const { namespace } = client.options;
  const { customAttributes } = await ask(client, () => client.connection.operatorService.listSearchAttributes({ namespace }));
  const wanted = Object.values(searchAttributes).map(({ name, type }) => ({ name, type: registeredAs(type), found: customAttributes?.[name] }));
  return {
    missing: wanted.flatMap(({ name, type, found }) => (found === undefined || found === null ? [{ name, type }] : [])),
    ofOtherType: wanted.flatMap(({ name, type, found }) => {
      const is = typeNames[Number(found)];
      return is === undefined || is === type ? [] : [`${name} is registered as ${is}, not ${type}`];
    }),
  };
}

function missing(client: Client, { missing: names, ofOtherType }: Unusable, cause: unknown): HttpProblem {
  const command = `temporal operator search-attribute create --namespace ${client.options.namespace} ${names.map(({ name, type }) => `--name ${name} --type ${type}`).join(' ')}`;
  const isMissing = names.length > 0;
  const sentences = [
    ...(isMissing ? [`These search attributes are not registered: ${names.map(({ name }) => name).join(', ')}. Register them with: ${command}.`] : []),
    ...ofOtherType.map((text) => `${text}. Remove and re-create it.`),
    'Nothing was changed. Then send the request again.',
  ];
  return new HttpProblem(503, 'Search attributes are missing in Temporal', sentences.join(' '), {
    cause,
    headers: { 'retry-after': '30' },
    ...(isMissing ? { command } : {}),
  });
}

const notYetUsable = (cause: unknown): HttpProblem =>
  new HttpProblem(
    503,
    'Search attributes are not usable yet',
    'All search attributes are registered, but Temporal says that they are not usable yet. Nothing was changed. Send the request again in 10 seconds.',
    { cause, headers: { 'retry-after': '10' } },
  );

/** Where a namespace does not let this service read its attributes, only Temporal’s own message tells which one. */
const unreadable = (cause: unknown): HttpProblem =>
  new HttpProblem(
    503,
    'Search attributes are missing in Temporal',
    'Temporal does not know a search attribute of jobs, and does not let this service list those it knows. Run deploy/temporal/namespace.sh, which registers all of them, and send the request again. Nothing was changed.',
    { cause, headers: { 'retry-after': '30' } },
  );

/** The server sets that attribute by itself; an older one does not know it. */
const tooOld = (cause: unknown): HttpProblem =>
  new HttpProblem(
    501,
    'This Temporal server cannot list stuck jobs',
    'state=stuck needs Temporal server 1.31 or later. Upgrade the server, or check each running job with GET /v1/jobs/{id}, which shows a stuck job with any version.',
    { cause },
  );

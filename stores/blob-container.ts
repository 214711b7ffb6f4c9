import { text } from 'node:stream/consumers';
import type { ContainerClient } from '@azure/storage-blob';
import { messageOf, refused, StepFailure, transient } from '../domain/failure.ts';
import type { AzureConnection, AzureFault } from './azure-connection.ts';
import { AzureService, asProblemOf, type Explained } from './azure-service.ts';

const source = 'Azure Blob Storage';

/** A container in Azure Blob Storage, as the stores speak to it. It is never created here: that is for whoever gives this service its roles. */
export interface BlobContainer {
  readonly url: string;
  /** Writes a blob; with `isFirst` only where none of that name is, and tells whether it did. What is written again after a lost answer counts as written. */
  write(name: string, content: string, options: { isFirst: boolean }): Promise<boolean>;
  /** Adds to the end of a blob. Whole or not at all, in the order of arrival; after a lost answer it may stand there twice. */
  append(name: string, content: string): Promise<void>;
  /** The content, undefined where there is no such blob. */
  read(name: string): Promise<string | undefined>;
  /** The names that begin with the prefix, sorted. */
  list(prefix: string): Promise<string[]>;
}

/** The longest that an answer with a whole body may take. */
const bodyMs = 60_000;

/** After which something that passes is tried again first; tests have less patience. */
const usualRetryMs = 500;

export function blobContainer(url: string, connection: AzureConnection, retryMs: number = usualRetryMs): BlobContainer {
  const service = new AzureService<ContainerClient>({
    connection,
    connect: () => connect(url, connection),
    place: ` in the blob container ${url}`,
    explain,
    retryMs,
  });
  const read = (name: string): Promise<string | undefined> => service.ask(`reading ${name}`, (client) => content(client, name));
  return {
    url,
    read,
    write: (name, value, { isFirst }) =>
      service.ask(`writing ${name}`, async (client) => {
        const conditions = isFirst ? { conditions: { ifNoneMatch: '*' } } : {};
        try {
          await client.getBlockBlobClient(name).upload(value, Buffer.byteLength(value), conditions);
          return true;
        } catch (error) {
          if (!isFirst || !isTaken(error)) throw error;
          // The answer to an earlier try of this very write may have been lost.
          return (await content(client, name)) === value;
        }
      }),
    append: (name, more) =>
      service.ask(`appending to ${name}`, async (client) => {
        const blob = client.getAppendBlobClient(name);
        try {
          await blob.appendBlock(more, Buffer.byteLength(more));
        } catch (error) {
          if (codeOf(error) !== 'BlobNotFound') throw error;
          await blob.createIfNotExists();
          await blob.appendBlock(more, Buffer.byteLength(more));
        }
      }),
    list: (prefix) =>
      service.ask(`listing ${prefix}`, async (client) => {
        const names: string[] = [];
        for await (const { name } of client.listBlobsFlat({ prefix })) names.push(name);
        return names.sort();
      }),
  };
}

async function connect(url: string, connection: AzureConnection): Promise<ContainerClient> {
  const [{ ContainerClient }, { olderForm }] = await Promise.all([import('@azure/storage-blob'), import('./azure-older-form.ts')]);
  const [credential, httpClient] = await Promise.all([connection.credential(url), connection.httpClient()]);
  return new ContainerClient(url, credential, { httpClient: olderForm(httpClient), retryOptions: { maxTries: 1 } });
}

async function content(client: ContainerClient, name: string): Promise<string | undefined> {
  // Who sends waits for the head of an answer alone: a body that stops half-way would be waited for forever.
  const outOfTime = AbortSignal.timeout(bodyMs);
  try {
    const { readableStreamBody } = await client.getBlobClient(name).download(0, undefined, { abortSignal: outOfTime });
    return readableStreamBody ? await text(readableStreamBody) : '';
  } catch (error) {
    // A container that is missing is no proof that the blob is.
    if (codeOf(error) === 'BlobNotFound') return undefined;
    throw outOfTime.aborted ? new HalfAnswer() : error;
  }
}

const codes = { unreachable: 'STORE_UNREACHABLE', failed: 'STORE_REFUSED' } as const;

class HalfAnswer extends Error {}

const isTaken = (error: unknown): boolean => ['BlobAlreadyExists', 'ConditionNotMet'].includes(codeOf(error) ?? '');

/** Storage's own code for what went wrong: in the error, or where an answer has no body in a header of it. */
function codeOf(error: unknown): string | undefined {
  const { code, details, response } = error as {
    code?: string;
    details?: { errorCode?: string };
    response?: { headers?: { get(name: string): string | undefined } };
  };
  return details?.errorCode ?? response?.headers?.get('x-ms-error-code') ?? code;
}

/** What a person needs to know of it. No cause hangs on it: the client's errors carry requests. */
function explain(tried: string, error: unknown, fault: AzureFault | undefined): Explained {
  if (error instanceof HalfAnswer) {
    const summary = `the answer stopped half-way and was given up after ${bodyMs / 1000} s`;
    return { passes: true, failure: transient({ code: 'STORE_UNREACHABLE', tried, summary, remedy: 'Nothing: the step retries by itself.' }) };
  }
  if (!fault) {
    const remedy = 'Fix the problem it names, then retry.';
    return { passes: false, failure: refused({ code: 'STORE_REFUSED', tried, summary: messageOf(error), remedy }) };
  }
  const code = codeOf(error);
  const stop = (remedy: string): Explained => ({
    passes: false,
    failure: refused({
      code: 'STORE_REFUSED',
      tried,
      summary: 'the request was refused',
      evidence: { source, text: `${fault.status} ${code ?? ''}`.trim() },
      remedy,
    }),
  });
  if (code === 'ContainerNotFound') return stop('Create the container, or correct its address in the settings and restart; then retry.');
  if (fault.status === 403)
    return stop(
      'Assign this service’s identity the role Storage Blob Data Contributor on the container (the API: Storage Blob Data Reader), and let its network in at the storage account; then retry.',
    );
  const { problem } = fault.failure;
  return {
    passes: problem.kind === 'Transient',
    failure: fault.isSignIn ? fault.failure : new StepFailure(asProblemOf(source, codes, problem)),
    ...(problem.retryAfterMs === undefined ? {} : { retryAfterMs: problem.retryAfterMs }),
  };
}

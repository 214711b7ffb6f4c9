import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

/** Where something may have been written down, and what is there. */
export type Place = [name: string, text: string];

/** Every way in which a secret could be written down. */
const disguises = (secret: string): string[] => [
  ...new Set([secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]),
];

/** The places that hold one of the secrets, in whatever disguise. */
export const leaks = (secrets: readonly string[], places: readonly Place[]): string[] =>
  places.flatMap(([place, text]) => secrets.flatMap((secret) => (disguises(secret).some((form) => text.includes(form)) ? [place] : [])));

/** Every file below a folder but those that are kept out. */
export const filesIn = (folder: string, keptOut: RegExp): Place[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !keptOut.test(path) && statSync(path).size < 50_000_000)
    .map((path) => [path, readFileSync(path, 'latin1')]);

/** The history of a workflow as JSON. */
export async function historyOf(temporal: string, id: string): Promise<string> {
  const connection = await Connection.connect({ address: temporal });
  try {
    return historyToJSON(await new Client({ connection }).workflow.getHandle(id).fetchHistory());
  } finally {
    await connection.close();
  }
}

/** Payloads in a history are base64: a secret inside would not be found otherwise. */
export const decoded = (history: string): string =>
  history.replace(/"data":\s*"([A-Za-z0-9+/=]+)"/g, (_, data: string) => `"data":${Buffer.from(data, 'base64').toString('utf8')}`);

/** Not all that is kept beside the secrets is one: the HSM’s host keys, which purposes were kept and which partitions were created are no secrets. */
export const isSecret = (name: string): boolean => !/-(host-key|kept-purposes|partition)(-\d+)?$/.test(name);

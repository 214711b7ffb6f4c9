import { text } from './samples.ts';

/** Thales’ index ends before the vault: docs/reference/ciphertrust.md#users-keys-domains. */
const beyondTheIndex = ['GET /v1/vault/keys2/', 'POST /v1/vault/keys2/', 'GET /v1/vault/keys2/{id}', 'DELETE /v1/vault/keys2/{id}'];

/** Verb and path of every operation that is known. */
export const operations = (): string[] => [
  ...[...text('00-operations-index.txt').matchAll(/\| (GET|POST|PUT|PATCH|DELETE) (\/v1\/\S+) \|/g)].map(([, verb, path]) => `${verb} ${path}`),
  ...beyondTheIndex,
];

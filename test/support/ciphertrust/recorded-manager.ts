import assert from 'node:assert/strict';
import axios, { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import type { SecretStore } from '../../../stores/secrets/store.ts';
import type { CipherTrust } from '../../../systems/ciphertrust/ciphertrust.ts';
import { Manager } from '../../../systems/ciphertrust/manager.ts';
import type { Json } from './samples.ts';

interface Asked {
  method: string;
  path: string;
  body: Json | undefined;
  authorization: boolean;
  timeoutMs: number;
}

type Query = Record<string, number | undefined>;
type Answer = [status: number, body?: unknown, headers?: Record<string, string>];

/** A manager that answers what it is told, by operation, and writes down what it is asked. */
export function recordedManager(answers: Record<string, Answer | ((query: Query) => Answer)>, signal = new AbortController().signal) {
  const asked: Asked[] = [];
  const http = axios.create({
    validateStatus: () => true,
    adapter: async (config: InternalAxiosRequestConfig) => {
      const [method, path] = [config.method!.toUpperCase(), config.url!];
      const body = config.data === undefined ? undefined : (JSON.parse(config.data as string) as Json);
      asked.push({ method, path, body, authorization: config.headers.has('Authorization'), timeoutMs: config.timeout! });
      const answer = answers[`${method} ${path}`] ?? [404, { code: 16, codeDesc: 'NCERRResourceNotFound: Resource not found' }];
      const [status, data, headers] = typeof answer === 'function' ? answer((config.params ?? {}) as Query) : answer;
      return { status, statusText: '', headers: new AxiosHeaders(headers), config, data: data ?? '' };
    },
  });
  const manager = new Manager(http, signal);
  const cipherTrust = { leaf: async () => ({ fingerprint: 'AA', shown: {} }), connect: async () => manager } as unknown as CipherTrust;
  return { asked, manager, cipherTrust };
}

export const secretsOf = (values: Record<string, string>): SecretStore => ({ get: async (name) => values[name], create: () => assert.fail('only reads') });

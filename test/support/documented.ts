import assert from 'node:assert/strict';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';

type Json = Record<string, unknown>;
interface OpenApi {
  paths: Record<string, Record<string, { responses: Record<string, { content?: Record<string, { schema: object }> }> }>>;
}

/** Every object of a schema holds what the schema names and nothing else: a field that nobody described is a mistake, too. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner: Json = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  const isOpen = inner['type'] === 'object' && inner['properties'] !== undefined && inner['additionalProperties'] === undefined;
  return isOpen ? { ...inner, additionalProperties: false } : inner;
}

/** Asserts that an answer is what the app’s OpenAPI text says of it: the status, the media type, each field. */
export async function documented(app: FastifyInstance): Promise<(method: string, path: string, answer: LightMyRequestResponse) => void> {
  const openapi: OpenApi = (await app.inject({ url: '/openapi.json' })).json();
  const ajv = new Ajv({ strict: false, allErrors: true });
  (formats as unknown as (ajv: Ajv) => void)(ajv);
  ajv.addSchema({ $id: 'api', ...(closed(openapi) as object) });
  return (method, path, answer) => {
    const { responses } = openapi.paths[path]![method.toLowerCase()]!;
    const response = responses[answer.statusCode] ?? responses['default'];
    assert.ok(response, `${method} ${path} does not document ${answer.statusCode}: ${answer.body}`);
    const type = String(answer.headers['content-type'] ?? '').split(';')[0]!;
    const media = response.content?.[type];
    assert.ok(media ?? answer.body === '', `${method} ${path} ${answer.statusCode} does not document ${type}`);
    if (!media || !type.endsWith('json')) return;
    const fits = ajv.compile(JSON.parse(JSON.stringify(closed(media.schema)).replaceAll('"#/', '"api#/')));
    assert.ok(fits(answer.json()), `${method} ${path} ${answer.statusCode}: ${JSON.stringify(fits.errors)}\n${answer.body}`);
  };
}

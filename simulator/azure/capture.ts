import { appendFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Sent } from './http.ts';
import { readJson } from './lenient-json.ts';

/** One exchange with ARM as it went over the wire, for whoever wants to hold it against Microsoft’s specification. */
export interface Exchange {
  at: string;
  request: { method: string; url: string; headers: Record<string, string>; body?: unknown };
  /** Absent where the connection was cut before anything was answered. */
  response?: { status: number; headers: Record<string, string>; body?: unknown };
}

const masked = '(kept out)';
/** `customData` is base64 on the wire, and so is what stands for it. */
const secretProperties: Record<string, string> = {
  adminpassword: masked,
  runaspassword: masked,
  customdata: Buffer.from(masked).toString('base64'),
};

/** Appends every exchange to a file, one JSON object a line. What is secret in requests is kept out; the shape stays that of the request. */
export class Capture {
  readonly #file: string;
  readonly #base: () => string;

  constructor(file: string, base: () => string) {
    this.#file = file;
    this.#base = base;
  }

  record(request: IncomingMessage, text: string, sent: Sent | undefined): void {
    const exchange: Exchange = {
      at: new Date().toISOString(),
      request: { method: request.method ?? '', url: `${this.#base()}${request.url}`, headers: flat(request.headers), ...bodyOf(text) },
      ...(sent ? { response: { status: sent.status, headers: sent.headers, ...bodyOf(sent.text ?? '') } } : {}),
    };
    appendFileSync(this.#file, `${JSON.stringify(exchange)}\n`, { mode: 0o600 });
  }
}

function bodyOf(text: string): { body?: unknown } {
  if (text === '') return {};
  try {
    return { body: withoutSecrets(readJson(text)) };
  } catch {
    return { body: text };
  }
}

function flat(headers: IncomingMessage['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name !== 'authorization')
      .map(([name, value]) => [name, String(value)]),
  );
}

/** The same with secrets masked: passwords and custom data, protected parameters of run commands, secure parameters of deployments. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  const secure = secureParameters(value as Record<string, unknown>);
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const lower = name.toLowerCase();
      if (typeof inner === 'string' && Object.hasOwn(secretProperties, lower)) return [name, secretProperties[lower]];
      if (lower === 'protectedparameters' && Array.isArray(inner)) return [name, inner.map((parameter) => ({ ...(parameter as object), value: masked }))];
      if (lower === 'parameters' && secure.length > 0) return [name, withoutValues(inner as Record<string, object>, secure)];
      return [name, withoutSecrets(inner)];
    }),
  );
}

/** Which parameters the template beside them declares as secure. */
function secureParameters({ template }: Record<string, unknown>): string[] {
  const declared = (template as { parameters?: Record<string, { type?: string }> } | undefined)?.parameters ?? {};
  return Object.keys(declared)
    .filter((name) => /^secure/i.test(declared[name]?.type ?? ''))
    .map((name) => name.toLowerCase());
}

const withoutValues = (parameters: Record<string, object>, secure: string[]) =>
  Object.fromEntries(Object.entries(parameters).map(([name, given]) => [name, secure.includes(name.toLowerCase()) ? { ...given, value: masked } : given]));

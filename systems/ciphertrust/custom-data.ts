import { isScalar, parseDocument, visit } from 'yaml';

/** Azure’s limit for custom data, before it is encoded. */
const maximumBytes = 64 * 1024;

/**
 * Why a text cannot be the cloud-init configuration of a CipherTrust Manager, in one sentence without any of its content (it may hold passwords); undefined
 * where it can.
 */
export function customDataProblem(text: string): string | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > maximumBytes) return `it has ${bytes} bytes; Azure takes ${maximumBytes}`;
  if (!/^#cloud-config\s*(\r?\n|$)/.test(text)) return 'its first line is not #cloud-config';
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) return `it is no YAML: ${error.code} in line ${error.linePos?.[0].line ?? '?'}`;
  const value: unknown = document.toJS();
  return value === null || typeof value !== 'object' || Array.isArray(value) ? 'it holds no settings (a YAML map is needed)' : undefined;
}

/** Does it set a key to true, wherever that key stands? The list of keys that CipherTrust Manager heeds is not published whole. */
export function setsTrue(text: string, key: string): boolean {
  let isSet = false;
  visit(parseDocument(text), {
    Pair(_, { key: name, value }) {
      if (isScalar(name) && name.value === key && isScalar(value) && value.value === true) isSet = true;
    },
  });
  return isSet;
}

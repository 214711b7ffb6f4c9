/**
 * JSON as ARM reads it, which is not strict: Azure CLI sends a template as it stands in its file, with comments, commas too many, names without quotes,
 * texts in single quotes and over several lines.
 */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(strict(text));
  }
}

const token =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'|[A-Za-z_$][\w$.-]*(?=\s*:)|,(?=(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*[\]}])/g;

/** The same in strict JSON; what is wrong for ARM, too, is left for the parser to say. */
const strict = (text: string): string =>
  text.replace(token, (found) => {
    if (found.startsWith('/') || found === ',') return '';
    if (found.startsWith('"')) return quoted(found.slice(1, -1));
    return found.startsWith("'") ? quoted(found.slice(1, -1).replaceAll("\\'", "'").replaceAll('"', '\\"')) : `"${found}"`;
  });

const escapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const quoted = (inner: string): string => `"${inner.replace(/[\n\r\t]/g, (character) => escapes[character]!)}"`;

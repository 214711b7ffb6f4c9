/** What stands in place of a secret. */
const mask = '********';

const secretFields = ['password', 'new_password', 'connInfo', 'partition_password', 'client-cert-key', 'key', 'license', 'certificate', 'refresh_token'];

/** A private key in PEM form; one that was cut short may go on to the end of the text. */
const privateKeys = /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----|[\s\S]*)/g;

/** Of a private key so many letters in a row are quoted, not met by chance. */
const telling = 12;

/**
 * A text of an answer without the secrets that were sent, which it may quote: as they were sent, as JSON, a page or one line has them. Of private keys nothing
 * is left, also where one is quoted in part, and where it was not this request that brought it. Must see the text as it came: folded it may be another one.
 */
export function withoutSecrets(text: string, sent: object): string {
  const secrets = secretsIn(sent);
  const whole = [...new Set(secrets.flatMap(formsOf))].filter((form) => form !== '').sort((one, other) => other.length - one.length);
  const masked = whole.reduce((rest, secret) => rest.replaceAll(secret, mask), text).replace(privateKeys, mask);
  return secrets.flatMap(keyLetters).reduce(withoutPieces, masked);
}

function secretsIn(sent: object): string[] {
  return Object.entries(sent).flatMap(([field, value]: [string, unknown]) => {
    if (typeof value === 'object' && value !== null) return secretsIn(value);
    if (typeof value !== 'string' || !secretFields.includes(field)) return [];
    return [value, ...(field === 'connInfo' ? secretsIn(JSON.parse(value) as object) : [])];
  });
}

const formsOf = (secret: string): string[] => {
  const folded = secret.replace(/\s+/g, ' ');
  return [secret, secret.trim(), JSON.stringify(secret).slice(1, -1), folded, folded.trim(), inPage(secret, '&quot;'), inPage(secret, '&#34;')];
};

const inPage = (text: string, quote: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll("'", '&#39;').replaceAll('"', quote);

/** The letters of each private key in a secret, without the lines that they stand in. */
const keyLetters = (secret: string): string[] =>
  (secret.match(privateKeys) ?? []).map((key) => key.replace(/-----[^-]*-----|^.*:.*$|\s/gm, '')).filter((letters) => letters.length >= telling);

/** What may stand between two letters of a key that is quoted: a line’s end, also as JSON or a page has it. */
const between = /(?:\s|\\+[nrt]?|<[^>]*>)+/y;

/** A text without what it quotes of a key, however that is broken into lines. */
function withoutPieces(text: string, letters: string): string {
  const windows = new Set(Array.from({ length: letters.length - telling + 1 }, (_, at) => letters.slice(at, at + telling)));
  const places = placesOf(text);
  const joined = places.map((at) => text[at]).join('');
  let [told, from] = ['', 0];
  for (let at = 0; at + telling <= joined.length; at++) {
    if (!windows.has(joined.slice(at, at + telling))) continue;
    const first = places[at]!;
    while (windows.has(joined.slice(at + 1, at + 1 + telling))) at++;
    const last = places[at + telling - 1]!;
    if (last < from) continue;
    told += `${text.slice(from, Math.max(from, first))}${mask}`;
    from = last + 1;
    at += telling - 1;
  }
  return told + text.slice(from);
}

/** Where the letters of a text stand, without what may stand between two lines of a key. */
function placesOf(text: string): number[] {
  const places: number[] = [];
  for (let at = 0; at < text.length; at++) {
    between.lastIndex = at;
    const skipped = between.exec(text)?.[0].length ?? 0;
    if (skipped > 0) at += skipped - 1;
    else places.push(at);
  }
  return places;
}

import { fixture, fixtureNames } from '../fixtures.ts';

export type Json = Record<string, unknown>;

export const text = (file: string): string => fixture(`ciphertrust/${file}`);
const json = (file: string): Json => JSON.parse(text(file)) as Json;

/** Of a recorded sample only what went over the wire. */
const bare = (sample: object): Json => Object.fromEntries(Object.entries(sample).filter(([name]) => !name.startsWith('_')));

/** Files that are one answer; every other JSON file holds a sample under each name. */
const wholeFiles = [
  '02-auth-token-response.json',
  '06-services-status.json',
  '07-system-info.json',
  '11-hsm-setup-response.json',
  '15-password-policy-global.json',
];

/** Everything that was recorded of CipherTrust Manager: `file`, or `file#sample` where a file holds several. */
export const recordedSamples = (): string[] =>
  fixtureNames('ciphertrust')
    .sort()
    .flatMap((file) => (file.endsWith('.json') && !wholeFiles.includes(file) ? Object.keys(bare(json(file))).map((name) => `${file}#${name}`) : [file]));

/** One of them. */
export function sample<T extends object = Json>(name: string): T {
  const [file = '', part] = name.split('#');
  const whole = part === undefined ? json(file) : json(file)[part];
  return (Array.isArray(whole) ? whole : bare(whole as object)) as T;
}

/** The requests and answers in a text of HTTP, a line each: `PUT /api/v1/…`, `{…}`. */
export const httpLines = (file: string): string[] =>
  text(file)
    .split('\n')
    .filter((line) => /^(GET|POST|PUT|PATCH|DELETE|HTTP|\{)/.test(line));

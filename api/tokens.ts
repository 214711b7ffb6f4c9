import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Person, type Role, roles, type Tokens } from './plugins/auth.ts';

/** The tokens in a file that only its owner may read; made at the first start. Fails with every mistake in it at once, and shows no token. */
export function readTokens(file: string): { tokens: Tokens; made: boolean } {
  const made = !existsSync(file) && make(file);
  closeToOthers(file);
  const mistakes: string[] = [];
  const content = parsed(file, mistakes);
  const tokens = content ? checked(content, mistakes) : {};
  if (mistakes.length > 0) throw new Error(`${file} cannot be used:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`);
  return { tokens, made };
}

/** Whole or not at all, and never over another one: of two that start at once both use what the first made. */
function make(file: string): boolean {
  const token = () => randomBytes(24).toString('base64url');
  const draft = `${file}.${randomUUID()}`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(draft, `${JSON.stringify({ operator: token(), approver: token() }, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft);
  }
}

function closeToOthers(file: string): void {
  if ((statSync(file).mode & 0o077) === 0) return;
  try {
    chmodSync(file, 0o600);
  } catch (cause) {
    throw new Error(`Other users can read ${file}, and its permissions could not be changed. Run: chmod 600 ${file}`, { cause });
  }
}

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

function parsed(file: string, mistakes: string[]): Fields | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isFields(content)) return content;
    mistakes.push('it must be a JSON object');
  } catch {
    // What the parser says quotes the text, in which the tokens are.
    mistakes.push('it is not valid JSON (check for a missing or extra comma); it must be a JSON object');
  }
  return undefined;
}

const isToken = (value: unknown): value is string => typeof value === 'string' && /^\S{16,}$/.test(value);
const tokenRule = 'must be at least 16 characters without spaces (openssl rand -base64 24)';

const isRole = (value: unknown): value is Role => roles.some((role) => role === value);

function checked({ people = [], ...others }: Fields, mistakes: string[]): Tokens {
  const entries = Array.isArray(people) ? people.map((entry: unknown) => (isFields(entry) ? entry : {})) : [];
  if (!Array.isArray(people)) mistakes.push('/people must be a list');
  for (const field of Object.keys(others)) if (!isRole(field)) mistakes.push(`/${field} is not a known field (known: operator, approver, people)`);
  const ofRoles: Partial<Record<Role, string>> = {};
  for (const role of roles) {
    const token = others[role];
    if (isToken(token)) ofRoles[role] = token;
    else if (entries.length === 0 || token !== undefined) mistakes.push(`/${role} ${tokenRule}`);
  }
  const persons = entries.flatMap((entry, index) => personIn(entry, (mistake) => mistakes.push(`/people/${index}/${mistake}`)));
  const twice = (values: unknown[]) => values.some((value, at) => value !== undefined && values.indexOf(value) !== at);
  if (twice(entries.map(({ name }) => String(name).toLowerCase()))) mistakes.push('/people names somebody twice');
  if (twice([...roles.map((role) => others[role]), ...entries.map(({ token }) => token)]))
    mistakes.push('the same token is used twice; each role and person needs its own');
  return { ...ofRoles, people: persons };
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= 100 && value.trim() === value && !isRole(value.toLowerCase());
const areRoles = (value: unknown): value is Role[] => Array.isArray(value) && value.length > 0 && value.every(isRole);

function personIn({ name, roles: may, token, ...others }: Fields, mistake: (text: string) => void): Person[] {
  if (!isName(name)) mistake('name must be a name of at most 100 characters, and not that of a role');
  if (!areRoles(may)) mistake(`roles must be a list of ${roles.join(' or ')}, or both`);
  if (!isToken(token)) mistake(`token ${tokenRule}`);
  for (const field of Object.keys(others)) mistake(`${field} is not a known field (known: name, roles, token)`);
  return isName(name) && areRoles(may) && isToken(token) ? [{ name, roles: may, token }] : [];
}

import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Tokens } from './plugins/auth.ts';

/** The tokens in a file that only its owner may read; made at the first start. */
export function readTokens(file: string): { tokens: Tokens; made: boolean } {
  if (existsSync(file)) return { tokens: JSON.parse(readFileSync(file, 'utf8')) as Tokens, made: false };
  const token = () => randomBytes(24).toString('base64url');
  const tokens = { operator: token(), approver: token() };
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(tokens, null, 2)}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return { tokens, made: true };
}

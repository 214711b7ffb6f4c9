import { Type } from 'typebox';
import { messageOf, refused, type StepFailure, transient } from '../../domain/failure.ts';
import { isFields, readFields } from '../foreign.ts';
import { withoutSecrets } from './masking.ts';

export const source = 'CipherTrust Manager';

export interface Answer {
  status: number;
  /** Parsed JSON; text where it is none. */
  body: unknown;
  /** When it asks to be asked again, in milliseconds. */
  retryAfterMs?: number;
}

/** Success, whatever the verb (docs/reference/ciphertrust.md#success). */
export const isSuccess = ({ status }: Answer): boolean => status >= 200 && status <= 206;

/** What it said, from either of its two fields, or from a proxy’s page. */
export function saying({ status, body }: Answer): string {
  if (typeof body === 'string') return `${status} ${/<title>(.*?)<\/title>/i.exec(body)?.[1] ?? body.replace(/(<[^>]*>|\s)+/g, ' ').trim()}`.trim();
  const { codeDesc, message } = readFields({ codeDesc: Type.String(), message: Type.String() }, body);
  return `${status} ${[codeDesc, message].filter(Boolean).join(': ')}`.trim();
}

/** docs/reference/ciphertrust.md#passing-faults */
const passing = [408, 429, 502, 503, 504];
export const isPassing = ({ status, body }: Answer): boolean => passing.includes(status) || (status >= 500 && typeof body === 'string');

/** The same without the secrets that were sent, which an answer may quote. */
export const quoted = (answer: Answer, sent: object = {}): string => saying({ ...answer, body: bodyWithoutSecrets(answer.body, sent) });

/** An answer that is no success. What was sent is needed to keep its secrets out of what is told: an answer may quote them. */
export function answerFailure(tried: string, answer: Answer, sent: object = {}): StepFailure {
  const evidence = { source, text: quoted(answer, sent) };
  const { retryAfterMs } = answer;
  if (isPassing(answer))
    return transient({
      code: 'CIPHERTRUST_BUSY',
      tried,
      summary: 'it cannot be done now',
      evidence,
      remedy: 'It is tried again by itself.',
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  return refused({
    code: 'CIPHERTRUST_REQUEST_FAILED',
    tried,
    summary: 'the request was refused',
    evidence,
    remedy: 'Fix what CipherTrust Manager names, then retry.',
  });
}

/** Before it is folded into one line, which a secret of several lines would not be found in. */
function bodyWithoutSecrets(body: unknown, sent: object): unknown {
  if (typeof body === 'string') return withoutSecrets(body, sent);
  const { codeDesc, message } = isFields(body) ? body : {};
  const [label, words] = [codeDesc, message].map((text) => (typeof text === 'string' ? withoutSecrets(text, sent) : undefined));
  return { codeDesc: label, message: words };
}

/** No answer at all. */
export const noAnswer = (tried: string, error: unknown): StepFailure =>
  transient({ code: 'CIPHERTRUST_UNREACHABLE', tried, summary: messageOf(error), remedy: 'It is tried again by itself.' }, error);

/** `Retry-After`: seconds, or a date, which counts against the server’s own (`Date`) where it tells that. */
export function retryAfter(header: unknown, date?: unknown, now = Date.parse(String(date ?? '')) || Date.now()): number | undefined {
  if (typeof header !== 'string' || header.trim() === '') return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** Does it say that the password which was to be changed is another one? By its status or its words: docs/reference/ciphertrust.md#wrong-password-answer. */
export const saysWrongPassword = (answer: Answer): boolean =>
  answer.status === 401 || ([400, 403].includes(answer.status) && /authentication failed|invalid credentials|wrong username or password/i.test(saying(answer)));

/** Does it say that what was to be added is there? */
export const saysExists = (answer: Answer): boolean => answer.status === 409 || (answer.status === 400 && /already exists|duplicate/i.test(saying(answer)));

/** Does it say that the account is locked? How is unknown (docs/reference/ciphertrust.md#lockout): by its words, or by the status that means nothing else. */
export const saysLocked = (answer: Answer): boolean =>
  answer.status === 423 || ([400, 401, 403, 429].includes(answer.status) && /\block(ed|out)\b/i.test(saying(answer)));

const unitMs: Record<string, number> = { second: 1_000, minute: 60_000, hour: 3_600_000 };

/** For how long, where it tells: in words, or as when it wants to be asked again. The longer one counts: who tries too early may be locked out for longer. */
export function lockedForMs(answer: Answer): number | undefined {
  const [, number, unit = ''] = /(\d+)\s*(second|minute|hour)/i.exec(saying(answer)) ?? [];
  const inWords = number === undefined ? 0 : Number(number) * unitMs[unit.toLowerCase()]!;
  return Math.max(inWords, answer.retryAfterMs ?? 0) || undefined;
}

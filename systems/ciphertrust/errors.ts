import { refused, type StepFailure, transient } from '../../domain/failure.ts';

export const source = 'CipherTrust Manager';

export interface Answer {
  status: number;
  /** Parsed JSON; text where it is none. */
  body: unknown;
}

/** What it said, from either of its two fields, or from a proxy’s page. */
export function saying({ status, body }: Answer): string {
  if (typeof body === 'string') return `${status} ${/<title>(.*?)<\/title>/i.exec(body)?.[1] ?? ''}`.trim();
  const { codeDesc, message } = (body ?? {}) as { codeDesc?: string; message?: string };
  return `${status} ${[codeDesc, message].filter(Boolean).join(': ')}`.trim();
}

const passing = [408, 429, 502, 503, 504];
export const isPassing = ({ status, body }: Answer): boolean => passing.includes(status) || (status >= 500 && typeof body === 'string');

/** An answer that is no success. */
export function answerFailure(tried: string, answer: Answer): StepFailure {
  const told = { tried, seen: saying(answer), source };
  if (isPassing(answer)) return transient({ ...told, remedy: 'It is tried again by itself.' });
  return refused({ ...told, remedy: 'Mend what CipherTrust Manager names, then retry.' });
}

/** No answer at all. */
export const noAnswer = (tried: string, error: unknown): StepFailure =>
  transient({ tried, seen: error instanceof Error ? error.message : String(error), source: 'the connection', remedy: 'It is tried again by itself.' }, error);
